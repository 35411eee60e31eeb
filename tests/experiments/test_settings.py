"""Settings: what each may be, and which of them have an effect."""

import pytest

from retina.experiments import parameters
from retina.experiments.settings import Setting, meaningful, setting, without_added
from retina.experiments.target import DISEASE_RISK


def test_settings_of_earlier_runs_and_of_later_ones_on_the_default_target_are_the_same():
    settings = parameters.load("resnet18")[0].to_dict()
    earlier = {name: value for name, value in settings.items() if name != "target"}
    assert meaningful(settings) == meaningful(earlier)
    assert meaningful(settings | {"target": "DR"}) == meaningful(earlier) | {"target": "DR"}


@pytest.mark.parametrize(
    ("rule", "accepted", "refused"),
    [
        (Setting("", int, low=1, high=9), [1, 9], [0, 10, 1.0, True, "1", None]),
        (Setting("", float, low=0, high=1), [0, 1, 0.5], [-0.1, 1.1, True, "0.5", float("nan"), None]),
        (Setting("", float, optional=True), [None, -1e9], [False]),
        (Setting("", bool), [True, False], [0, 1, "true"]),
        (Setting("", str), ["", "any thing"], [1, None]),
        (Setting("", str, choices=("ce", "focal")), ["ce"], ["", "CE", "focal:x"]),
        (Setting("", str, choices=("a",), prefixes=("keras",)), ["a", "keras:VGG19"], ["keras:", "keras:a/b", "hub:x"]),
        (Setting("", str, plain=True), ["p1", "v1.0_b-c", "眼底"], ["", ".hidden", "a b", "a/b", "=1", "é" * 51]),
        (Setting("", str, column=True), ["DR", "Old laser"], ["", " DR", "a\nb"]),
    ],
)
def test_a_value_has_the_right_type_and_lies_in_range(rule, accepted, refused):
    assert [value for value in accepted if not rule.accepts(value)] == []
    assert [value for value in refused if rule.accepts(value)] == []


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Setting("", int, low=1, high=4096), "a whole number from 1 to 4096"),
        (Setting("", int, low=0, high=2**31 - 1), "a whole number from 0 to 2147483647"),
        (Setting("", float, low=1e-8, high=10.0), "a number from 1e-08 to 10"),
        (Setting("", float, low=0, high=0.95, optional=True), "a number from 0 to 0.95, or none"),
        (Setting("", bool), "true or false"),
        (Setting("", str), "text"),
        (Setting("", str, choices=("a", "b"), prefixes=("keras",)), "one of a, b, keras:NAME"),
        (Setting("", str, plain=True), "a name of letters, digits, ., _ and -, at most 100 bytes"),
    ],
)
def test_what_is_allowed_is_said_in_words(rule, words):
    assert rule.allowed == words


def test_a_setting_has_a_meaning_only_where_the_one_that_it_depends_on_has_its_value():
    settings = {"loss": "ce", "focal_gamma": 2.0, "focal_alpha": None, "deterministic": False, "dropout": 0.2}
    assert meaningful(settings | {"fine_tune": "full", "feature_variants": 4}) == {
        "loss": "ce",
        "dropout": 0.2,
        "fine_tune": "full",
    }
    focal = settings | {"loss": "focal", "deterministic": True}
    assert meaningful(focal | {"fine_tune": "head", "feature_variants": 4}) == focal | {
        "fine_tune": "head",
        "feature_variants": 4,
    }


def test_a_setting_that_was_added_later_is_left_out_where_it_says_what_every_earlier_run_did():
    assert without_added({"target": DISEASE_RISK, "seed": 0}) == {"seed": 0}
    assert without_added({"target": "DR", "seed": 0}) == {"target": "DR", "seed": 0}


def test_a_field_carries_its_rule_and_its_default():
    declared = setting("how much", float, 0.5, low=0, high=1)
    assert declared.default == 0.5
    assert declared.metadata["setting"] == Setting("how much", float, low=0, high=1)
