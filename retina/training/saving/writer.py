"""Finished epochs are written to their run folder while the next one is trained."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager

import torch

from retina.errors import RetinaError
from retina.machine import device, signals
from retina.runs.folder import Run
from retina.training.saving import checkpoint
from retina.training.saving.checkpoint import State, Values


class Writer(AbstractContextManager["Writer"]):
    """Writes one epoch at a time: its checkpoint, then the history, so that no epoch is in the history alone.

    On a GPU an epoch can take less time than writing one. There training does not wait: epochs that end while an
    earlier one is written are written together, with the checkpoint of the last. Elsewhere each has its own.

    Leaving the block waits for what is still to be written, however the block ends.

    Args:
        run: The run folder.
        waits: Every epoch waits until the one before is written; by default where no GPU trains.
    """

    def __init__(self, run: Run, *, waits: bool | None = None) -> None:
        on_gpu = device.device() == "cuda"
        self.run = run
        self.waits = not on_gpu if waits is None else waits
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._stream = torch.cuda.Stream() if on_gpu else None
        self._lock = threading.Lock()
        self._newest: tuple[State, Sequence[dict[str, float]], Values] | None = None
        self._pending: Future[None] | None = None

    def write(self, state: State, rows: Sequence[dict[str, float]], best_weights: Values) -> None:
        """Hand over an epoch to be written; see `retina.training.saving.checkpoint.save`.

        Raises:
            RetinaError: an epoch before could not be written.
        """
        # A writing that has ended is looked at too, so that its error ends training now and not at the end.
        if self.waits or (self._pending is not None and self._pending.done()):
            self.finish()
        if self._stream is not None:
            # The copies in `state` are made on the stream that trains; here they are read on another.
            self._stream.wait_stream(torch.cuda.current_stream())
        with self._lock:
            self._newest = state, list(rows), best_weights
        if self._pending is None:
            self._pending = self._thread.submit(self._write_pending)

    def finish(self) -> None:
        """Wait until all epochs are in the run folder.

        Raises:
            RetinaError: one could not be written.
        """
        while self._pending is not None:
            pending, self._pending = self._pending, None
            pending.result()
            # It came after the thread had looked for the last time.
            if self._newest is not None:
                self._pending = self._thread.submit(self._write_pending)

    def _write_pending(self) -> None:
        """Write the newest epoch, and again while there is a newer one."""
        while (newest := self._take()) is not None:
            state, rows, best_weights = newest
            with torch.cuda.stream(self._stream):  # beside the training steps; no stream, no effect
                checkpoint.save(self.run, state, rows, best_weights)
            self.run.write_history(rows)

    def _take(self) -> tuple[State, Sequence[dict[str, float]], Values] | None:
        """Take what is to be written next, so that it is written once."""
        with self._lock:
            newest, self._newest = self._newest, None
        return newest

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Wait. Where the block ended well, an error of writing is raised; otherwise the block's own error is."""
        del error, trace
        # Another process may take the run over once this block is left: no write may be under way then.
        with signals.undisturbed():
            try:
                self.finish()
            except RetinaError:
                if kind is None:
                    raise
            finally:
                self._thread.shutdown()
