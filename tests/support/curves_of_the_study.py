"""Training curves as the study describes them, clean ones, and ones with a planted fault. All are seeded."""

from collections.abc import Callable

import numpy as np

from retina.analysis.diagnosis import Curve, Finding, diagnose
from retina.runs import epochs as stopping

SETS = {"p1": (1e-4, 32, 10), "p2": (1e-3, 64, 15)}
IMAGES, POSITIVES = 640, 506  # RFMiD's validation split; its majority guess is right in 79.1 %
PUBLISHED_VAL_LOSS = (
    *(1.346, 1.322, 1.292, 1.216, 1.167, 1.089, 1.056, 1.033, 1.017),
    *(1.009, 0.991, 0.962, 1.096, 1.112, 1.141, 1.233, 1.226),
)


def curve(val_loss, train_loss, val_accuracy, **changes) -> Curve:
    """A curve of RFMiD's size with the given series; everything else can be changed by name."""
    val_loss = np.asarray(val_loss, float)
    length = len(val_loss)
    images, positives = changes.pop("images", IMAGES), changes.pop("positives", POSITIVES)
    params = changes.pop("params", "p1")
    rate, batch, epochs = SETS.get(params, SETS["p1"])
    val_accuracy = np.asarray(val_accuracy, float)
    settings = {
        "name": f"resnet18-{params}-ce-seed0",
        "backbone": "resnet18",
        "params": params,
        "loss": "ce",
        "seed": 0,
        "learning_rate": rate,
        "batch_size": batch,
        "epochs": epochs,
        "early_stopping": False,
        "patience": 3,
        "status": "completed",
        "majority": max(positives, images - positives) / images,
        "images": images,
        "positives": positives,
        "train_images": 3 * images,
        "train_positives": 3 * positives,
        "epoch": np.arange(1.0, length + 1),
        "train_loss": np.asarray(train_loss, float),
        "train_accuracy": np.linspace(0.80, 0.95, length),
        "val_loss": val_loss,
        "val_accuracy": val_accuracy,
        "val_auroc": np.full(length, 0.88),
        "seconds": np.full(length, 180.0),
    }
    return Curve(**(settings | changes))


def stopped(found: Curve) -> Curve:
    """The same curve, cut off where early stopping would have ended it."""
    import dataclasses

    stop = stopping.stop_epoch(found.val_loss.tolist(), found.patience)
    cut = found if stop is None else found.up_to(stop)
    ended = "completed" if stop is None else "stopped_early"
    return dataclasses.replace(cut, early_stopping=True, status=ended)


def noisy(values, rng: np.random.Generator, relative: float) -> np.ndarray:
    return np.asarray(values, float) * np.exp(rng.normal(0, relative, len(values)))


def wavering(values, rng: np.random.Generator, sd: float = 0.006) -> np.ndarray:
    """Accuracies with the scatter of a few images, in whole images."""
    shaky = np.clip(np.asarray(values, float) + rng.normal(0, sd, len(values)), 0, 1)
    return np.round(shaky * IMAGES) / IMAGES


def vgg16_p1(seed: int) -> Curve:
    """Validation loss swings; mild overfitting: training loss goes on falling, validation loss does not."""
    rng = np.random.default_rng(seed)
    swing = np.array([0.46, 0.39, 0.47, 0.38, 0.35, 0.45, 0.38, 0.47, 0.39, 0.46])
    train = 0.12 + 0.40 * np.exp(-np.arange(10) / 4)
    accuracy = [0.81, 0.83, 0.82, 0.84, 0.86, 0.83, 0.86, 0.84, 0.86, 0.85]
    return curve(
        noisy(swing, rng, 0.025), noisy(train, rng, 0.01), wavering(accuracy, rng), backbone="vgg16", name="vgg16-p1"
    )


def vgg16_p2(seed: int) -> Curve:
    """Training loss falls 0.3 in one epoch; validation loss smooth and falling, accuracy at most 0.82; stops at 7."""
    rng = np.random.default_rng(seed)
    train = np.array([0.78, 0.48, 0.45, 0.43, 0.44, 0.42, 0.43])
    val = np.array([0.520, 0.480, 0.455, 0.440, 0.446, 0.445, 0.447])
    accuracy = np.minimum(wavering([0.79, 0.80, 0.805, 0.81, 0.81, 0.812, 0.81], rng, 0.004), 0.8199)
    return curve(
        noisy(val, rng, 0.002),
        noisy(train, rng, 0.008),
        accuracy,
        params="p2",
        backbone="vgg16",
        name="vgg16-p2",
        early_stopping=True,
        status="stopped_early",
        train_accuracy=np.linspace(0.80, 0.83, 7),
        val_auroc=np.linspace(0.72, 0.80, 7),
    )


