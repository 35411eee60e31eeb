"""Fixtures shared by all tests. Nothing here reaches a network, and nothing is kept outside temporary folders."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from tiny_sets import write_set

import retina  # noqa: F401 - names Keras' backend before any test imports Keras

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"


def pytest_configure(config: pytest.Config) -> None:
    """See that `-m fuzz` has more cases than a whole run of the tests has time for, and that Ctrl-C can be tested."""
    if config.option.markexpr == "fuzz":
        os.environ["RETINA_FUZZ"] = "20"
    for kind, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(kind) == signal.SIG_IGN:  # as in the background; what tests start would inherit it
            signal.signal(kind, handler)


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
