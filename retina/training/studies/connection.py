"""A connection to a Ray cluster: its settings before Ray is imported, a token, signals, and its errors in one line."""

import contextlib
import os
import secrets
import signal
import socket
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from retina.errors import RetinaError, first_line
from retina.machine import extras

REACH = 10.0
"""Seconds that a cluster has to answer."""
TOKEN = "RAY_AUTH_TOKEN"  # noqa: S105 - a name


def import_ray(address: str | None) -> ModuleType:
    """Import Ray with its settings, which it reads then: no usage statistics, and a token for a new cluster.

    Raises:
        RetinaError: it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else tasks that ask for no GPU see none
    if address is None:
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ.setdefault(TOKEN, secrets.token_hex(32))
    return extras.require("ray", extra="ray", purpose="--engine ray")


@contextlib.contextmanager
def connected(ray: Any, address: str | None) -> Iterator[None]:  # noqa: ANN401 - the package
    """Connect to a cluster while the block lasts.

    Raises:
        RetinaError: it cannot be reached.
    """
    options: dict[str, Any] = {"log_to_driver": False, "configure_logging": True, "logging_level": "error"}
    if address is None:
        options |= {"include_dashboard": False}
    try:
        if address not in (None, "auto"):
            host, _, port = address.rpartition(":")
            socket.create_connection((host, int(port)), timeout=REACH).close()  # Ray itself would try for minutes
        with own_signals():
            ray.init(address=address or "local", **options)
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise RetinaError(
            "the Ray cluster cannot be reached" if address else "no Ray cluster can be started here",
            found=first_line(error),
            where=address,
            expected="auto, or HOST:PORT as `ray start --head` prints it" if address else None,
            advice="see `ray status`; one that asks for a token needs RAY_AUTH_MODE=token and RAY_AUTH_TOKEN here",
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


@contextlib.contextmanager
def own_signals() -> Iterator[None]:
    """Keep this process's handler of SIGTERM, which Ray would replace by its own."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        # Python lets no other thread set handlers.
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def as_one_line(ray: Any) -> Iterator[None]:  # noqa: ANN401 - the package
    """Turn the loss of a cluster into one helpful line."""
    try:
        yield
    except ray.exceptions.RayError as error:
        raise RetinaError(
            "the Ray cluster was lost",
            found=in_words(error),
            advice="type the same command again, on this cluster or another, to train what is left",
        ) from error


def in_words(error: Exception) -> str:
    """The message of one of Ray's errors, on one line; for a task's error, that of what was raised there."""
    cause = getattr(error, "cause", None) or error
    lines = str(cause).strip().splitlines() or [""]
    # What a task raised begins with the reason; Ray's own errors give it after a traceback.
    return f"{type(cause).__name__}: {lines[0] if cause is not error else lines[-1]}"
