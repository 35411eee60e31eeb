"""Copy one file from a web server, and say in one line what went wrong where that fails."""

import http.client
import urllib.error
import urllib.request
from contextlib import AbstractContextManager
from ssl import SSLError
from typing import BinaryIO

from retina.errors import RetinaError, WeightsError, first_line
from retina.machine.progress import bar

TIMEOUT = 30.0
"""Seconds without an answer after which a server is given up."""
MEGABYTE = 1 << 20

# Everything that can go wrong between here and a server, a ValueError where its address or the length it announces is
# none; not OSError, which a full disk raises too.
NETWORK_ERRORS = (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError, SSLError, ValueError)


def copy(url: str, target: BinaryIO, *, megabytes: int, advice: str, quiet: bool = False) -> None:
    """Copy what a server answers into an open file, with a progress bar.

    Args:
        url: An http or https address.
        target: A file open for writing bytes.
        megabytes: Size of the file in MiB, for the bar.
        advice: What the user can do where the file cannot be fetched.
        quiet: Show no progress.

    Raises:
        WeightsError: the address is not http or https, or the server cannot be reached, refuses, stops answering or
            closes the connection early.
        OSError: the target cannot be written.
    """
    if not url.startswith(("http://", "https://")):
        raise WeightsError("weights are fetched from the web only", expected="http://... or https://...", found=url)
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:  # noqa: S310 - the scheme is checked above
            expected = int(answer.headers.get("Content-Length") or 0)
            received = _pour(answer, target, url.rpartition("/")[-1], megabytes, quiet=quiet)
    except NETWORK_ERRORS as error:
        raise WeightsError("weights cannot be fetched", found=_reason(error), where=url, advice=advice) from error
    # `read` with a size ends quietly where a connection breaks; only the length that the server announced shows it.
    if expected and received != expected:
        found = f"the connection broke after {received} of {expected} bytes"
        raise WeightsError("weights cannot be fetched", found=found, where=url, advice=advice)


def _pour(source: BinaryIO, target: BinaryIO, name: str, megabytes: int, *, quiet: bool) -> int:
    """Copy a stream to its end and return how many bytes came."""
    received = 0
    with bar(f"fetching {name}", megabytes, quiet=quiet, unit="MiB") as advance:
        while chunk := source.read(MEGABYTE):
            target.write(chunk)
            received += len(chunk)
            advance(1)
    return received


def _reason(error: Exception) -> str:
    """Why a server sent nothing, in a few words."""
    if isinstance(error, urllib.error.HTTPError):
        # It holds the server's answer, and with it the connection, open.
        error.close()
        return f"the server answers {error.code} {error.reason}"
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    return str(reason) or type(error).__name__


class FetchErrors(AbstractContextManager[None]):
    """Turns what the libraries raise where weights cannot be fetched into one line; other errors pass unchanged.

    Web clients raise OSError; Keras and KerasHub ValueError for a file of another digest and a preset that is not
    there, and Keras' `get_file` an Exception of no other type; kagglehub has types of its own, most of them under
    Exception.

    Args:
        source: Where the weights are published.

    Raises:
        WeightsError: when the block ends with such an error.
    """

    def __init__(self, source: str) -> None:
        self.source = source

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Raise the line, or let the error pass."""
        del trace
        if kind is None or issubclass(kind, RetinaError):
            return
        if kind is Exception or issubclass(kind, OSError | ValueError) or kind.__module__.startswith("kagglehub."):
            raise WeightsError(
                "weights cannot be fetched",
                found=first_line(error)[:200],
                where=self.source,
                advice="use --weights random, or the name of an earlier run",
            ) from error
