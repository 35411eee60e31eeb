import subprocess
import sys

import pytest

from retina.errors import ExperimentError
from retina.experiments.experiment import SETTINGS
from retina.models.backbones import catalogue, registry
from retina.models.backbones.catalogue import PROVIDERS

EVERY = catalogue.every()


def test_every_backbone_can_be_asked_for_and_is_what_its_name_says():
    for name, facts in EVERY.items():
        assert SETTINGS["backbone"].accepts(name)
        assert catalogue.facts_of(name) is facts
        assert registry.get(name).name == name
        assert (facts.provider in name) == (facts.provider != catalogue.OURS)
        assert name.endswith(facts.plain_name)


def test_every_backbone_has_its_figures_its_paper_and_its_terms():
    assert set(catalogue.figures()) == set(EVERY)
    for facts in EVERY.values():
        assert facts.parameters > 100_000
        assert facts.multiply_adds > 10_000_000
        assert facts.channels > 100
        assert "https://" in facts.paper
        assert facts.source.startswith("https://")
        assert facts.licence
        assert facts.recipe


def test_the_providers_that_a_setting_admits_are_those_there_are():
    assert {catalogue.OURS, *SETTINGS["backbone"].prefixes} == set(PROVIDERS)


def test_retinas_own_are_the_words_that_stand_alone():
    assert tuple(catalogue.of_provider(catalogue.OURS)) == SETTINGS["backbone"].choices == tuple(registry.BACKBONES)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("keras:MobileNetV3Smal", "keras:MobileNetV3Small"),
        ("keras_cv:resnet_18", "keras_cv:resnet18"),
        ("keras_hub:resnet18", "keras_hub:resnet_18"),
    ],
)
def test_an_unknown_name_of_a_provider_suggests_the_nearest(word, meant):
    with pytest.raises(ExperimentError, match=f"unknown backbone '{word}'.*did you mean '{meant}'"):
        registry.get(word)


def test_an_unknown_provider_is_named():
    with pytest.raises(ExperimentError, match=r"unknown provider 'kears'.*did you mean 'keras'"):
        catalogue.of_provider("kears")


def test_the_catalogue_is_read_without_keras_or_torch():
    code = (
        "import sys, retina.models.backbones.catalogue as c; c.every(); "
        "print(*{'keras', 'torch', 'tensorflow'} & {*sys.modules})"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


def test_too_small_images_are_refused_in_one_line():
    EVERY["keras:InceptionV3"].require(75)
    with pytest.raises(ExperimentError, match=r"too small for keras:InceptionV3 .*--image-size 75 or more .*Found: 64"):
        EVERY["keras:InceptionV3"].require(64)


@pytest.mark.parametrize(("name", "extra"), [("keras_cv:resnet18", "keras-cv"), ("keras_hub:resnet_18", "keras-hub")])
def test_a_missing_extra_is_one_line_that_says_how_to_install_it(name, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, EVERY[name].package, None)
    assert not EVERY[name].installed
    with pytest.raises(
        ExperimentError, match=rf"not installed \| Next: pip install --editable '.\[{extra}\]'"
    ) as error:
        registry.build(name)
    assert "\n" not in str(error.value)
    assert registry.get(name).parameters > 0


def test_a_library_that_does_not_import_is_one_line(monkeypatch):
    def broken(name):
        raise ImportError("no TensorFlow")

    monkeypatch.setattr(catalogue.Facts, "installed", True)
    monkeypatch.setattr("importlib.import_module", broken)
    with pytest.raises(ExperimentError, match=r"KerasCV cannot be imported \| Found: no TensorFlow .*\[keras-cv\]"):
        registry.build("keras_cv:resnet18")
