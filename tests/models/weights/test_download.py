"""One file is copied from the web, or one line says why not."""

import io
import socket

import pytest
from weight_server import CONTENT, serving

from retina.errors import RetinaError, WeightsError
from retina.models.weights import download


def copied(url):
    """What a server gives for an address."""
    target = io.BytesIO()
    download.copy(url, target, megabytes=3, advice="ask elsewhere", quiet=True)
    return target.getvalue()


@pytest.mark.parametrize("fault", [None, "no length"])
def test_a_file_is_copied_to_its_last_byte(fault):
    with serving() as server:
        server.fault = fault
        assert copied(f"{server.url}/net.pth") == CONTENT


@pytest.mark.parametrize(
    ("fault", "message"),
    [("not found", "the server answers 404"), ("dies", f"broke after {len(CONTENT) // 2} of {len(CONTENT)} bytes")],
)
def test_a_file_that_does_not_come_whole_is_one_line_with_address_and_advice(fault, message):
    with serving() as server:
        server.fault = fault
        with pytest.raises(WeightsError, match=message) as caught:
            copied(f"{server.url}/net.pth")
    assert f"Where: {server.url}/net.pth | Next: ask elsewhere" in str(caught.value)


def test_a_silent_server_is_given_up(monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.2)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(WeightsError, match="timed out"),
    ):
        copied(f"http://127.0.0.1:{silent.getsockname()[1]}")


def test_only_the_web_is_asked(tmp_path):
    (tmp_path / "net.pth").write_bytes(CONTENT)
    with pytest.raises(WeightsError, match="from the web only"):
        copied((tmp_path / "net.pth").as_uri())


@pytest.mark.parametrize("error", [OSError("no route"), ValueError("another digest"), Exception("URL fetch failure")])
def test_what_a_library_raises_where_weights_cannot_be_had_is_one_line(error):
    with pytest.raises(WeightsError, match="weights cannot be fetched") as caught, download.FetchErrors("example.org"):
        raise error
    assert str(error) in caught.value.found
    assert caught.value.where == "example.org"


@pytest.mark.parametrize("error", [TypeError("a fault of the program"), RetinaError("a line already")])
def test_what_is_no_failure_to_fetch_stays_what_it_is(error):
    with pytest.raises(type(error)) as caught, download.FetchErrors("example.org"):
        raise error
    assert caught.value is error
