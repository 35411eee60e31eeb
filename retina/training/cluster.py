"""Runs on a Ray cluster: each is one plain task that wraps the same resumable run.

The run folder is the truth. Where all machines see the results folder, a run whose machine died goes on elsewhere from
its last checkpoint, and a study whose driver died goes on when the same command is typed again. Where they do not, a
finished run folder is brought back whole, and a run whose machine died begins again on another.
"""

import contextlib
import os
import secrets
import socket
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from retina import environment, extras, files, runs
from retina.errors import ExperimentError, RetinaError
from retina.training import job, remote
from retina.training.job import Job, Outcome
from retina.training.study import Engine

REACH = 10.0
"""Seconds that a cluster has to answer."""
GRACE = 10.0
"""Seconds that interrupted runs have to say so in their records."""
LOST_MACHINES = 3
"""How often a run may lose its machine before it counts as failed."""
MARK = ".study-"
TOKEN = "RAY_AUTH_TOKEN"  # noqa: S105 - a name


@contextlib.contextmanager
def engine(address: str | None, *, cpus: int | None, gpus: int | None, results: Path) -> Iterator[Engine]:
    """Connect to a Ray cluster, or start one of this machine alone, and yield an engine that trains there.

    A cluster started here asks for a token that is made for it, and shows no dashboard. For another, Ray itself reads
    the token from the environment, see https://docs.ray.io/en/latest/ray-security/token-auth.html.

    Args:
        address: The cluster's address, `auto` for one that runs on this machine; `None` to start one.
        cpus: CPUs of one run; `None` takes those of the smallest node.
        gpus: GPUs of one run; `None` takes one where every node has one.
        results: The results folder.

    Raises:
        RetinaError: Ray is not installed, the cluster cannot be reached, a machine of it has other code, or none has
            room for a run.
    """
    ray = imported(address)
    with connected(ray, address):
        nodes = living(ray)
        room = room_of(nodes, cpus, gpus)
        require_same_code(ray, nodes)
        with shared_mark(results) as mark:
            yield lambda jobs: submit(ray, jobs, room, mark)


def imported(address: str | None) -> ModuleType:
    """Ray, which reads its settings when it is imported: no statistics for its makers, and a token for a new cluster.

    Raises:
        RetinaError: it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    if address is None and TOKEN not in os.environ:
        os.environ |= {"RAY_AUTH_MODE": "token", TOKEN: secrets.token_hex(32)}
    return extras.require("ray", extra="ray", purpose="--engine ray")


@contextlib.contextmanager
def connected(ray: Any, address: str | None) -> Iterator[None]:  # noqa: ANN401 - the package
    """Be connected to a cluster while the block lasts.

    Raises:
        RetinaError: it cannot be reached.
    """
    options: dict[str, Any] = {"log_to_driver": False, "configure_logging": True, "logging_level": "error"}
    if address is None:
        options |= {"include_dashboard": False, "dashboard_host": "127.0.0.1", "_node_ip_address": "127.0.0.1"}
    try:
        if address not in (None, "auto"):
            host, _, port = address.rpartition(":")
            socket.create_connection((host, int(port)), timeout=REACH).close()  # Ray itself would try for minutes
        ray.init(address=address, **options)
    except (OSError, RuntimeError, ValueError) as error:
        raise RetinaError(
            "the Ray cluster cannot be reached" if address else "no Ray cluster can be started here",
            found=str(error).strip().partition("\n")[0],
            where=address,
            expected="auto, or HOST:PORT as `ray start --head` prints it" if address else None,
            advice="see `ray status`; one that asks for a token needs RAY_AUTH_MODE=token and RAY_AUTH_TOKEN here",
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def living(ray: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - the package
    """The machines of the cluster that can train: those with a CPU to give."""
    return [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= 1]


def room_of(nodes: Sequence[dict[str, Any]], cpus: int | None, gpus: int | None) -> dict[str, int]:
    """What one run asks of a machine.

    Raises:
        ExperimentError: no machine has that much.
    """
    offers = [{name: int(node["Resources"].get(name, 0)) for name in ("CPU", "GPU")} for node in nodes]
    smallest = {name: min((offer[name] for offer in offers), default=0) for name in ("CPU", "GPU")}
    wanted = {
        "CPU": smallest["CPU"] if cpus is None else cpus,
        "GPU": min(1, smallest["GPU"]) if gpus is None else gpus,
    }
    if not any(all(offer[name] >= wanted[name] for name in wanted) for offer in offers):
        raise ExperimentError(
            "no machine of the cluster has room for a run",
            expected=f"{wanted['CPU']} CPUs and {wanted['GPU']} GPUs on one of them",
            found="; ".join(f"{offer['CPU']} and {offer['GPU']}" for offer in offers) or "no machine with a CPU",
            advice="ask for less with --cpus and --gpus",
        )
    return {"num_cpus": wanted["CPU"], "num_gpus": wanted["GPU"]}


def require_same_code(ray: Any, nodes: Sequence[dict[str, Any]]) -> None:  # noqa: ANN401 - the package
    """Refuse a cluster whose machines would not train alike.

    Raises:
        RetinaError: a machine has another version of retina, or of a package that decides a result.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    ask = ray.remote(num_cpus=1, max_retries=0)(remote.introduce)
    asked = [
        ask.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)).remote()
        for node in nodes
    ]
    try:
        answers = ray.get(asked)
    except ray.exceptions.RayError as error:
        raise RetinaError(
            "a machine of the cluster cannot run retina",
            found=str(error).strip().rpartition("\n")[2],
            advice="install the same version of it, and of Python, on every machine",
        ) from error
    for host, code in answers:
        remote.refuse_other_code(environment.code(), code, host)


