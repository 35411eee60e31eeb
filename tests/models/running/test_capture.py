"""A step that is recorded as a CUDA graph does what it does without; what needs no GPU is tested here too."""

import contextlib

import keras
import numpy as np
import pytest
import torch

from retina.data.feeding.augmentation import Augmentation
from retina.data.feeding.batches import EvaluationBatches, TrainingBatches
from retina.experiments import parameters
from retina.machine import device as environment
from retina.models import classifier
from retina.models.backbones import registry
from retina.models.running import capture
from retina.models.running.capture import Constants
from retina.training.loop import timing
from retina.training.loop.fit import compiled, optimizer_of
from retina.training.loop.freezing import HeadFirst
from retina.training.loop.losses import LOSSES, training_loss
from retina.training.loop.optimizer import FusedAdam
from retina.training.loop.schedule import Schedule, ScheduledRate

IMAGES = np.random.default_rng(0).integers(0, 256, (22, 64, 64, 3), dtype=np.uint8)
LABELS = np.arange(22) % 2
EVERY_LOSS = [
    {"loss": name, "class_weight": weight, "label_smoothing": smoothing}
    for name in LOSSES
    for weight, smoothing in (("none", 0.0), ("balanced", 0.1))
]
EVERY_STEP = [
    {"optimizer": "adamw", "weight_decay": 0.01, "clip_norm": 0.5, "layer_decay": 0.5, "ema": 0.9},
    {"optimizer": "sgd", "weight_decay": 0.01, "clip_norm": 0.5, "layer_decay": 0.5, "ema": 0.9},
]
A_COURSE = {"warmup_epochs": 1.5, "schedule": "cosine", "epochs": 6, "clip_norm": 0.5}
HEAD_FIRST = {"freeze_epochs": 3, "epochs": 6, "warmup_epochs": 1.0}
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def model_of(backbone="resnet18", fine_tune="full", **settings):
    network = classifier.build(backbone, fine_tune=fine_tune, seed=3)
    chosen = settings_of(backbone, fine_tune=fine_tune, **settings)
    optimizer = optimizer_of(chosen, network, registry.get(backbone))
    return compiled(network, "float32", optimizer, training_loss(chosen, prevalence=0.75))


def settings_of(backbone="resnet18", fine_tune="full", **settings):
    if fine_tune == "head":
        settings.pop("layer_decay", None)
    return parameters.load(backbone, "p1", fine_tune=fine_tune, **settings)[0]


def batches_of(augmentation=None):
    """Three batches an epoch, of 8, 8 and 6 images."""
    given = augmentation or Augmentation(horizontal_flip=True, rotation=10.0, contrast=0.1)
    rows, device = np.arange(len(LABELS)), environment.device()
    return TrainingBatches(IMAGES, rows, LABELS, batch_size=8, seed=0, augmentation=given, device=device)


@pytest.mark.parametrize(
    "settings", EVERY_LOSS + EVERY_STEP, ids=lambda settings: "-".join(map(str, settings.values()))
)
@pytest.mark.parametrize("fine_tune", classifier.FINE_TUNE)
def test_a_step_whose_constants_are_filled_in_is_the_same_step(settings, fine_tune):
    """Keras' step takes its constants from the host; in a graph they are made on the device."""
    logs, weights = [], []
    for filled in (False, True):
        model, batches = model_of(fine_tune=fine_tune, **settings), batches_of()
        model.make_train_function()
        model.optimizer.build(model.trainable_variables)
        with environment.deterministic_kernels(wanted=True):
            model.train_on_batch(*batches[0])
            for _ in range(2):
                with Constants(environment.device()) if filled else contextlib.nullcontext():
                    told = model.train_function([batches[1]])
        logs.append({name: float(value) for name, value in told.items()})
        weights.append([variable.numpy() for variable in model.variables])
    scatter = 1e-4 if torch.cuda.is_available() else 0  # there a host's number may take another kernel than a device's
    assert logs[0] == pytest.approx(logs[1], rel=scatter, abs=0)
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=scatter, atol=scatter)


@pytest.mark.parametrize(
    "constant", [3, -2.5, True, [1, 2, 3], [[0.5, 1.5]], np.arange(4, dtype=np.int32), np.float32(7)]
)
def test_a_constant_filled_in_is_the_constant(constant):
    device = environment.device()
    expected = torch.as_tensor(constant, device=device)
    with Constants(device):
        for make in (torch.as_tensor, torch.tensor):
            found = make(constant, device=device)
            assert (found.dtype, found.device, found.shape) == (expected.dtype, expected.device, expected.shape)
            assert torch.equal(found, expected)
        assert torch.as_tensor(constant, dtype=torch.float64, device=device).dtype == torch.float64
        like = torch.zeros(1, dtype=torch.float32, device=device).new_tensor(constant)
        assert like.dtype == torch.float32
        assert torch.equal(like, expected.float())


def test_tensors_pass_and_what_is_no_small_constant_is_refused():
    given = torch.arange(1000.0)
    with Constants("cpu"):
        assert torch.as_tensor(given, device="cpu") is given
        with pytest.raises(RuntimeError, match="a constant of 1000 numbers"):
            torch.as_tensor(given.numpy(), device="cpu")


