"""Labels are literal and fit their room."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retina.reporting.figures import labels, style


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("$a_{b}$ & <i>", "$a_{b}$ & <i>"),
        (" two\nlines\tand  more ", "two lines and more"),
        ("\u773c\u5e95", 2 * labels.MISSING),
        ("a\ud800b\u202ec\x07d", f"a{labels.MISSING}b{labels.MISSING}c{labels.MISSING}d"),
        ("e\u0301", "\u00e9"),
        ("q\u0301", f"q{labels.MISSING}"),
        ("\u03b2 \u2265 5%", "\u03b2 \u2265 5%"),
    ],
)
def test_a_label_is_one_literal_line_of_characters_that_the_font_has(text, drawn):
    assert labels.literal(text) == drawn


def test_a_name_too_long_for_a_line_is_broken_after_a_hyphen_and_ends_in_the_last_line():
    name = "resnet18-p1-focal-seed0-7abc45f3"
    first, second = labels.wrapped(name, 1.5, 8, 2)
    assert first + second == name
    assert first.endswith("-")
    assert labels.wrapped("AUROC 0.93 (0.90)", 9, 8, 2) == ["AUROC 0.93 (0.90)"]
    assert labels.ELLIPSIS in labels.wrapped(9 * name, 1.5, 8, 2)[1]


@given(st.text(max_size=60), st.floats(0.2, 4))
def test_a_fitted_label_is_never_wider_than_its_room(text, room):
    fitted = labels.fitted(text, room, 8)
    assert labels.width(fitted, 8) <= room or fitted == labels.ELLIPSIS
    assert "\n" not in fitted


def test_a_shortened_name_keeps_both_its_ends_and_a_short_one_is_left_alone():
    name = "resnet18-p1-focal-seed0-7abc45f3"
    fitted = labels.fitted(name, 1.5, 8)
    head, tail = fitted.split(labels.ELLIPSIS)
    assert name.startswith(head)
    assert name.endswith(tail)
    assert abs(len(head) - len(tail)) <= 1
    assert labels.fitted(name, 5, 8) == name


def test_a_measured_width_is_what_matplotlib_draws():
    figure = style.Sheet(6, 1, "")
    text = style.styled(figure.text)(0.1, 0.5, "resnet50-p2-focal-seed10-02638770", size=8)
    drawn = style.styled(text.get_window_extent)().width / figure.figure.dpi
    assert labels.width(text.get_text(), 8) == pytest.approx(drawn, rel=0.02)
