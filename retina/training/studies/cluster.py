"""Runs on a Ray cluster: each is one task that trains a resumable run.

The run folder alone says how far a run is. Where all machines see the results folder, a run whose machine died resumes
elsewhere from its last checkpoint, and a study whose driver died resumes when the same command is typed again. Where
they do not, a finished run folder is sent back whole, and a run whose machine died begins again on another.
"""

import contextlib
import uuid
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from retina.errors import ExperimentError, RetinaError
from retina.machine import files
from retina.runs import folder as runs
from retina.training.plan import Plan
from retina.training.studies import connection, job, outcome, remote
from retina.training.studies.engines import Engine
from retina.training.studies.job import Job
from retina.training.studies.outcome import Outcome

GRACE = 10.0
"""Seconds that interrupted runs have to say so in their records."""
LOST_MACHINES = 3
"""How often a run may lose its machine before it counts as failed."""
MARK = ".results-"


@contextlib.contextmanager
def engine(
    address: str | None, *, cpus: int | None, gpus: int | None, results: Path, track: str | None = None
) -> Iterator[Engine]:
    """Connect to a Ray cluster, or start one of this machine alone, and yield an engine that trains there.

    A cluster started here asks for a token of its own and shows no dashboard. For another, Ray itself reads
    the token from the environment, see https://docs.ray.io/en/latest/ray-security/token-auth.html.

    Alone on this machine a run has the threads that the local engine would have, and so the same last digits.

    Args:
        address: The cluster's address, `auto` for one that runs on this machine; `None` to start one.
        cpus: CPUs of one run; `None` takes those of the smallest node.
        gpus: GPUs of one run; `None` takes one where every node has one.
        results: The results folder.
        track: A tracker to show runs in, see `retina.training.tracking.follow`.

    Raises:
        RetinaError: Ray is not installed, the cluster cannot be reached, a machine of it has other code, or none has
            room for a run.
    """
    ray = connection.import_ray(address)
    if address is None and cpus is None:
        cpus = torch.get_num_threads()
    with connection.connected(ray, address), connection.as_one_line(ray):
        nodes = nodes_with_cpus(ray)
        room = room_of(nodes, cpus, gpus)
        mark = mark_of(results)
        tasks = Tasks(ray, nodes, room, mark, track)
        yield Engine(tasks.train, parallel_runs=parallel_runs(nodes, room))