def test_only_networks_of_our_own_layers_are_recorded():
    own = model_of()
    assert own.can_be_recorded == (environment.device() == "cuda")
    images = keras.Input((8, 8, 3))
    logit = keras.layers.Dense(1)(keras.layers.Flatten()(images))
    other = compiled(
        keras.Model(images, logit), "float32", FusedAdam(1e-4), keras.losses.BinaryCrossentropy(from_logits=True)
    )
    assert not other.can_be_recorded


class Steps(keras.callbacks.Callback):
    """Notes every step for which it is called, and the epochs between them."""

    def __init__(self):
        super().__init__()
        self.told = []

    def on_train_batch_end(self, batch, logs=None):
        self.told.append((batch, logs["loss"], logs["accuracy"]))

    def on_epoch_end(self, epoch, logs=None):
        self.told.append(("epoch", epoch, logs["loss"], logs["accuracy"]))


@pytest.mark.parametrize("interval", [0.0, 1e9])
def test_steps_told_late_are_told_all_in_order_and_with_their_own_numbers(interval):
    stories = []
    for late in (False, True):
        model, steps = model_of(), Steps()
        callbacks = [steps]
        if late:
            callbacks = timing.BatchedCallbacks([steps], model=model, epochs=2, steps=3, verbose=0)
            callbacks.interval = interval
        model.fit(batches_of(), epochs=2, verbose=0, shuffle=False, callbacks=callbacks)
        stories.append(steps.told)
    assert [told[0] for told in stories[0]] == [0, 1, 2, "epoch"] * 2
    if torch.cuda.is_available():
        assert [told[0] for told in stories[0]] == [told[0] for told in stories[1]]
    else:
        assert stories[0] == stories[1]


class Epochs(keras.callbacks.Callback):
    """Gives each epoch its own order, and notes its training loss and the logits after it."""

    def __init__(self, batches, images):
        super().__init__()
        self.batches, self.images = batches, images
        self.losses, self.logits = [], []

    def on_epoch_begin(self, epoch, logs=None):
        self.batches.epoch = epoch + 1

    def on_epoch_end(self, epoch, logs=None):
        self.losses.append(logs["loss"])
        self.logits.append(self.model.predict(self.images, verbose=0))


def trained(*, recorded, monkeypatch, precision="float32", **settings):
    """Six epochs of three batches, the last one smaller, in their phases; losses, logits after each, and variables."""
    torch.use_deterministic_algorithms(mode=False)
    chosen, model, batches = settings_of(**settings), model_of(**settings), batches_of()
    model.enabled = precision == "bfloat16"
    epochs = Epochs(batches, EvaluationBatches(IMAGES, np.arange(22), batch_size=8, device=environment.device()))
    head = [HeadFirst(model, registry.get("resnet18"), "full", chosen.frozen_epochs)]
    rate = ScheduledRate(Schedule.of(chosen, steps_per_epoch=3), list)
    with monkeypatch.context() as patch:
        patch.setattr(type(model), "can_be_recorded", recorded)
        chain = [*(head if chosen.frozen_epochs else []), rate, epochs]
        model.fit(batches, epochs=6, verbose=0, shuffle=False, callbacks=chain)
    return epochs.losses, np.stack(epochs.logits), [variable.numpy() for variable in model.variables]


@needs_gpu
@pytest.mark.parametrize(
    "settings",
    [{"precision": "float32"}, {"precision": "bfloat16"}, EVERY_LOSS[-1], *EVERY_STEP, A_COURSE, HEAD_FIRST],
    ids=str,
)
def test_recorded_steps_train_as_their_twins_that_are_not(monkeypatch, settings):
    own = trained(recorded=True, monkeypatch=monkeypatch, **settings)
    twin = trained(recorded=False, monkeypatch=monkeypatch, **settings)
    again = trained(recorded=False, monkeypatch=monkeypatch, **settings)
    np.testing.assert_allclose(own[0], twin[0], rtol=2e-2)
    scatter = np.abs(again[1] - twin[1]).max()  # kernels of a GPU add in no fixed order
    assert np.abs(own[1] - twin[1]).max() <= 10 * scatter + 1e-4
    for one, other in zip(own[2], twin[2], strict=True):
        if one.dtype.kind == "i":  # steps, and the states of random layers
            np.testing.assert_array_equal(one, other)


@needs_gpu
def test_a_function_is_recorded_at_its_third_call_for_each_shape():
    state, runs = torch.zeros((), device="cuda"), []

    def step(x):
        runs.append(tuple(x.shape))
        state.add_(x.sum())
        return {"total": state * 1, "double": [2 * x]}

    captured = capture.Captured(step)
    for shape in [(2,), (3,), (2,), (2,), (2,), (3,), (2,), (3,), (3,)]:
        before = float(state)
        found = captured(torch.ones(shape))
        assert float(found["total"]) == before + shape[0]
        assert found["double"][0].tolist() == [2.0] * shape[0]
    assert runs.count((2,)) == runs.count((3,)) == capture.WARM_UP + 1
    assert len(captured.recordings) == 2


@needs_gpu
def test_results_are_the_callers_own():
    captured = capture.Captured(lambda x: x + 1)
    found = [captured(torch.full((4,), float(number))) for number in range(6)]
    assert [result.tolist() for result in found] == [[number + 1.0] * 4 for number in range(6)]
