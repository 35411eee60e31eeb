"""Features of a frozen backbone: computed once, the same as if computed in every epoch, and never trusted blindly."""

import dataclasses
import itertools
import logging

import numpy as np
import pytest
from small_runs import fitted

from retina.data.feeding.batches import TrainingBatches
from retina.errors import DivergedError
from retina.experiments import parameters
from retina.experiments.place import Place
from retina.models import classifier
from retina.runs import folder as runs
from retina.training import execution, features, plan, setup

SMALL = {"weights": "random", "image_size": 64, "batch_size": 8, "epochs": 5, "learning_rate": 1e-2}
TIMINGS = ["seconds", "images_per_second"]


def prepare(data, results, backbone="resnet18", **options):
    choice = parameters.load(backbone, "p1", **(SMALL | {"fine_tune": "head"} | options))
    return plan.plan(choice, Place(results, data, quiet=True))


def features_of(prepared, folder, seed=0):
    network = classifier.build(prepared.experiment.backbone, fine_tune="head", seed=seed)
    backbone, _ = classifier.split(network)
    return features.Features(prepared, backbone, folder=folder)


class ImagesOfVariants(TrainingBatches):
    """The same variants as images, augmented and sent through the backbone in every epoch."""

    def prepare(self, epoch):
        super().prepare(epoch)
        variations = self.augmentation.draw(self.seed, (epoch - 1) % 2 + 1, len(self.labels))
        self.variations = self.to_device(variations[self.order])


@pytest.mark.parametrize("backbone", ["resnet18", "resnet50", "vgg16"])
def test_training_on_kept_features_is_training_on_the_images(tiny_set, tmp_path, backbone):
    prepared = prepare(tiny_set, tmp_path, backbone, feature_variants=2, precision="float32", early_stopping=False)
    network = setup.build(prepared)
    kept = fitted(prepared, setup.setup(prepared, network), runs.create(tmp_path, "kept"))

    network = setup.build(prepared)
    images = setup.setup(dataclasses.replace(prepared, experiment=full(prepared)), network)
    train = prepared.data.splits["train"]
    batches = ImagesOfVariants(
        prepared.data.images,
        train.rows,
        train.labels,
        batch_size=8,
        seed=0,
        augmentation=prepared.augmentation,
    )
    every_epoch = dataclasses.replace(images, network=network, training=batches)
    again = fitted(prepared, every_epoch, runs.create(tmp_path, "images"))
    for own, other in zip(kept.rows, again.rows, strict=True):
        for name in ("train_loss", "val_loss", "train_accuracy", "val_auroc"):
            assert own[name] == pytest.approx(other[name], rel=1e-4), (own["epoch"], name)
    np.testing.assert_allclose(kernel(kept), kernel(again), rtol=1e-3, atol=1e-5)


def kernel(progress):
    """The logit's kernel at the best epoch, (1, C)."""
    return next(value for value in progress.best_weights if value.ndim == 2)


def full(prepared):
    return dataclasses.replace(prepared.experiment, fine_tune="full")


def test_a_second_run_computes_nothing_and_another_loss_shares_the_features(tiny_set, tmp_path, monkeypatch):
    monkeypatch.setenv("RETINA_CACHE", str(tmp_path / "cache"))
    first, _ = execution.execute(prepare(tiny_set, tmp_path))
    assert len(list((tmp_path / "cache" / "features").iterdir())) == 5  # four variants and the validation images
    before = first.history().drop(columns=TIMINGS)
    monkeypatch.setattr(features.Features, "_compute", lambda *_: pytest.fail("computed again"))
    again, _ = execution.execute(prepare(tiny_set, tmp_path), force=True)
    assert again.history().drop(columns=TIMINGS).equals(before)
    focal, _ = execution.execute(prepare(tiny_set, tmp_path, loss="focal"))
    assert focal.record().finished
    assert focal.record().timings.feature_seconds >= 0
    assert focal.record().experiment.feature_variants == 4


def test_variants_differ_and_follow_from_seed_and_number(tiny_set, tmp_path):
    kept = features_of(prepare(tiny_set, tmp_path), tmp_path / "a")
    vectors = [kept.of("train", variant) for variant in range(4)]
    assert all(found.shape == (24, 512) and found.dtype == np.float32 for found in vectors)
    assert all(not np.allclose(one, other) for one, other in itertools.combinations(vectors, 2))
    again = features_of(prepare(tiny_set, tmp_path), tmp_path / "b")
    np.testing.assert_array_equal(again.of("train", 2), vectors[2])
    reseeded = features_of(prepare(tiny_set, tmp_path, seed=1), tmp_path / "a")
    assert not np.allclose(reseeded.of("train", 2), vectors[2])
    np.testing.assert_array_equal(reseeded.of("train"), vectors[0])
    assert reseeded.computed == 24  # images as they are follow from no seed, and were there


