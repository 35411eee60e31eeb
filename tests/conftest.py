"""Fixtures shared by all tests. Nothing here reaches a network, and nothing is kept outside temporary folders."""

import csv
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

import retina  # noqa: F401 - names Keras' backend before any test imports Keras

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"
FOLDERS = {
    "train": ("Training_Set", "Training", "RFMiD_Training_Labels.csv"),
    "validation": ("Evaluation_Set", "Validation", "RFMiD_Validation_Labels.csv"),
    "test": ("Test_Set", "Test", "RFMiD_Testing_Labels.csv"),
}


def pytest_configure(config: pytest.Config) -> None:
    """`-m fuzz` alone asks for more cases than a whole run of the tests has time for."""
    if config.option.markexpr == "fuzz":
        os.environ["RETINA_FUZZ"] = "1"


settings.register_profile("retina", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("retina")


@pytest.fixture(autouse=True, scope="session")
def caches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep everything that retina can make again in a temporary folder, and let nothing be downloaded."""
    folder = tmp_path_factory.mktemp("cache")
    kept = {name: os.environ.get(name) for name in ("RETINA_CACHE", "RETINA_DATA", "RETINA_WEIGHTS_URL")}
    os.environ["RETINA_CACHE"] = str(folder)
    os.environ["RETINA_WEIGHTS_URL"] = "http://127.0.0.1:9"
    os.environ.pop("RETINA_DATA", None)
    yield folder
    for name, value in kept.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real photographs and published scores beside the project; skips where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("needs the folder ../shared")
    return SHARED


def draw_eye(rng: np.random.Generator, *, diseased: bool, side: int = 64) -> np.ndarray:
    """A disc on black; a diseased one carries a bright spot. (side, side, 3) uint8."""
    y, x = np.mgrid[:side, :side] - side / 2 + 0.5
    picture = np.zeros((side, side, 3), np.float32)
    picture[x**2 + y**2 < (0.46 * side) ** 2] = rng.uniform(0.7, 1.0) * np.array([170, 80, 40], np.float32)
    if diseased:
        shift = rng.uniform(-0.2, 0.2, 2) * side
        picture[(x - shift[0]) ** 2 + (y - shift[1]) ** 2 < (0.09 * side) ** 2] = (250, 240, 160)
    return np.clip(picture + rng.normal(0, 4, picture.shape), 0, 255).astype(np.uint8)


def write_set(folder: Path, counts: dict[str, int], seed: int = 0) -> Path:
    """Write a tiny set in RFMiD's layout: three of four images are diseased."""
    rng = np.random.default_rng(seed)
    for split, (outer, inner, table) in FOLDERS.items():
        images = folder / outer / inner
        images.mkdir(parents=True)
        with (folder / outer / table).open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["ID", "Disease_Risk"])
            for number in range(1, counts[split] + 1):
                diseased = number % 4 != 0
                Image.fromarray(draw_eye(rng, diseased=diseased)).save(images / f"{number}.png")
                writer.writerow([number, int(diseased)])
    return folder


@pytest.fixture(scope="session")
def tiny_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of 24 + 12 + 12 images of 64 x 64 pixels. Not to be changed by a test."""
    return write_set(tmp_path_factory.mktemp("tiny") / "set", {"train": 24, "validation": 12, "test": 12})


@pytest.fixture
def make_set(tmp_path: Path) -> Callable[..., Path]:
    """Make a tiny set of one's own, to be damaged."""

    def make(**counts: int) -> Path:
        return write_set(tmp_path / "set", {"train": 8, "validation": 8, "test": 8} | counts)

    return make
