"""Whether retina trains as plain torch does: the curves of its `fit` beside those of a plain loop, from one start.

python benchmarks/parity.py                           three epochs of VGG16, random weights, the built-in set, 64 pixels
python benchmarks/parity.py --weights FILE --data FOLDER --image-size 96       pretrained weights on photographs

Both sides are given the same starting weights and the same batches: order and augmentation are retina's. Network,
head, loss, Adam, its rates by stage, clipping and warm-up of the plain side are torch's own. Dropout is 0 on both,
since no two generators draw the same masks. All is float32.

How far rounding alone drives two curves apart depends on the network and on the recipe, so it is measured: the plain
loop trains twice more, once from weights changed by a unit in their last place, once by other convolutions of torch's,
which sum in another order. A difference from retina is no more than rounding where it is about as large as these are.
"""

import argparse
import contextlib
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from plain import Network
from plain_torch import copy_weights
from sklearn.metrics import roc_auc_score
from torch.nn import functional

from retina.errors import ExperimentError, RetinaError
from retina.experiments import parameters
from retina.experiments.experiment import Experiment
from retina.experiments.place import Place
from retina.experiments.settings import ADDED
from retina.machine import device
from retina.runs import folder as runs
from retina.training import setup
from retina.training.loop import fit
from retina.training.plan import Plan, plan
from retina.training.saving.writer import Writer

if TYPE_CHECKING:
    import keras

Curves = list[dict[str, float]]
"""One mapping of `CURVES` an epoch."""

CURVES = {"train_loss": "training loss", "val_loss": "validation loss", "val_auroc": "validation AUROC"}
PLAIN = {
    **{name: ADDED[name] for name in ("optimizer", "schedule", "freeze_epochs", "ema")},
    **{name: ADDED[name] for name in ("class_weight", "label_smoothing")},
    "fine_tune": "full",
}
"""What the plain loop does in any case."""
EPSILON = 1e-7
"""What retina's Adam adds to the root of the mean square."""


def planned(backbone: str, params: str, place: Place, **options: object) -> Plan:
    """The plan of a run whose curves can be compared: float32, without dropout, and never stopped early."""
    fixed = {"precision": "float32", "dropout": 0.0, "early_stopping": False}
    choice = parameters.load(backbone, params, **(options | fixed))
    for name, value in PLAIN.items():
        if (found := getattr(choice.experiment, name)) != value:
            raise ExperimentError(
                "the plain loop has no such setting", expected=f"{name} {value}", found=found, where=f"params {params}"
            )
    return plan(choice, place)


def start(item: Plan) -> "tuple[keras.Model, Network]":
    """A network of retina's and a plain one that starts from the same weights."""
    network, twin = setup.build(item), Network(item.experiment.backbone, dropout=0.0)
    copy_weights(network, twin)
    return network, twin


def retina_curves(item: Plan, network: "keras.Model") -> Curves:
    """Train by retina's `fit`."""
    with tempfile.TemporaryDirectory() as folder, Writer(runs.create(Path(folder), "parity")) as writer:
        rows = fit.fit(item, setup.setup(item, network), writer).rows
    return [{name: row[name] for name in CURVES} for row in rows]


def losses(settings: Experiment) -> Callable[..., torch.Tensor]:
    """The loss as a function of logits and labels, and of torch's `reduction`."""
    if settings.loss == "ce":
        return functional.binary_cross_entropy_with_logits

    def focal(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Lin et al. 2017, arXiv 1708.02002, equation 5, from the cross-entropy, which is -log of p_t."""
        entropy = functional.binary_cross_entropy_with_logits(logits, labels, reduction="none")
        loss = (1 - torch.exp(-entropy)) ** settings.focal_gamma * entropy
        if settings.focal_alpha is not None:
            loss *= torch.where(labels == 1, settings.focal_alpha, 1 - settings.focal_alpha)
        return loss.mean()

    return focal


def stages_above(network: Network, name: str) -> int:
    """How far a weight is from the logit: 0 for the logit's own, 1 in the backbone's last stage, 5 in its first."""
    if not name.startswith("backbone."):
        return 0
    block, place = name.split(".")[1:3]
    if block == "convolutions":  # VGG16: a stage ends with its pooling
        later = network.backbone.convolutions[int(place) :]
        return sum(isinstance(layer, torch.nn.MaxPool2d) for layer in later)
    return 5 - int(block[-1]) if block.startswith("layer") else 5


def by_stage(network: Network, settings: Experiment) -> list[dict[str, object]]:
    """The weights as torch's Adam takes them: each stage of the backbone at its rate, the head at the whole one."""
    groups = defaultdict(list)
    for name, weight in network.named_parameters():
        groups[settings.layer_decay ** stages_above(network, name)].append(weight)
    return [{"params": weights, "lr": settings.learning_rate * factor} for factor, weights in groups.items()]


def plain_curves(item: Plan, network: Network) -> Curves:
    """Train by a plain loop: torch's Adam at constant rates after a linear warm-up, gradients clipped where asked."""
    settings, batches, loss_of = item.experiment, setup.training_batches(item), losses(item.experiment)
    optimizer = torch.optim.Adam(by_stage(network, settings), eps=EPSILON)
    rising = max(1, round(settings.warmup_epochs * batches.num_batches))
    rates = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda done: min(1.0, (done + 1) / rising))
    curves: Curves = []
    for epoch in range(1, settings.epochs + 1):
        network.train()
        batches.epoch = epoch
        total = 0.0
        for index in range(batches.num_batches):
            images, labels = batches[index]
            optimizer.zero_grad()
            loss = loss_of(network(images), labels)
            loss.backward()
            if settings.clip_norm:
                torch.nn.utils.clip_grad_norm_(network.parameters(), settings.clip_norm)
            optimizer.step()
            rates.step()
            total += loss.item() * len(labels)
        curves.append({"train_loss": total / len(batches.labels)} | validated(item, network))
    return curves