@pytest.mark.parametrize(
    ("options", "variants"),
    [
        ({}, [1, 2, 3, 4]),
        ({"feature_variants": 9}, [1, 2, 3, 4, 5]),
        ({"feature_variants": 0}, [0]),
        ({"horizontal_flip": False, "rotation": 0, "brightness": 0, "contrast": 0}, [0]),
    ],
)
def test_no_more_variants_are_computed_than_epochs_need(tiny_set, tmp_path, options, variants):
    prepared = prepare(tiny_set, tmp_path, **options)
    kept = features_of(prepared, tmp_path / "kept")
    assert kept.variants == variants
    batches = features.FeatureBatches(kept, prepared.data.splits["train"].labels, batch_size=8, seed=0)
    for epoch in (1, 2, 5):
        batches.epoch = epoch
        rows = batches.order[:8]
        expected = kept.of("train", variants[(epoch - 1) % len(variants)])[rows]
        np.testing.assert_array_equal(batches[0][0].numpy(), expected)


def test_other_weights_have_other_features(tiny_set, tmp_path):
    one = features_of(prepare(tiny_set, tmp_path), tmp_path / "kept")
    other = features_of(prepare(tiny_set, tmp_path), tmp_path / "kept", seed=1)
    assert not np.allclose(one.of("validation"), other.of("validation"))
    assert (one.computed, other.computed) == (12, 12)


def test_other_kernels_have_other_features(tiny_set, tmp_path, monkeypatch):
    """They differ in the last digits, and the record of a run says which were asked for."""
    prepared = prepare(tiny_set, tmp_path)
    features_of(prepared, tmp_path / "kept").of("validation")
    again = features_of(prepared, tmp_path / "kept")
    again.of("validation")
    assert again.computed == 0
    monkeypatch.setenv("RETINA_KERNELS", "torch")
    other = features_of(prepared, tmp_path / "kept")
    other.of("validation")
    assert other.computed == 12


@pytest.mark.parametrize("damage", ["vectors", "manifest", "cut", "gone", "not text"])
def test_features_that_are_not_as_they_were_written_are_named_and_computed_again(tiny_set, tmp_path, caplog, damage):
    prepared, folder = prepare(tiny_set, tmp_path), tmp_path / "kept"
    right = features_of(prepared, folder).of("validation")
    (home,) = folder.iterdir()
    vectors, manifest = home / features.VECTORS, home / features.MANIFEST
    if damage == "vectors":
        data = bytearray(vectors.read_bytes())
        data[100] ^= 1
        vectors.write_bytes(data)
    elif damage == "manifest":
        manifest.write_text(manifest.read_text().replace("validation", "train"))
    elif damage == "cut":
        vectors.write_bytes(vectors.read_bytes()[:-4])
    elif damage == "gone":
        vectors.unlink()
    else:
        manifest.write_bytes(b"\xff\xfe")
    with caplog.at_level(logging.WARNING):
        again = features_of(prepared, folder)
        np.testing.assert_array_equal(again.of("validation"), right)
    assert "damaged" in caplog.text
    assert again.computed == 12
    assert [path.name for path in folder.iterdir()] == [home.name]


def test_features_that_are_not_numbers_are_refused(tiny_set, tmp_path):
    prepared = prepare(tiny_set, tmp_path)
    kept = features_of(prepared, tmp_path / "kept")
    kernel = kept.model.get_layer("conv1").kernel
    kernel.assign(np.full(kernel.shape, np.nan, np.float32))
    with pytest.raises(DivergedError, match="features"):
        kept.of("validation")
    assert not (tmp_path / "kept").exists()


def test_an_interrupted_head_goes_on_as_if_nothing_had_happened(tiny_set, tmp_path, monkeypatch):
    """Ctrl-C in the third epoch's batches: the history and the model are those of an undisturbed run."""
    straight, _ = execution.execute(prepare(tiny_set, tmp_path / "a"))
    gather = features.FeatureBatches.gather

    def interrupted(self, chosen):
        if self.epoch == 3:
            raise KeyboardInterrupt
        return gather(self, chosen)

    results = tmp_path / "b"
    with monkeypatch.context() as patch:
        patch.setattr(features.FeatureBatches, "gather", interrupted)
        with pytest.raises(KeyboardInterrupt):
            execution.execute(prepare(tiny_set, results))
    resumed, _ = execution.execute(prepare(tiny_set, results))
    assert resumed.record().finished
    assert resumed.history().drop(columns=TIMINGS).equals(straight.history().drop(columns=TIMINGS))
    assert resumed.predictions_path.read_bytes() == straight.predictions_path.read_bytes()


def test_the_parts_of_a_classifier_share_its_weights_and_make_its_logits():
    network = classifier.build("resnet18", fine_tune="head")
    backbone, head = classifier.split(network)
    images = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    before = network.predict(images, verbose=0)
    np.testing.assert_allclose(head.predict(backbone.predict(images, verbose=0), verbose=0), before, atol=1e-6)
    head.layers[-1].bias.assign([3.0])
    np.testing.assert_allclose(network.predict(images, verbose=0), before + 3, atol=1e-5)
    assert len(head.trainable_weights) == 2
    assert not backbone.trainable_weights
