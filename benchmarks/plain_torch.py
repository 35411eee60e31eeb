"""The same experiment as `python cli.py run`, as a plain torch loop: what retina's training is held against.

It shares retina's images, order, augmentation, stopping rule and initial weights. Network, loss, optimizer, autocast
and dropout are torch's own, so that curves agree until dropout and rounding drive them apart.

    python benchmarks/plain_torch.py --data FOLDER --epochs 30 --seeds 0 1 2
"""

import argparse
import copy
import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from plain import Network
from sklearn.metrics import roc_auc_score
from torch.nn import functional

from retina.data.feeding.batches import EvaluationBatches
from retina.experiments import parameters
from retina.experiments.place import Place
from retina.machine import device
from retina.models.running import prediction
from retina.models.weights import state_dict
from retina.runs import epochs
from retina.training import setup
from retina.training.plan import Plan, plan

if TYPE_CHECKING:
    import keras


def copy_weights(source: "keras.Model", network: Network) -> None:
    """Start a plain network from the weights of one of retina's; each of them has to find its place.

    The plain VGG16 calls `convolutions` what torchvision calls `features`.
    """
    state = state_dict.state_dict(source)
    state = {name.replace("features.", "convolutions."): tensor for name, tensor in state.items()}
    missing, unexpected = network.backbone.load_state_dict(state, strict=False)
    if unexpected or not all(name.startswith("fc.") or name.endswith("num_batches_tracked") for name in missing):
        raise ValueError(f"other tensors: {missing} missing, {unexpected} left over")
    kernel, bias = (variable.value.detach() for variable in source.get_layer("logit").weights)
    network.logit.load_state_dict({"weight": kernel.reshape(1, -1), "bias": bias})


def score(network: Network, item: Plan, split: str, *, autocast: bool) -> tuple[float, float]:
    """Cross-entropy and AUROC on one split."""
    part = item.data.splits[split]
    batches = EvaluationBatches(item.data.images, part.rows, batch_size=prediction.batch_size())
    network.eval()
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        logits = torch.cat([network(batches[index][0])[:, 0] for index in range(batches.num_batches)])
    labels = torch.from_numpy(part.labels).float()
    return float(functional.binary_cross_entropy_with_logits(logits, labels)), roc_auc_score(part.labels, logits)


def train(item: Plan, seed: int) -> dict[str, float]:
    """Train once; the AUROC of the best epoch's weights on validation and test, in float32."""
    settings = dataclasses.replace(item.experiment, seed=seed)
    seeded = dataclasses.replace(item, experiment=settings)
    torch.manual_seed(seed)
    network = Network(settings.backbone, settings.dropout)
    copy_weights(setup.build(seeded), network)
    optimizer = torch.optim.Adam(network.parameters(), settings.learning_rate, eps=1e-7, fused=True)
    autocast = settings.precision == "bfloat16"
    batches = setup.training_batches(seeded)
    losses: list[float] = []
    best = copy.deepcopy(network.state_dict())
    for epoch in range(1, settings.epochs + 1):
        network.train()
        batches.epoch = epoch
        for index in range(batches.num_batches):
            images, labels = batches[index]
            with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
                logits = network(images)
            optimizer.zero_grad()
            functional.binary_cross_entropy_with_logits(logits, labels).backward()
            optimizer.step()
        losses.append(score(network, item, "validation", autocast=autocast)[0])
        if epochs.best_epoch(losses) == epoch:
            best = copy.deepcopy(network.state_dict())
        if settings.early_stopping and epochs.stop_epoch(losses, settings.patience, after=settings.opening_epochs):
            break
    network.load_state_dict(best)
    scores = {split: score(network, item, split, autocast=False)[1] for split in ("validation", "test")}
    return {"best epoch": epochs.best_epoch(losses) or 0, "epochs": len(losses)} | scores


def main() -> None:
    """Print one line a seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("backbone", nargs="?", default="resnet18")
    parser.add_argument("--params", default="p1")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--no-early-stopping", action="store_true")
    options = parser.parse_args()
    given = {"epochs": options.epochs} if options.epochs else {}
    given |= {"early_stopping": False} if options.no_early_stopping else {}
    choice = parameters.load(options.backbone, options.params, weights="random", **given)
    item = plan(choice, Place(data=options.data))
    print(f"plain torch, {item.experiment.precision} on {device.device_name()}")
    for seed in options.seeds:
        began = time.perf_counter()
        found = train(item, seed)
        line = "  ".join(
            f"{name} {value:.4f}" if isinstance(value, float) else f"{name} {value}" for name, value in found.items()
        )
        print(f"seed {seed}  {line}  {time.perf_counter() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
