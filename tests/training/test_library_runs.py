"""Runs of libraries' backbones are as repeatable as those of retina's own, whatever is random in them."""

import subprocess
import sys

import pandas as pd
import pytest
from small_runs import TIMINGS, interrupted
from small_runs import planned as prepare

from retina.models import classifier
from retina.models.backbones import catalogue
from retina.models.backbones.interface import digest
from retina.training import execution

pytestmark = pytest.mark.extra
DIGEST = """
import sys
from retina.models import classifier
from retina.models.backbones.interface import digest
print(digest(classifier.build(sys.argv[1], seed=1).layers))
"""


def results_of(run):
    """What must be the same to the last bit: curves, logits, weights."""
    history = run.history().drop(columns=TIMINGS)
    return history, run.predictions_path.read_bytes(), run.record().model.weights_sha256


@pytest.mark.parametrize(
    ("backbone", "options"),
    [
        # random depth, whose generators are part of a checkpoint
        ("keras:EfficientNetB0", {"fine_tune": "last", "precision": "bfloat16"}),
        ("keras_cv:efficientnetv2_b0", {"fine_tune": "last", "precision": "float32"}),
        ("keras_hub:resnet_18", {"fine_tune": "full", "precision": "float32"}),
    ],
    ids=["keras", "keras_cv", "keras_hub"],
)
def test_an_interrupted_run_ends_as_an_undisturbed_one(backbone, options, make_set, tmp_path):
    pytest.importorskip(catalogue.facts_of(backbone).package)
    data = make_set()
    options = options | {"early_stopping": False}
    straight, _ = execution.execute(prepare(data, tmp_path / "a", backbone, **options))
    broken = interrupted(prepare(data, tmp_path / "b", backbone, **options), step=4)
    assert broken.record().epochs_run == 1
    resumed, _ = execution.execute(prepare(data, tmp_path / "b", backbone, **options))
    (expected, *exactly), (found, *also) = results_of(straight), results_of(resumed)
    pd.testing.assert_frame_equal(found, expected)
    assert also == exactly


@pytest.mark.parametrize("backbone", ["keras:MobileNetV3Small", "keras_cv:mobilenet_v3_small"])
def test_the_initial_weights_are_the_same_in_another_process(backbone):
    pytest.importorskip(catalogue.facts_of(backbone).package)
    words = [sys.executable, "-c", DIGEST, backbone]
    found = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert found.split() == [digest(classifier.build(backbone, seed=1).layers)]
