"""A finding is put in words here and nowhere below."""

import json

import pytest

from retina.analysis.diagnosis.finding import Finding
from retina.reporting import wording
from retina.reporting.language import LANGUAGES, Language

FINDING = Finding.make("info", ("time_per_epoch.one", "time_per_epoch.one"), (3,), seconds=1.5)


@pytest.fixture
def language(monkeypatch):
    said = {"findings.time_per_epoch.one": "An epoch took {seconds:.1f} s.", "findings.joint": " And: "}
    said |= {f"classes.several.{word}": word for word in wording.CLASS_WORDS}
    monkeypatch.setattr(Language, "say", lambda self, key, **fields: said[key].format(**fields))
    return Language("en")


def test_the_sentences_of_a_finding_are_joined_in_order_with_its_numbers(language):
    assert wording.sentence(FINDING, language) == "An epoch took 1.5 s. And: An epoch took 1.5 s."


def test_a_finding_as_plain_values_carries_its_sentence(language):
    assert json.loads(json.dumps(wording.to_dict(FINDING, language))) == {
        "rule": "time_per_epoch",
        "severity": "info",
        "epochs": [3],
        "numbers": {"seconds": 1.5},
        "sentence": wording.sentence(FINDING, language),
    }


def test_every_language_has_a_word_between_sentences():
    assert all(Language(name).knows("findings.joint") for name in LANGUAGES)
