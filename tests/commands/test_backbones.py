"""Backbones of libraries as a user meets them: listed, trained, compared, refused."""

import json
import sys

import pytest
from click.testing import CliRunner

from retina.cli import main
from retina.data.drawing import synthetic
from retina.experiments import study
from retina.models.backbones import catalogue

pytestmark = pytest.mark.extra

QUICK = ["--weights", "random", "--image-size", "64", "--batch-size", "8", "--epochs", "1", "--precision", "float32"]
ONE_OF_EACH = ["keras:MobileNetV3Small", "keras_cv:resnet18_v2", "keras_hub:resnet_vd_18"]


def call(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


def fails(result, *words):
    assert (result.exit_code, result.stdout) == (1, "")
    line = result.stderr.strip().splitlines()[-1]
    assert line.startswith("Error: ")
    assert "Traceback" not in result.output
    for word in words:
        assert word in line


def test_backbones_lists_what_can_be_trained():
    result = call("backbones")
    assert result.exit_code == 0, result.output
    for name, facts in catalogue.every().items():
        assert any(line.split()[:2] == [name, f"{facts.parameters:,}"] for line in result.stdout.splitlines())
    row = next(line for line in result.stdout.splitlines() if line.startswith("resnet18 "))
    assert row.split() == ["resnet18", "11,176,512", "3.63", "torchvision", "IMAGENET1K_V1", "yes"]
    assert "Howard et al. 2019, https://arxiv.org/abs/1905.02244. Preprocessing: RGB, x / 127.5 - 1." in result.stdout
    assert "Apache License 2.0 (KerasCV)" in result.stdout


def test_backbones_of_one_provider_as_json():
    found = json.loads(call("backbones", "--provider", "keras_hub", "--json").stdout)
    assert [item["name"] for item in found] == list(catalogue.of_provider("keras_hub"))
    one = next(item for item in found if item["name"] == "keras_hub:resnet_18")
    assert one["parameters"] == 11_176_512
    assert one["gflops"] == pytest.approx(2 * one["multiply_adds"] / 1e9, abs=1e-3)
    assert {"recipe", "source", "licence", "paper", "preprocessing", "installed", "extra"} <= set(one)
    fails(call("backbones", "--provider", "keras_vc"), "unknown provider 'keras_vc'", "did you mean 'keras_cv'?")


def test_a_backbone_whose_extra_is_missing_is_listed_and_refused_with_the_command(monkeypatch, tiny_set, tmp_path):
    for name in ("keras_cv", "keras_hub"):
        monkeypatch.setitem(sys.modules, name, None)
    listed = call("backbones")
    assert "KerasCV is not installed: pip install --editable '.[keras-cv]'" in listed.stdout
    assert "KerasHub is not installed: pip install --editable '.[keras-hub]'" in listed.stdout
    words = ["--data", tiny_set, *QUICK, "--results", tmp_path / "r", "--quiet"]
    fails(call("run", "keras_cv:resnet18", *words), "KerasCV", "pip install --editable '.[keras-cv]'")
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_each_provider_trains_a_run_that_stands_in_the_tables(name, tiny_set, tmp_path):
    facts = catalogue.facts_of(name)
    pytest.importorskip(facts.package)
    result = call("run", name, "--data", tiny_set, *QUICK, "--results", tmp_path, "--json", "--quiet")
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    assert record["name"].startswith(name.replace(":", ".") + "-p1-ce-seed0-")
    assert (tmp_path / "runs" / record["name"] / "model.keras").is_file()
    assert record["experiment"]["backbone"] == name
    assert record["weights"]["preprocessing"] == facts.preprocessing.words
    assert (record["weights"]["origin"], record["weights"]["recipe"]) == ("random", None)
    assert set(facts.packages) <= set(record["environment"]["packages"])
    assert record["model"]["parameters"] == facts.parameters + facts.channels + 1
    compared = call("compare", "--results", tmp_path, "--quiet")
    assert compared.exit_code == 0, compared.output
    assert f"{name} p1 ce" in compared.stdout
    table = (tmp_path / "comparison" / "comparison.csv").read_text()
    assert f"{name} p1 ce," in table
    assert f'"{facts.preprocessing.words}"' in table
    report = (tmp_path / "comparison" / "report.md").read_text()
    assert f"python cli.py run {name} --params p1" in report
    assert call("runs", "--results", tmp_path, "--verify").exit_code == 0


def test_a_head_trains_on_features_and_another_run_starts_from_it(tiny_set, tmp_path):
    words = ["run", "keras:MobileNetV3Small", "--data", tiny_set, *QUICK, "--results", tmp_path, "--json", "--quiet"]
    first = json.loads(call(*words, "--fine-tune", "head").stdout)
    assert first["timings"]["feature_seconds"] > 0
    later = call(*words, "--fine-tune", "last", "--weights", first["name"])
    assert later.exit_code == 0, later.output
    assert json.loads(later.stdout)["weights"]["origin"] == "run"
    fails(call("run", "keras:MobileNet", *words[2:], "--weights", first["name"]), "has another backbone")


@pytest.fixture
def no_server(monkeypatch):
    """Keras' server gives nothing."""

    def unreachable(*_, **__):
        raise Exception("URL fetch failure on https://somewhere: None -- no network")  # noqa: TRY002 - as Keras does

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", unreachable)


def test_imagenet_weights_that_cannot_be_had_are_an_error_on_real_data(no_server, tiny_set, tmp_path):
    words = ["--data", tiny_set, *QUICK, "--weights", "imagenet", "--results", tmp_path / "r", "--quiet"]
    fails(call("run", "keras:MobileNetV3Small", *words), "weights cannot be fetched", "no network", "--weights random")


def test_on_the_built_in_set_they_are_a_notice(no_server, tmp_path, monkeypatch):
    monkeypatch.setattr(synthetic, "COUNTS", {"train": 12, "validation": 8, "test": 8})
    monkeypatch.setenv("RETINA_CACHE", str(tmp_path / "cache"))
    words = [*QUICK, "--weights", "imagenet", "--results", tmp_path / "r", "--dry-run"]
    result = call("run", "keras:MobileNetV3Small", *words)
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    assert record["weights"]["origin"] == "random"
    assert "no network" in record["weights"]["notice"]
    assert "training starts from RANDOM weights" in result.stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["keras:MobileNetV3Smal"], ["unknown backbone", "did you mean 'keras:MobileNetV3Small'?"]),
        (["keras_vc:resnet18"], ["unknown backbone 'keras_vc:resnet18'", "keras_cv:NAME"]),
        (["keras:../up"], ["unknown backbone 'keras:../up'"]),
        (["keras:InceptionV3"], ["too small for keras:InceptionV3", "--image-size 75 or more"]),
        (["keras:VGG16", "--weights", "pyproject.toml"], ["reads no weights file"]),
    ],
)
def test_a_wrong_word_is_one_line_that_helps(tiny_set, tmp_path, words, expected):
    options = ["--data", tiny_set, *QUICK, *words[1:], "--results", tmp_path / "r", "--quiet"]
    fails(call("run", words[0], *options), *expected)
    assert not (tmp_path / "r").exists()


def test_a_study_names_them_like_any_other(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text('[[runs]]\nbackbone = ["resnet18", "keras:MobileNetV3Small"]\n')
    assert [member.experiment.backbone for member in study.read(path)] == ["resnet18", "keras:MobileNetV3Small"]


def test_the_shell_completes_their_names():
    typed = {"COMP_WORDS": "retina run keras_hub:resnet_1", "COMP_CWORD": "2"}
    result = CliRunner().invoke(main, [], env=typed | {"_RETINA_COMPLETE": "bash_complete"}, prog_name="retina")
    assert result.stdout.split()[:1] == ["plain,keras_hub:resnet_18"]
