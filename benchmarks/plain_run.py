"""A whole training as a plain script, doing what `python cli.py run` does: torch, Pillow, numpy and scikit-learn.

It decodes the photographs of three splits once, on all cores, into memory; trains with shuffling and augmentation;
scores the validation split and saves a checkpoint after every epoch; and writes the best epoch's model, its
predictions and the history. It crops to no disc, audits nothing, measures no baselines and records no training loss.

    python benchmarks/plain_run.py resnet18 --data FOLDER --results FOLDER --epochs 10
"""

import argparse
import copy
import csv
import math
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import decoding
import numpy as np
import torch
from plain import DEVICE, Network, has_bfloat16, step
from sklearn.metrics import roc_auc_score
from torch.nn import functional

FOLDERS = {
    "train": ("Training_Set", "Training"),
    "validation": ("Evaluation_Set", "Validation"),
    "test": ("Test_Set", "Test"),
}
TRAINING_BATCH, EVALUATION_BATCH = 32, 64
ROTATION, BRIGHTNESS, CONTRAST = math.radians(10), 0.1, 0.1


class Split(NamedTuple):
    """One split in memory: ids, images (N, side, side, 3) uint8 and labels (N, 1) float32."""

    ids: list[str]
    images: torch.Tensor
    labels: torch.Tensor


def read(data: Path, split: str, side: int) -> Split:
    """Read a split's label table and decode its photographs; Pillow lets threads decode at once."""
    top, images = FOLDERS[split]
    (table,) = (data / top).glob("*.csv")
    text = table.read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(text.splitlines(), delimiter=";" if ";" in text else ","))
    paths = {path.stem: path for path in (data / top / images).iterdir()}
    ids = [row["ID"] for row in rows]

    def decode(name: str) -> np.ndarray:
        return np.asarray(decoding.resized(decoding.by_pillow(paths[name]), side))

    with ThreadPoolExecutor() as pool:
        pixels = np.stack(list(pool.map(decode, ids)))
    labels = torch.tensor([[float(row["Disease_Risk"])] for row in rows])
    return Split(ids, torch.from_numpy(pixels), labels)


def augment(images: torch.Tensor) -> torch.Tensor:
    """Mirror, turn and light a batch (N, side, side, 3) uint8 at random; float32, 0-255."""
    count = len(images)
    mirror = 1 - 2 * torch.randint(0, 2, (count,)).float()
    angle, brightness, contrast = (2 * torch.rand(3, count) - 1) * torch.tensor([[ROTATION], [BRIGHTNESS], [CONTRAST]])
    cosine, sine, zero = angle.cos(), angle.sin(), torch.zeros(count)
    turn = torch.stack([mirror * cosine, -mirror * sine, zero, sine, cosine, zero], dim=1).view(count, 2, 3)
    pixels = images.permute(0, 3, 1, 2).float()
    grid = functional.affine_grid(turn, list(pixels.shape), align_corners=False)
    pixels = functional.grid_sample(pixels, grid, align_corners=False) * (1 + brightness).view(-1, 1, 1, 1)
    mean = pixels.mean(dim=(1, 2, 3), keepdim=True)
    return ((pixels - mean) * (1 + contrast).view(-1, 1, 1, 1) + mean).clamp_(0, 255).permute(0, 2, 3, 1)


def predict(network: Network, images: torch.Tensor) -> torch.Tensor:
    """The logits (N, 1) of images."""
    network.eval()
    with torch.inference_mode(), torch.autocast(DEVICE, torch.bfloat16, enabled=has_bfloat16()):
        return torch.cat([network(part.to(DEVICE)) for part in images.split(EVALUATION_BATCH)]).cpu()


def score(network: Network, split: Split) -> dict[str, float]:
    """Loss, accuracy and AUROC on a split."""
    logits = predict(network, split.images)
    return {
        "val_loss": float(functional.binary_cross_entropy_with_logits(logits, split.labels)),
        "val_accuracy": float(((logits > 0) == (split.labels == 1)).float().mean()),
        "val_auroc": float(roc_auc_score(split.labels[:, 0], logits[:, 0])),
    }


def train(network: Network, splits: dict[str, Split], results: Path, epochs: int) -> list[dict[str, float]]:
    """Train, and leave the network with the weights of the lowest validation loss; one row an epoch."""
    optimizer = torch.optim.Adam(network.parameters(), 1e-4, fused=True)
    autocast = has_bfloat16()
    data, history, best = splits["train"], [], network.state_dict()
    for epoch in range(1, epochs + 1):
        began = time.perf_counter()
        network.train()
        for chosen in torch.randperm(len(data.ids)).split(TRAINING_BATCH):
            ready = augment(data.images[chosen]).to(DEVICE), data.labels[chosen].to(DEVICE)
            step(network, optimizer, *ready, autocast=autocast)
        found = score(network, splits["validation"])
        if all(found["val_loss"] < row["val_loss"] for row in history):
            best = copy.deepcopy(network.state_dict())
        history.append({"epoch": epoch, **found, "seconds": time.perf_counter() - began})
        state = {"model": network.state_dict(), "optimizer": optimizer.state_dict()}
        torch.save(state, results / "checkpoint.pt")
    network.load_state_dict(best)
    return history


def write(path: Path, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a table."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(columns)
        table.writerows(rows)


def main() -> None:
    """Train once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("backbone")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--image-size", type=int, default=224)
    options = parser.parse_args()
    options.results.mkdir(parents=True, exist_ok=True)
    splits = {split: read(options.data, split, options.image_size) for split in FOLDERS}
    network = Network(options.backbone)
    history = train(network, splits, options.results, options.epochs)
    torch.save(network.state_dict(), options.results / "model.pt")
    write(options.results / "history.csv", history[0], [row.values() for row in history])
    predictions = [
        (name, *row)
        for name, split in splits.items()
        if name != "train"
        for row in zip(
            split.ids,
            split.labels[:, 0].int().tolist(),
            predict(network, split.images)[:, 0].tolist(),
            strict=True,
        )
    ]
    write(options.results / "predictions.csv", ("split", "id", "label", "logit"), predictions)


if __name__ == "__main__":
    main()
