"""A figure as two files: whole or not there."""

import pytest
from drawn_figures import history, training

from retina.errors import RetinaError
from retina.reporting import figures


def test_a_saved_figure_leaves_nothing_half_written(tmp_path):
    figure = training(history([0.7, 0.5]))
    figures.save(figure, tmp_path / "figures", "curves")
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == ["curves.png", "curves.svg"]


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "figures").write_text("in the way")
    with pytest.raises(RetinaError, match="cannot write"):
        figures.save(training(history([0.7])), tmp_path / "figures", "curves")
