"""What an experiment may choose is what there is.

`experiments` lies below `models` and `training` and may not import them, so a choice is named there and built
elsewhere; this holds the two lists equal.
"""

from retina.commands import options
from retina.experiments.experiment import SETTINGS
from retina.models import classifier
from retina.models.backbones import catalogue, registry
from retina.reporting import range_tests
from retina.training.loop import losses
from retina.training.tracking.trackers import TRACKERS


def test_every_backbone_of_retina_can_be_chosen_and_every_choice_is_built():
    assert set(SETTINGS["backbone"].choices) == set(catalogue.of_provider(catalogue.OURS))
    assert all(registry.get(name).name == name for name in SETTINGS["backbone"].choices)


def test_every_provider_is_a_prefix_that_can_be_chosen():
    assert {catalogue.OURS, *SETTINGS["backbone"].prefixes} == set(catalogue.PROVIDERS)


def test_every_loss_can_be_chosen_and_every_choice_is_a_loss():
    assert set(SETTINGS["loss"].choices) == set(losses.LOSSES) == set(range_tests.LOSSES)


def test_every_tracker_can_be_chosen():
    (option,) = options.track_option(lambda: None).__click_params__
    assert set(option.type.choices) == set(TRACKERS)


def test_every_extent_of_fine_tuning_can_be_chosen():
    assert SETTINGS["fine_tune"].choices == classifier.FINE_TUNE