def nodes_with_cpus(ray: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - the package
    """The machines of the cluster that can train: those with a CPU to give."""
    return [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= 1]


def room_of(nodes: Sequence[dict[str, Any]], cpus: int | None, gpus: int | None) -> dict[str, int]:
    """What one run asks of a machine.

    Raises:
        ExperimentError: no machine has that much.
    """
    offers = [{name: int(node["Resources"].get(name, 0)) for name in ("CPU", "GPU")} for node in nodes]
    smallest = {name: min((offer[name] for offer in offers), default=0) for name in ("CPU", "GPU")}
    request = {
        "CPU": smallest["CPU"] if cpus is None else cpus,
        "GPU": min(1, smallest["GPU"]) if gpus is None else gpus,
    }
    if not any(all(offer[name] >= request[name] for name in request) for offer in offers):
        raise ExperimentError(
            "no machine of the cluster has room for a run",
            expected=f"{request['CPU']} CPUs and {request['GPU']} GPUs on one of them",
            found="; ".join(f"{offer['CPU']} and {offer['GPU']}" for offer in offers) or "no machine with a CPU",
            advice="ask for less with --cpus and --gpus",
        )
    return {"num_cpus": request["CPU"], "num_gpus": request["GPU"]}


def parallel_runs(nodes: Sequence[dict[str, Any]], room: dict[str, int]) -> int:
    """How many runs have room at a time."""
    needs = {"CPU": room["num_cpus"], "GPU": room["num_gpus"]}
    return sum(
        min(int(node["Resources"].get(name, 0) // need) for name, need in needs.items() if need) for node in nodes
    )


def mark_of(results: Path) -> str:
    """The name of a file that only this results folder has, by which a machine sees whether it shares the folder.

    Raises:
        RetinaError: the folder cannot be written.
    """
    folder = runs.runs_folder(results)
    with files.unwritable_is_one_line(folder):
        folder.mkdir(parents=True, exist_ok=True)
        earlier = min(folder.glob(f"{MARK}*"), default=None)
        mark = earlier or folder / f"{MARK}{uuid.uuid4().hex}"
        mark.touch()
    return mark.name


@dataclass(frozen=True)
class Tasks:
    """Runs as tasks of a cluster.

    Args:
        ray: The package.
        nodes: The machines that can train.
        room: What one run asks of a machine, see `room_of`.
        mark: See `mark_of`.
        track: A tracker to show runs in, see `retina.training.tracking.follow`.
    """

    ray: Any
    nodes: Sequence[dict[str, Any]]
    room: dict[str, int]
    mark: str
    track: str | None

    def train(self, plans: Sequence[Plan]) -> Generator[Outcome, None, None]:
        """Train runs on the cluster; outcomes come as they end."""
        jobs = []
        for plan in plans:
            if before := outcome.finished_before(plan):
                yield before
            else:
                jobs.append(job.job_of(plan, track=self.track))
        if not jobs:
            return
        self.require_alike(jobs)
        # Ray tries again where a machine was lost; what goes wrong in a run is its outcome, and `engines.run` tries
        # that again.
        task = self.ray.remote(**self.room, max_retries=LOST_MACHINES, retry_exceptions=False)(remote.perform)
        waiting: dict[Any, Job] = {}
        try:
            for item in jobs:
                waiting[task.options(name=item.name).remote(item, self.mark, self.room["num_cpus"])] = item
            while waiting:
                (done,), _ = self.ray.wait(list(waiting), num_returns=1)
                yield self.outcome_of(done, waiting.pop(done))
        finally:
            for reference in waiting:  # interrupted: each run writes that into its record
                self.ray.cancel(reference, force=False)
            if waiting:
                self.ray.wait(list(waiting), num_returns=len(waiting), timeout=GRACE)

    def require_alike(self, jobs: Sequence[Job]) -> None:
        """Refuse a cluster whose machines would not train alike, before any of them trains.

        Every machine prepares the data of every kind of job, which it keeps for its runs.

        Raises:
            RetinaError: a machine has another version of retina or of a package that decides a result, other data, or
                other starting weights.
        """
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        kinds = list({item.kind: item for item in jobs}.values())
        # No CPU is asked for, so that a machine whose CPUs are all taken answers too.
        ask = self.ray.remote(num_cpus=0, max_retries=0, max_calls=1)(remote.check_machine)
        # Not soft: the answer has to come from this machine, or be an error.
        places = [NodeAffinitySchedulingStrategy(node["NodeID"], soft=False) for node in self.nodes]
        answers = [ask.options(scheduling_strategy=place).remote(kinds, self.mark) for place in places]
        for node, answer in zip(self.nodes, answers, strict=True):
            try:
                problem = self.ray.get(answer)
            except self.ray.exceptions.RayError as error:
                raise RetinaError(
                    "a machine of the cluster cannot run retina",
                    found=connection.in_words(error),
                    where=node["NodeManagerHostname"],
                    advice="install the same version of it, and of Python, on every machine",
                ) from error
            if problem is not None:
                raise problem

    def outcome_of(self, reference: Any, item: Job) -> Outcome:  # noqa: ANN401 - Ray's
        """The outcome of a task that has ended; a run folder that it sent is put into the results folder."""
        try:
            answer = self.ray.get(reference)
            if answer.folder is not None:
                remote.unpack(answer.folder, item.folder)
        except RetinaError as error:
            return Outcome(item.name, "failed", error=str(error))
        except self.ray.exceptions.RayError as error:
            return Outcome(item.name, "failed", error=connection.in_words(error))
        return answer.outcome