def resnet18_p1(seed: int) -> Curve:
    """No early stopping: training loss falls at once, validation loss rises from 0.2675 to 0.5771."""
    rng = np.random.default_rng(seed)
    val = 0.2675 * np.exp(np.linspace(0, np.log(0.5771 / 0.2675), 10))
    val[1:-1] *= np.exp(rng.normal(0, 0.04, 8))
    val[0], val[-1] = 0.2675, 0.5771
    train = np.array([0.42, 0.17, 0.10, 0.07, 0.05, 0.04, 0.035, 0.03, 0.028, 0.025])
    accuracy = wavering([0.89, 0.90, 0.89, 0.88, 0.90, 0.89, 0.88, 0.89, 0.88, 0.88], rng)
    return curve(val, noisy(train, rng, 0.02), accuracy, val_auroc=0.94 + rng.normal(0, 0.003, 10))


def resnet18_p2(seed: int) -> Curve:
    """0.5222 after the first epoch, above 0.80 only from the fifth; volatile from the tenth."""
    rng = np.random.default_rng(seed)
    val = np.array([1.60, 1.05, 0.78, 0.62, 0.50, 0.46, 0.43, 0.41, 0.40, 0.52, 0.41, 0.55, 0.39, 0.58, 0.43])
    accuracy = [0.5222, 0.62, 0.70, 0.76, 0.81, 0.82, 0.83, 0.84, 0.85, 0.80, 0.85, 0.81, 0.86, 0.80, 0.85]
    shaky = wavering(accuracy, rng, 0.004)
    shaky[0] = 0.5222
    train = 0.25 + 0.40 * np.exp(-np.arange(15) / 6)
    wave = 1 + 0.06 * np.cos(np.pi * np.arange(15))
    return curve(noisy(val, rng, 0.015), train * wave, shaky, params="p2", name="resnet18-p2")


def resnet50_p1(seed: int) -> Curve:
    """Validation loss falls, then rises from the fifth epoch; accuracy declines."""
    rng = np.random.default_rng(seed)
    val = np.array([0.52, 0.44, 0.39, 0.365, 0.34, 0.38, 0.42, 0.47, 0.51, 0.56])
    train = 0.05 + 0.45 * np.exp(-np.arange(10) / 2.5)
    accuracy = wavering([0.86, 0.87, 0.875, 0.87, 0.865, 0.86, 0.855, 0.85, 0.845, 0.84], rng, 0.003)
    return curve(noisy(val, rng, 0.015), noisy(train, rng, 0.01), accuracy, backbone="resnet50", name="resnet50-p1")


def resnet50_p2(seed: int) -> Curve:
    """Steady, then validation loss soars after epoch 6; accuracy 0.3943 at epoch 7; early stopping fires."""
    rng = np.random.default_rng(seed)
    best = int(rng.integers(4, 7))
    steady = np.array([0.480, 0.455, 0.440, 0.425, 0.430, 0.435])
    steady[best - 1] = 0.415
    val = np.concatenate([noisy(steady, rng, 0.005), noisy([1.35, 1.60, 1.45], rng, 0.05)])[: best + 3]
    train = noisy([0.62, 0.45, 0.38, 0.33, 0.29, 0.25, 0.23, 0.21, 0.19], rng, 0.01)[: best + 3]
    accuracy = wavering([0.80, 0.815, 0.83, 0.835, 0.84, 0.84, 0.3943, 0.52, 0.60], rng, 0.004)[: best + 3]
    accuracy[6] = 0.3943
    return curve(
        val,
        train,
        accuracy,
        params="p2",
        backbone="resnet50",
        name="resnet50-p2",
        early_stopping=True,
        status="stopped_early",
        val_auroc=np.array([0.80, 0.83, 0.85, 0.86, 0.86, 0.86, 0.78, 0.79, 0.80])[: best + 3],
    )


def resnet18_p1_focal(seed: int) -> Curve:
    """A smaller scale, less smooth; at epoch 4 validation loss jumps and accuracy crashes."""
    rng = np.random.default_rng(seed)
    val = np.array([0.046, 0.040, 0.037, 0.125, 0.044, 0.052, 0.043, 0.055, 0.047, 0.056])
    train = np.array([0.060, 0.030, 0.020, 0.017, 0.012, 0.012, 0.008, 0.008, 0.006, 0.005])
    accuracy = wavering([0.84, 0.86, 0.87, 0.55, 0.85, 0.84, 0.86, 0.84, 0.86, 0.85], rng, 0.005)
    return curve(noisy(val, rng, 0.03), noisy(train, rng, 0.04), accuracy, loss="focal", name="resnet18-p1-focal")


