"""What a positive is called comes from the target: no report of another target speaks of diseased and healthy eyes."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from drawn_figures import written
from made_runs import make_run

from retina.analysis.comparing import comparison
from retina.experiments.target import DEFAULT, binary
from retina.reporting import pictures, publish, wording
from retina.reporting.language import LANGUAGES, Language, sentences
from retina.reporting.terminal import comparison as terminal

OF_THE_DEFAULT = {"en": re.compile("disease|healthy", re.IGNORECASE), "zh-TW": re.compile("患病|健康|疾病")}
"""What only a report of the default target says."""
ITS_SENTENCES = {
    *("report.methods.predicted", "report.methods.predicted_also", "report.limitations.label"),
    *(f"classes.{DEFAULT.positive}.{word}" for word in wording.CLASS_WORDS),
}


@pytest.fixture(scope="module", params=["DR", DEFAULT.name])
def everything_of(request, tmp_path_factory):
    """A target, and the comparison of runs on it, of which one ranks the wrong way round: a sentence tells that."""
    folder = tmp_path_factory.mktemp("results")
    skills = {"p1": 1.0, "p2": -1.0}
    made = [make_run(folder, params=params, skill=skill, target=request.param) for params, skill in skills.items()]
    return request.param, comparison.compare(made)


@pytest.mark.parametrize("name", LANGUAGES)
def test_report_findings_and_terminal_say_words_of_the_default_target_for_that_alone(everything_of, tmp_path, name):
    target, made = everything_of
    publish.publish(made, tmp_path, Language(name), quiet=True)
    texts = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir() if path.is_file()}
    texts["html"] = re.sub(r"data:[a-z/+]+;base64,[A-Za-z0-9+/=]+", "", texts.pop("report.html"))
    texts["findings.json"] = str(json.loads(texts["findings.json"]))
    texts["terminal"] = terminal.render(made, Language(name))
    spoken = {file for file, text in texts.items() if OF_THE_DEFAULT[name].search(text)}
    assert {"comparison.csv", "mistakes.csv", "pairwise.csv", "operating_points.csv"} < texts.keys()
    assert spoken == (set() if target == "DR" else {"report.md", "html", "findings.json", "terminal"})
    if target == "DR":
        assert Language(name).say("classes.positive.positive_class", target="DR") in texts["terminal"]


def test_figures_say_words_of_the_default_target_for_that_alone(everything_of, tmp_path):
    target, made = everything_of
    texts = {
        drawing.stem: " ".join(written(drawing.draw(*drawing.arguments, **drawing.options)))
        for drawing in pictures.pictures(made, tmp_path)
    }
    spoken = {stem for stem, text in texts.items() if OF_THE_DEFAULT["en"].search(text)}
    assert spoken == (set() if target == "DR" else {"confusion-0", "reliability-0"})
    classes = ("positive", "negative") if target == "DR" else ("diseased", "healthy")
    assert all(name in texts["confusion-0"].split() for name in classes)
    assert f"share {classes[0]}" in texts["reliability-0"]


@pytest.mark.parametrize("name", LANGUAGES)
def test_only_sentences_of_the_default_target_say_its_words(name):
    assert {key for key, text in sentences(name).items() if OF_THE_DEFAULT[name].search(text)} <= ITS_SENTENCES


@pytest.mark.parametrize("name", LANGUAGES)
def test_every_target_has_words_and_each_names_its_class(name):
    default, other, none = (wording.classes(target, Language(name)) for target in (DEFAULT, binary("DR"), None))
    assert default.keys() == other.keys() == none.keys() == set(wording.CLASS_WORDS)
    assert all(OF_THE_DEFAULT[name].search(default[word]) for word in ("positive_class", "negative_class", "condition"))
    assert all("DR" in other[word] for word in ("positive_class", "negative_class", "condition"))
    assert not OF_THE_DEFAULT[name].search(" ".join([*other.values(), *none.values()]))


def test_figures_call_classes_as_the_target_declares_them():
    assert wording.class_names(DEFAULT) == ("diseased", "healthy")
    assert wording.class_names(binary("DR")) == wording.class_names(None) == ("positive", "negative")


def write_scores(folder):
    """Published scores of images that no run has."""
    scores = {"id": [f"x{number}" for number in range(12)], "label": [0, 1] * 6, "Theirs": np.linspace(-1, 1, 12)}
    pd.DataFrame(scores).to_csv(folder / "scores.csv", index=False)
    return folder / "scores.csv"


def test_each_group_is_described_in_the_words_of_its_own_target(tmp_path):
    runs = [make_run(tmp_path), make_run(tmp_path, target="DR", digest="1" * 8)]
    made = comparison.compare(runs, [write_scores(tmp_path)])
    text = terminal.render(made, Language("en"))
    for target in ("diseased", "DR positive", "positive"):
        assert len(re.findall(rf"%\) are {target}\.", text)) == 1
    assert made.target is None


def test_published_models_alone_are_described_in_the_words_of_the_default_target(tmp_path):
    made = comparison.compare([], [write_scores(tmp_path)])
    assert made.target == made.target_of(made.groups[0]) == DEFAULT
    assert "(50.0%) are diseased." in terminal.render(made, Language("en"))