def validated(item: Plan, network: Network) -> dict[str, float]:
    """Loss and AUROC on the validation images."""
    batches, labels = setup.evaluation_batches(item, "validation"), item.data.splits["validation"].labels
    network.eval()
    with torch.inference_mode():
        logits = torch.cat([network(batches[index][0]) for index in range(batches.num_batches)]).cpu()
    loss = losses(item.experiment)(logits, torch.from_numpy(labels).float()[:, None])
    return {"val_loss": loss.item(), "val_auroc": float(roc_auc_score(labels, logits[:, 0]))}


def nudge(network: Network, seed: int = 0) -> None:
    """Change every weight by about a unit in its last place: by a normal number times 1e-7 of itself."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in network.parameters():
            weight.mul_(
                1 + 1e-7 * torch.randn(weight.shape, generator=generator, dtype=torch.float64).to(weight.device)
            )


@contextlib.contextmanager
def other_convolutions() -> Iterator[None]:
    """Let torch convolve without oneDNN and cuDNN: by its own kernels, which sum in another order."""
    before = torch.backends.mkldnn.enabled, torch.backends.cudnn.enabled
    torch.backends.mkldnn.enabled = torch.backends.cudnn.enabled = False
    try:
        yield
    finally:
        torch.backends.mkldnn.enabled, torch.backends.cudnn.enabled = before


def controls(item: Plan) -> dict[str, Curves]:
    """The plain loop twice more, each time with nothing but its rounding changed."""
    nudged, summed = start(item)[1], start(item)[1]
    nudge(nudged)
    found = {"last place": plain_curves(item, nudged)}
    with other_convolutions():
        found["other sums"] = plain_curves(item, summed)
    return found


def differences(found: Curves, expected: Curves) -> Curves:
    """By how much curves differ, as a share of what is expected, epoch by epoch; of AUROCs the difference itself."""
    return [
        {name: abs(one[name] - other[name]) / (1 if name == "val_auroc" else abs(other[name])) for name in CURVES}
        for one, other in zip(found, expected, strict=True)
    ]


def largest(apart: Curves) -> dict[str, float]:
    """The largest difference of all epochs, for each curve."""
    return {name: max(row[name] for row in apart) for name in CURVES}


def table(ours: Curves, theirs: Curves, others: Mapping[str, Curves]) -> str:
    """Both sides' curves, and beside their difference what rounding alone does, as a table in markdown."""
    columns = ["", "epoch", "retina", "plain torch", "difference", *others]
    apart = [differences(ours, theirs), *(differences(curves, theirs) for curves in others.values())]
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    for name, title in CURVES.items():
        for epoch, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            values = f"{one[name]:.6f} | {other[name]:.6f}"
            shares = " | ".join(f"{rows[epoch][name]:.1e}" for rows in apart)
            lines.append(f"| {title} | {epoch + 1} | {values} | {shares} |")
    return "\n".join(lines)


def parse() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", choices=("vgg16", "resnet18", "resnet50"), default="vgg16")
    parser.add_argument("--weights", default="random", help="random, or a state-dict file")
    parser.add_argument("--data", type=Path, help="a folder in one of RFMiD's layouts; else the built-in set")
    parser.add_argument("--params", default="p1")
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--loss", choices=("ce", "focal"), default="ce")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=3)
    numbers = ("warmup_epochs", "clip_norm", "learning_rate", "layer_decay")
    for key, kind in (("head_start", str), *((key, float) for key in numbers)):
        name = f"--{key.replace('_', '-')}"
        parser.add_argument(name, type=kind, default=argparse.SUPPRESS, help="else that of the parameter set")
    return parser.parse_args()


def main() -> None:
    """Train both sides and the controls, and print the table."""
    options = vars(parse())
    place = Place(data=options.pop("data"), quiet=True)
    try:
        item = planned(options.pop("backbone"), options.pop("params"), place, **options)
    except RetinaError as error:
        sys.exit(str(error))
    print(f"float32 on {device.device_name()}, {device.threads()} threads, torch {torch.__version__}, dropout 0")
    network, twin = start(item)
    ours, theirs = retina_curves(item, network), plain_curves(item, twin)
    print(table(ours, theirs, controls(item)), flush=True)


if __name__ == "__main__":
    main()