def published() -> Curve:
    """ResNet50 on RFMiD, validation losses as published; AUROC holds near 0.880 after its peak."""
    auroc = [
        0.62,
        0.68,
        0.73,
        0.77,
        0.80,
        0.83,
        0.845,
        0.86,
        0.868,
        0.874,
        0.879,
        0.882,
        0.881,
        0.879,
        0.880,
        0.881,
        0.879,
    ]
    accuracy = np.concatenate([np.linspace(0.76, 0.84, 12), np.full(5, 0.84)])
    return curve(
        PUBLISHED_VAL_LOSS,
        np.linspace(1.297, 0.403, 17),
        accuracy,
        backbone="resnet50",
        name="published",
        epochs=17,
        val_auroc=np.array(auroc),
    )


def clean(seed: int) -> Curve:
    """A run without a fault: losses fall exponentially, with up to 6 % of scatter; any length, scale and set size."""
    rng = np.random.default_rng(seed)
    length, images = int(rng.integers(2, 41)), int(rng.choice([74, 160, 640, 2000]))
    positives = round(images * rng.uniform(0.5, 0.8))
    scale, time = np.exp(rng.uniform(np.log(0.03), np.log(3))), np.arange(length)
    fall = np.exp(-time / rng.uniform(0.7, 12))
    floor = rng.uniform(0.1, 0.8)
    val = noisy(scale * (floor + (1 - floor) * fall), rng, rng.uniform(0, 0.06))
    lower = floor * rng.uniform(0.3, 1.0)
    train = noisy(scale * (lower + (1 - lower) * fall), rng, rng.uniform(0, 0.02))
    majority, learned = positives / images, 1 - np.exp(-(time + 1) / rng.uniform(0.3, 1.5))
    gain = (1 - majority) * rng.uniform(0.45, 0.85)
    truth = majority - 0.1 * (1 - learned) + gain * learned
    found = curve(
        val,
        train,
        rng.binomial(images, np.clip(truth, 0, 1)) / images,
        images=images,
        positives=positives,
        loss=str(rng.choice(["ce", "focal"])),
        epochs=length,
        train_accuracy=rng.binomial(3 * images, np.clip(truth + 0.02, 0, 1)) / (3 * images),
        val_auroc=np.clip(0.5 + (rng.uniform(0.82, 0.97) - 0.5) * learned + rng.normal(0, 0.005, length), 0, 1),
    )
    return stopped(found) if rng.random() < 0.5 else found


def alarms(count: int, first: int = 0) -> list[tuple[int, list[Finding]]]:
    """The clean curves that raise a warning, by their seed, with the findings that do."""
    found = ((seed, [f for f in diagnose(clean(seed)) if f.alarming]) for seed in range(first, first + count))
    return [(seed, findings) for seed, findings in found if findings]


def falling(rng: np.random.Generator, length: int = 12) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Validation loss, training loss and accuracy of a sound run with 3 % of scatter."""
    time = np.arange(length)
    val = noisy(0.35 + 0.35 * np.exp(-time / 1.5), rng, 0.03)
    train = noisy(0.10 + 0.60 * np.exp(-time / 4), rng, 0.01)
    return val, train, wavering(0.80 + 0.07 * (1 - np.exp(-(time + 1) / 2)), rng)


def with_overfitting(size: float, seed: int) -> Curve:
    """Validation loss rises from epoch 6 on, by `size` of itself up to the last."""
    val, train, accuracy = falling(np.random.default_rng(seed))
    val[5:] *= np.linspace(1, 1 + size, 7)
    return curve(val, train, accuracy, epochs=12)


def with_oscillation(size: float, seed: int) -> Curve:
    """Every second validation loss is higher by `size` of itself."""
    val, train, accuracy = falling(np.random.default_rng(seed))
    val[2::2] *= 1 + size
    return curve(val, train, accuracy, epochs=12)


def with_collapse(size: float, seed: int) -> Curve:
    """At epoch 8 accuracy loses `size`."""
    val, train, accuracy = falling(np.random.default_rng(seed))
    accuracy[7] -= size
    return curve(val, train, accuracy, epochs=12)


def found_rate(rule: str, make: Callable[[float, int], Curve], size: float, count: int = 60) -> float:
    """Share of curves with a planted fault of that size on which a rule warns."""
    hits = [any(f.rule == rule and f.alarming for f in diagnose(make(size, seed))) for seed in range(count)]
    return float(np.mean(hits))
