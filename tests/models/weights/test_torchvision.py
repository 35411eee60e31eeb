"""torchvision's files are fetched once, checked against their digests, and kept in the cache folder."""

import hashlib
import socket

import pytest
from weight_server import CONTENT, DIGEST, serving

from retina.errors import RetinaError, WeightsError
from retina.machine import kept
from retina.models.backbones import registry
from retina.models.weights import torchvision
from retina.models.weights.torchvision import PretrainedWeights


@pytest.fixture
def server(monkeypatch, tmp_path):
    """A running `Server` that fetches go to, with an empty cache folder."""
    with serving() as server:
        monkeypatch.setenv("RETINA_WEIGHTS_URL", server.url)
        monkeypatch.setenv("RETINA_CACHE", str(tmp_path / "cache"))
        yield server


@pytest.fixture
def record():
    return PretrainedWeights(f"net-{DIGEST[:8]}.pth", DIGEST[:8], 3, "RECIPE", 50.0)


def cached():
    """Every file below the cache folder."""
    return [path for path in kept.cache_folder().rglob("*") if path.is_file()]


@pytest.mark.parametrize("fault", [None, "no length"])
def test_a_file_is_fetched_once(server, record, fault):
    server.fault = fault
    path = torchvision.fetch(record)
    assert torchvision.fetch(record) == path
    assert path.read_bytes() == CONTENT
    assert server.requests == [f"/models/{record.file}"]
    assert cached() == [path]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("not found", "404"),
        ("dies", f"broke after {len(CONTENT) // 2} of {len(CONTENT)} bytes"),
        (
            "other content",
            f"Expected: SHA-256 {DIGEST[:8]}... | Found: {hashlib.sha256(b'x' * len(CONTENT)).hexdigest()}",
        ),
    ],
)
def test_a_failed_download_is_one_line_and_leaves_nothing(server, record, fault, message):
    server.fault = fault
    with pytest.raises(WeightsError, match="Next: ") as caught:
        torchvision.fetch(record)
    assert message in str(caught.value)
    assert f"{server.url}/{record.file}" in str(caught.value)
    assert cached() == []
    server.fault = None
    assert torchvision.fetch(record).read_bytes() == CONTENT


def test_an_unreachable_server_is_answered_with_the_three_ways_out(monkeypatch, tmp_path, record):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("RETINA_WEIGHTS_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("RETINA_CACHE", str(tmp_path))
    with pytest.raises(WeightsError, match="cannot be fetched") as caught:
        torchvision.fetch(record)
    for way_out in (str(tmp_path / "weights" / record.file), "--weights FILE", "--weights random"):
        assert way_out in caught.value.advice


def test_a_damaged_file_in_the_cache_is_named_and_not_used(server, record):
    path = kept.cache_folder() / "weights" / record.file
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(WeightsError, match="damaged") as caught:
        torchvision.fetch(record)
    assert str(path) in str(caught.value)
    assert server.requests == []


def test_a_cache_that_cannot_be_written_is_not_blamed_on_the_server(server, record):
    kept.cache_folder().write_text("a file where a folder should be")
    with pytest.raises(RetinaError, match="cannot write"):
        torchvision.fetch(record)


@pytest.mark.parametrize("name", registry.BACKBONES)
def test_a_record_s_digest_is_the_one_in_its_file_name(name):
    weights = registry.BACKBONES[name].weights
    assert weights.file == f"{name}-{weights.sha256}.pth"
    assert len(bytes.fromhex(weights.sha256)) == 4
