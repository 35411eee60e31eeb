"""What is announced before anything is trained."""

import pytest
from made_runs import make_run

from retina.experiments.target import DISEASE_RISK
from retina.workflows import announcements


@pytest.mark.parametrize("say", [announcements.of_run, announcements.of_data])
def test_another_target_than_the_default_is_said_in_a_line_of_its_own(tmp_path, say):
    default, other = (say(make_run(tmp_path / name, target=name).record()) for name in (DISEASE_RISK, "DR"))
    assert not any("Target" in line for line in default)
    assert "Target: column DR of the label table." in other
    assert len(other) == len(default) + 1
