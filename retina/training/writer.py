"""Finished epochs are written to their run folder while the next one is trained."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager

import torch

from retina import environment
from retina.runs import Run
from retina.training import checkpoint
from retina.training.checkpoint import State, Values


class Writer(AbstractContextManager["Writer"]):
    """Writes one epoch at a time: its checkpoint, then the history, so that no epoch is in the history alone.

    Leaving the block waits for what is being written, however the block ends.

    Args:
        run: The run folder.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._stream = torch.cuda.Stream() if environment.device() == "cuda" else None
        self._pending: Future[None] | None = None

    def write(self, state: State, rows: Sequence[dict[str, float]], best_weights: Values) -> None:
        """Begin to write an epoch, once the one before stands; see `retina.training.checkpoint.save`.

        Raises:
            RetinaError: the epoch before could not be written.
        """
        self.finish()
        if self._stream is not None:
            self._stream.wait_stream(torch.cuda.current_stream())
        self._pending = self._thread.submit(self._write, state, list(rows), best_weights)

    def finish(self) -> None:
        """Wait until the epoch stands in the run folder.

        Raises:
            RetinaError: it could not be written.
        """
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()

    def _write(self, state: State, rows: Sequence[dict[str, float]], best_weights: Values) -> None:
        with torch.cuda.stream(self._stream):  # beside the training steps; no stream, no effect
            checkpoint.save(self.run, state, rows, best_weights)
        self.run.write_history(rows)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Wait; where the block ended well, tell what could not be written."""
        del error, trace
        self._thread.shutdown()
        if kind is None:
            self.finish()
