"""Where, when and with what a run was trained, as its record has it: of its last session, and of those before."""

from dataclasses import dataclass

from retina.runs.reading import Count, LeftOut


@dataclass(frozen=True, kw_only=True)
class Git:
    """The commit of the code, 40 hexadecimal digits, and whether files had changed since."""

    commit: str | None = None
    dirty: bool = False


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Where and with what a run was trained: see `retina.machine.provenance.describe`.

    Args:
        kernels: The setting in `RETINA_KERNELS`; left out where that is the default.
    """

    python: str | None = None
    platform: str | None = None
    device: str | None = None
    device_name: str = "?"
    processor: str | None = None
    cores: int | None = None
    threads: int | None = None
    packages: dict[str, str]
    git: Git | None
    kernels: LeftOut[str] = None


@dataclass(frozen=True, kw_only=True)
class Timings:
    """Times (UTC, to the second, ISO 8601), durations in seconds, and the speed of the last session.

    Args:
        started: When the last session began.
        finished: When it ended.
        preparation_seconds: Reading, auditing and decoding the data, and the baselines.
        training_seconds: All epochs, and the features where there are any.
        prediction_seconds: Predicting validation and test.
        feature_seconds: Computing or reading the features of a frozen backbone.
        images_per_second: Training images, validation left out.
        waiting_share: Share of the training time that went into gathering images, 0-1.
        peak_memory_mib: The most memory that the process had, in MiB.
    """

    started: str
    finished: str | None = None
    preparation_seconds: float | None = None
    training_seconds: LeftOut[float] = None
    prediction_seconds: LeftOut[float] = None
    feature_seconds: LeftOut[float] = None
    images_per_second: LeftOut[float] = None
    waiting_share: LeftOut[float] = None
    peak_memory_mib: LeftOut[float] = None


@dataclass(frozen=True, kw_only=True)
class Session:
    """An earlier session of an interrupted run: its attempt, when it began, epochs until then, and where."""

    attempt: int
    started: str
    epochs_run: Count
    environment: Environment
