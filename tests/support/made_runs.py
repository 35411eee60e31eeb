"""Run folders made by hand, as training would write them, for tests of the reading wing: no network is trained."""

import hashlib
import json
from dataclasses import is_dataclass, replace

import numpy as np

from retina.experiments.experiment import Experiment
from retina.experiments.splits import PREDICTED_SPLITS
from retina.machine.files import json_sha256
from retina.runs.data import Baselines, ColourHistogram, Data, Exclusion, Majority, Split
from retina.runs.folder import HISTORY_COLUMNS, Prediction, Run, create
from retina.runs.record import FINISHED, EarlyStopping, Model, Record, Start
from retina.runs.session import Environment, Git, Timings
from retina.runs.status import digests

COUNTS = {"train": (60, 45), "validation": (40, 30), "test": (48, 36)}
SETTINGS = {
    "batch_size": 32,
    "learning_rate": 1e-4,
    "epochs": 10,
    "early_stopping": True,
    "patience": 3,
    "weights": "random",
    "fine_tune": "full",
    "dropout": 0.2,
    "focal_gamma": 2.0,
    "focal_alpha": 0.25,
    "image_size": 64,
    "precision": "float32",
}
P2 = {"batch_size": 64, "learning_rate": 1e-3, "epochs": 15}


def history(epochs, *, rng, loss="ce"):
    """Curves that fall and then rise a little."""
    at = np.arange(1, epochs + 1)
    scale = 0.2 if loss == "focal" else 1.0
    train = scale * (0.2 + 0.6 * np.exp(-at / 3))
    val = scale * (0.35 + 0.4 * np.exp(-at / 2) + 0.004 * at + rng.normal(0, 0.004, epochs))
    columns = {
        "epoch": at,
        "train_loss": train,
        "train_accuracy": 0.95 - 0.3 * np.exp(-at / 3),
        "val_loss": val,
        "val_accuracy": 0.9 - 0.2 * np.exp(-at / 2),
        "val_auroc": 0.95 - 0.2 * np.exp(-at / 2),
        "learning_rate": np.full(epochs, 1e-4),
        "seconds": 10 + rng.uniform(0, 1, epochs),
        "images_per_second": np.full(epochs, 30.0),
    }
    return [{name: columns[name][place].item() for name in HISTORY_COLUMNS} for place in range(epochs)]


def predictions(skill, *, rng, counts=COUNTS):
    """Logits whose AUROC grows with skill; the labels are the same for every run."""
    rows = []
    for split in PREDICTED_SPLITS:
        images, positives = counts[split]
        for number in range(1, images + 1):
            label = int(number <= positives)
            rows.append(Prediction(split, str(number), label, float(rng.normal(skill * (2 * label - 1), 1.0))))
    return rows


def record(name, experiment, *, status, data, epochs, counts, best):
    """The record of a run as training writes it."""
    stop = epochs if status == "stopped_early" else None
    shares = {split: max(positives, images - positives) / images for split, (images, positives) in counts.items()}
    return Record(
        name=name,
        digest=(name.rsplit("-", 1)[-1] + hashlib.sha256(name.encode()).hexdigest())[:64],
        status=status,
        error=None,
        experiment=experiment,
        overrides={"weights": {"file": "imagenet", "option": "random"}},
        target=experiment.declared_target,
        data=Data(
            source="folder",
            notice=None,
            folder="/somewhere/eyes",
            layout="kaggle",
            fingerprint=data * 64,
            splits={
                split: Split(images=images, positives=positives, prevalence=positives / images)
                for split, (images, positives) in counts.items()
            },
            excluded=(Exclusion(split="train", id="7", reason="it cannot be decoded"),),
            warnings=("train/3, test/9 are the same image",),
        ),
        baselines=Baselines(
            majority={split: Majority(accuracy=shares[split]) for split in PREDICTED_SPLITS},
            colour_histogram={split: ColourHistogram(accuracy=0.7, auroc=0.61) for split in PREDICTED_SPLITS},
        ),
        environment=Environment(
            python="3.11.7",
            device="cpu",
            device_name="a processor",
            cores=2,
            packages={"retina": "0.1.0", "keras": "3.15.1", "torch": "2.13.0"},
            git=Git(commit="c0ffee" * 6, dirty=False),
        ),
        weights=Start(requested="random", origin="random", notice=None),
        model=Model(parameters=10, trainable_parameters=10, weights_sha256="ab" * 32),
        timings=Timings(started="2026-11-23T10:00:00+00:00", training_seconds=100.0),
        attempt=1,
        sessions=(),
        early_stopping=EarlyStopping(used=experiment.early_stopping, patience=3, stop_epoch=stop),
        best_epoch=best,
        epochs_run=epochs,
        files={},
    )


def changed(item, **changes):
    """A record, or a part of one, with other values; a mapping changes some fields of the part of that name."""
    whole = {
        name: changed(getattr(item, name), **value)
        if isinstance(value, dict) and is_dataclass(getattr(item, name))
        else value
        for name, value in changes.items()
    }
    return replace(item, **whole)


def write_content(run, content) -> Run:
    """Write the content of a record, whatever it is, under its right seal."""
    content = {key: value for key, value in content.items() if key != "seal"}
    run.record_path.write_text(json.dumps(content | {"seal": json_sha256(content)}))
    return run


def rewrite(run, **changes) -> Run:
    """Change the record of a run, see `changed`."""
    run.write_record(changed(run.record(), **changes))
    return run


def make_run(
    results,
    backbone="resnet18",
    params="p1",
    loss="ce",
    seed=0,
    *,
    skill=1.0,
    status="completed",
    data="d",
    epochs=10,
    counts=COUNTS,
    digest="00000000",
    **settings,
) -> Run:
    """Write a run folder."""
    values = SETTINGS | (P2 if params == "p2" else {}) | settings
    experiment = Experiment(backbone=backbone.replace(".", ":"), params=params, loss=loss, seed=seed, **values)
    name = f"{backbone}-{params}-{loss}-seed{seed}-{digest}"
    rng = np.random.default_rng([seed, *name.encode()])
    rows = history(epochs, rng=rng, loss=loss)
    best = int(np.argmin([row["val_loss"] for row in rows])) + 1 if rows else None
    run = create(results, name)
    if rows:
        run.write_history(rows)
    if status in FINISHED:
        run.write_predictions(predictions(skill, rng=rng, counts=counts))
    run.write_record(record(name, experiment, status=status, data=data, epochs=epochs, counts=counts, best=best))
    return sealed(run)


def sealed(run) -> Run:
    """A run whose record agrees with its files, after a test has changed them."""
    run.write_record(replace(run.record(), files=digests(run)))
    return run


def make_study(results, **settings):
    """The seven runs of the study."""
    made = [
        ("vgg16", "p1", "ce", 0.6),
        ("vgg16", "p2", "ce", 0.2),
        ("resnet18", "p1", "ce", 1.2),
        ("resnet18", "p2", "ce", 0.9),
        ("resnet50", "p1", "ce", 1.0),
        ("resnet50", "p2", "ce", 0.1),
        ("resnet18", "p1", "focal", 1.1),
    ]
    return [
        make_run(results, backbone, params, loss, skill=skill, digest=f"{number:08d}", **settings)
        for number, (backbone, params, loss, skill) in enumerate(made)
    ]