@contextlib.contextmanager
def shared_mark(results: Path) -> Iterator[str]:
    """Leave a file in the results folder, by which a machine sees whether it has the same; yields its name."""
    folder = runs.runs_folder(results)
    mark = folder / mark_name()
    with files.unwritable_is_one_line(mark):
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(f"{MARK}*"):  # by a driver that was killed
            with contextlib.suppress(FileNotFoundError):
                if time.time() - left.stat().st_mtime > files.STALE:
                    left.unlink()
        mark.touch()
    try:
        yield mark.name
    finally:
        mark.unlink(missing_ok=True)


def mark_name() -> str:
    """A name that no other study has."""
    return f"{MARK}{uuid.uuid4().hex}"


def submit(ray: Any, jobs: Sequence[Job], room: dict[str, int], mark: str) -> Iterator[Outcome]:  # noqa: ANN401
    """Train jobs on the cluster; outcomes come as they end."""
    task = ray.remote(**room, max_retries=LOST_MACHINES, retry_exceptions=False)(remote.perform)
    waiting = {}
    for item in jobs:
        if job.is_finished(item):
            yield Outcome(item.name, runs.Run(job.folder(item)).record()["status"], reused=True)
        else:
            waiting[task.options(name=item.name).remote(item, mark)] = item
    try:
        while waiting:
            (done,), _ = ray.wait(list(waiting), num_returns=1)
            yield outcome_of(ray, done, waiting.pop(done))
    finally:
        for reference in waiting:  # interrupted: each run writes that into its record
            ray.cancel(reference, force=False)
        if waiting:
            ray.wait(list(waiting), num_returns=len(waiting), timeout=GRACE)


def outcome_of(ray: Any, done: Any, item: Job) -> Outcome:  # noqa: ANN401 - the package, and a reference of its
    """What became of a task that has ended; a run folder that it sent takes its place in the results folder."""
    try:
        brought = ray.get(done)
        if brought.folder is not None:
            remote.unpack(brought.folder, job.folder(item))
    except (ray.exceptions.RayError, RetinaError) as error:
        words = str(error).strip().partition("\n")[0]
        return Outcome(item.name, "failed", error=f"{type(error).__name__}: {words}")
    return brought.outcome
