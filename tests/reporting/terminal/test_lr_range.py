"""A range test as text: each seed's rate, their mean, and what it is worth."""

from pathlib import Path

from retina.reporting.terminal.lr_range import render


def seed(number, suggestion, *, diverged=False, lower_bound=False):
    return {
        "seed": number,
        "steps": 16,
        "suggestion": suggestion,
        "diverged": diverged,
        "lower_bound": lower_bound,
    }


def record(*seeds, suggestion=2e-3, notice=None):
    return {
        "name": "resnet18-lr",
        "seeds": list(seeds),
        "suggestion": suggestion,
        "spread": 1.5,
        "data": {"notice": notice},
    }


def test_every_seed_has_a_line_with_its_rate_and_how_its_test_ended():
    lines = render(record(seed(0, 1e-3, diverged=True), seed(1, 4e-3, lower_bound=True)), Path("a"), reused=False)
    first, second = lines.splitlines()[3:5]
    assert first.split() == ["0", "16", "1.00e-03", "diverged"]
    assert second.startswith("     1      16          4.00e-03  at least:")


def test_the_spread_is_given_where_several_seeds_suggest_a_rate():
    two = render(record(seed(0, 1e-3), seed(1, 4e-3), seed(2, None)), Path("a"), reused=False)
    assert "Between the 2 seeds that suggest one it varies by a factor of 1.50." in two
    assert "Between" not in render(record(seed(0, 1e-3), seed(1, None)), Path("a"), reused=False)


def test_where_no_rate_is_suggested_the_text_says_what_to_try():
    text = render(record(seed(0, None), suggestion=None), Path("a"), reused=False)
    assert "No seed suggests a rate" in text
    assert "Try more --steps." in text


def test_a_reused_test_and_a_notice_on_the_data_are_shown():
    text = render(record(seed(0, 1e-3), notice="The images are drawn"), Path("somewhere"), reused=True)
    assert text.splitlines()[0] == "resnet18-lr  learning-rate range test (made before)"
    assert text.splitlines()[-2:] == ["The images are drawn.", "Folder: somewhere"]
