"""A connection to a Ray cluster, without one: what is set before Ray is imported, and its errors in one line."""

import os
import signal
import socket
import types

import pytest

from retina.errors import RetinaError
from retina.machine import extras
from retina.training.studies import connection

SETTINGS = ("RAY_USAGE_STATS_ENABLED", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "RAY_AUTH_MODE", connection.TOKEN)


class RayError(Exception):
    """Stands for Ray's own."""


class Ray(types.SimpleNamespace):
    """Stands for the package: notes how it was started, takes SIGTERM as Ray does, and may refuse."""

    def __init__(self, error=None):
        super().__init__(exceptions=types.SimpleNamespace(RayError=RayError), error=error, options=None, ended=0)

    def init(self, **options):
        self.options = options
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if self.error is not None:
            raise self.error

    def shutdown(self):
        self.ended += 1


@pytest.fixture
def no_settings(monkeypatch):
    for name in SETTINGS:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setattr(extras, "require", lambda package, *, extra, purpose: (package, extra, purpose))


def test_a_cluster_of_ones_own_has_a_new_token_and_no_usage_statistics(no_settings):
    assert connection.import_ray(None) == ("ray", "ray", "--engine ray")
    assert [os.environ[name] for name in SETTINGS[:3]] == ["0", "0", "token"]
    token = os.environ[connection.TOKEN]
    assert len(token) == 64
    connection.import_ray(None)
    assert os.environ[connection.TOKEN] == token


def test_a_cluster_that_is_there_keeps_its_token_and_its_settings(no_settings, monkeypatch):
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "1")
    connection.import_ray("auto")
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "1"
    assert "RAY_AUTH_MODE" not in os.environ
    assert connection.TOKEN not in os.environ


@pytest.mark.parametrize(("address", "named", "dashboard"), [(None, "local", False), ("auto", "auto", None)])
def test_a_connection_lasts_as_long_as_the_block_and_signals_stay_ours(address, named, dashboard):
    ray, before = Ray(), signal.getsignal(signal.SIGTERM)
    with connection.connected(ray, address):
        assert ray.ended == 0
        assert signal.getsignal(signal.SIGTERM) == before
    assert ray.ended == 1
    assert (ray.options["address"], ray.options.get("include_dashboard")) == (named, dashboard)
    assert ray.options["log_to_driver"] is False


def connect(ray, address):
    with connection.connected(ray, address):
        raise AssertionError("is not reached")


@pytest.mark.parametrize(
    ("address", "problem"),
    [(None, "no Ray cluster can be started here"), ("auto", "the Ray cluster cannot be reached")],
)
def test_a_cluster_that_refuses_is_one_line(address, problem):
    with pytest.raises(RetinaError, match="Next: see `ray status`") as caught:
        connect(Ray(RayError("no token\nat line 7")), address)
    assert str(caught.value).startswith(f"{problem} | ")
    assert "Found: no token |" in str(caught.value)
    assert ("Where: auto" in str(caught.value)) is (address is not None)


def test_an_address_is_tried_before_ray_would_try_it_for_minutes():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"  # bound, and nobody listens
        ray = Ray()
        with pytest.raises(RetinaError, match=rf"cannot be reached \| Expected: auto, or HOST:PORT .*Where: {address}"):
            connect(ray, address)
        assert ray.options is None
    with pytest.raises(RetinaError, match="cannot be reached"):
        connect(ray, "nowhere:port")


def test_the_loss_of_a_cluster_says_what_to_do_and_other_errors_stay_themselves():
    with pytest.raises(RetinaError, match=r"was lost \| Found: RayError: the node is gone .*the same command again"):
        lose(RayError("a trace\nthe node is gone"))
    with pytest.raises(KeyError):
        lose(KeyError("another"))


def lose(error):
    with connection.as_one_line(Ray()):
        raise error


def test_an_error_of_a_task_says_what_was_raised_there():
    error = RayError("wrapped\nin a trace")
    assert connection.in_words(error) == "RayError: in a trace"
    error.cause = ValueError("no such image\nmore")
    assert connection.in_words(error) == "ValueError: no such image"
    assert connection.in_words(ValueError()) == "ValueError: "
