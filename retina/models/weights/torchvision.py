"""torchvision's published ImageNet weights: the record of a file, and its download into the cache folder."""

import os
from dataclasses import dataclass
from pathlib import Path

from retina.errors import WeightsError
from retina.machine import files, kept
from retina.models.weights import download

SERVER = "https://download.pytorch.org/models"


@dataclass(frozen=True)
class PretrainedWeights:
    """A published state dict.

    Args:
        file: Its file name on torchvision's server.
        sha256: The first digits of its SHA-256, which the file name carries.
        megabytes: Size in MiB, rounded up.
        recipe: torchvision's name of the training recipe.
        top1: Accuracy on ImageNet's validation images, in percent, as torchvision reports it.
    """

    file: str
    sha256: str
    megabytes: int
    recipe: str
    top1: float


def fetch(weights: PretrainedWeights, *, quiet: bool = False) -> Path:
    """The path of a state dict in the cache folder, fetched where it is not there yet.

    `RETINA_WEIGHTS_URL` names another server (http or https) that holds the same files.

    Args:
        weights: The record of the file.
        quiet: Show no progress.

    Raises:
        WeightsError: the file cannot be fetched, or its digest is wrong. Nothing is kept then.
        RetinaError: the cache folder cannot be written.
    """
    path = kept.cache_folder() / "weights" / weights.file
    if path.is_file():
        _check_digest(path, weights, path, advice="remove the file; the next run fetches it again")
        return path
    server = os.environ.get("RETINA_WEIGHTS_URL", SERVER).rstrip("/")
    url = f"{server}/{weights.file}"
    ways_out = f"put the file at {path} by hand, or use --weights FILE or --weights random"
    with files.atomic_file(path) as temporary:
        with temporary.open("wb") as target:
            download.copy(url, target, megabytes=weights.megabytes, advice=ways_out, quiet=quiet)
        _check_digest(temporary, weights, url, advice=f"try again later, or {ways_out}")
    return path


def _check_digest(file: Path, weights: PretrainedWeights, where: object, advice: str) -> None:
    """Raise where a file's SHA-256 does not begin with the digits in its record."""
    digest = files.sha256(file)
    if not digest.startswith(weights.sha256):
        raise WeightsError(
            f"{weights.file} is damaged or not the published file",
            expected=f"SHA-256 {weights.sha256}...",
            found=digest,
            where=where,
            advice=advice,
        )
