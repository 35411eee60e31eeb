"""Disasters in a process of its own: each is a forked child, so that imports and data are paid for once.

    python tests/support/disasters.py SCENARIO DATA RESULTS [OPTIONS as JSON]

The scenario's findings go to stdout as one JSON object. Nothing multi-threaded runs before a fork: the environment of
the caller sets one thread for BLAS and OpenMP.
"""

import builtins
import contextlib
import errno
import gc
import io
import json
import os
import random
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path

import torch
from small_runs import moved, outcome, planned, small_network

import retina.analysis.comparing.summary  # noqa: F401 - imported once, not in every child
from retina import cli
from retina.errors import RetinaError
from retina.machine import provenance
from retina.runs import folder as runs
from retina.runs.record import STATUSES
from retina.training import execution

QUICK = ["--weights", "random", "--image-size", "64", "--batch-size", "8", "--learning-rate", "1e-3", "--quiet"]
PATIENCE = 120


class Points:
    """Counts the moments before and after everything that a program does to files below a folder, and acts at one.

    Args:
        below: The folder.
        at: The number of the moment, from 1; 0 for none.
        act: What happens then, and at every moment after it; it is told the moment's name.
    """

    CALLS = ("fsync", "replace", "rename", "unlink", "remove", "mkdir", "rmdir", "link")

    def __init__(self, below, at=0, act=lambda name: None):
        self.below = str(below)
        self.at = at
        self.act = act
        self.names = []
        self.open = io.open
        io.open = builtins.open = self.opened
        for name in self.CALLS:
            setattr(os, name, self.watched(name, getattr(os, name)))

    def reach(self, name):
        self.names.append(name)
        if self.at and len(self.names) >= self.at:
            self.act(name)

    def concerns(self, argument, dir_fd=None):
        if isinstance(argument, int) or dir_fd is not None:
            with contextlib.suppress(OSError):
                descriptor = argument if isinstance(argument, int) else dir_fd
                return str(Path(f"/proc/self/fd/{descriptor}").readlink()).startswith(self.below)
            return False
        return isinstance(argument, str | os.PathLike) and os.fspath(argument).startswith(self.below)

    def watched(self, name, call):
        def watching(*arguments, **named):
            concerned = self.concerns(arguments[0], named.get("dir_fd"))
            where = " to ".join(str(item) for item in arguments if isinstance(item, str | os.PathLike))
            if concerned:
                self.reach(f"before {name} {where}")
            result = call(*arguments, **named)
            if concerned:
                self.reach(f"after {name} {where}")
            return result

        return watching

    def opened(self, file, mode="r", *arguments, **named):
        stream = self.open(file, mode, *arguments, **named)
        if set(mode) & set("wxa+") and self.concerns(file):
            self.reach(f"opened {file}")
            return Written(stream, self, str(file))
        return stream


class Written:
    """A file that is written: there is a moment in the middle of its first write, and one when it is closed."""

    def __init__(self, stream, points, name):
        self.stream, self.points, self.name, self.begun = stream, points, name, False

    def write(self, content):
        if self.begun or len(content) < 2:
            return self.stream.write(content)
        self.begun = True
        half = len(content) // 2
        self.stream.write(content[:half])
        self.stream.flush()
        self.points.reach(f"half of {self.name}")
        return half + self.stream.write(content[half:])

    def close(self):
        if not self.stream.closed:
            self.stream.close()
            self.points.reach(f"closed {self.name}")

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def __iter__(self):
        return iter(self.stream)


def forked(work):
    """Run work in a child; what it returns, or the negative number of the signal that ended it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            answer = work()
        except BaseException:  # noqa: BLE001 - whatever it is, the parent is told
            answer = {"traceback": traceback.format_exc()}
        os.write(writing, json.dumps(answer).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        said = stream.read()
    _, status = os.waitpid(child, 0)
    return json.loads(said) if said else -os.WTERMSIG(status)


def trained(prepared, results, *, force=False):
    def work():
        run, _ = execution.execute(moved(prepared, results), force=force, build=small_network)
        return outcome(run)

    return work


def quickly_planned(data, results):
    """A plan of a small network, and what it asks the machine asked once."""
    described = provenance.describe()
    provenance.describe = lambda *_: described
    return planned(data, results, batch_size=8, epochs=2, learning_rate=1e-2)


def killed_everywhere(data, results, options):
    """Kill a run at every moment of every write, start it again, and compare.

    With `force` it is one that is trained again, and killed until its first epoch is saved: what follows is the same.
    """
    prepared = quickly_planned(data, results)
    undisturbed = forked(trained(prepared, results / "undisturbed"))
    force = options.get("force", False)

    def make_ready(place):
        shutil.rmtree(place, ignore_errors=True)
        if force:
            shutil.copytree(results / "undisturbed", place)

    def counting():
        make_ready(results / "counted")
        points = Points(results / "counted")
        trained(prepared, results / "counted", force=force)()
        return points.names

    moments = forked(counting)
    if force:
        moments = moments[: next(at for at, name in enumerate(moments) if "state-0001" in name)]
    chosen, lost = range(1 + options["part"], len(moments) + 1, options["parts"]), []
    for at in chosen:
        place = results / "killed"
        make_ready(place)

        def killing(place=place, at=at):
            Points(place, at, lambda _: os.kill(os.getpid(), signal.SIGKILL))
            return trained(prepared, place, force=force)()

        ended = forked(killing)
        again = forked(trained(prepared, place))
        if ended != -signal.SIGKILL or again != undisturbed:
            lost.append([moments[at - 1], ended, again])
    return {"moments": moments, "killed": len(chosen), "lost": lost}


def full_disk_everywhere(data, results, options):
    """Let a disk refuse from each write on, full or with another `errno`, start the run again later, and compare."""
    number = options.get("errno", errno.ENOSPC)
    prepared = quickly_planned(data, results)
    undisturbed = forked(trained(prepared, results / "undisturbed"))

    def counting():
        points = Points(results / "counted")
        trained(prepared, results / "counted")()
        return points.names

    moments = forked(counting)
    names = ("before fsync", "before replace", "before mkdir", "before link", "opened", "half of")
    places = [at for at, name in enumerate(moments, 1) if name.startswith(names)][options["part"] :: options["parts"]]
    wrong = []
    for at in places:
        place = results / "full"
        shutil.rmtree(place, ignore_errors=True)

        def failing(place=place, at=at):
            def full(name):
                if name.startswith(names):
                    raise OSError(number, os.strerror(number))

            points = Points(place, at, full)
            try:
                execution.execute(moved(prepared, place), build=small_network)
            except RetinaError as error:
                made = runs.list_runs(place)
                points.at = 0
                return {"line": str(error), "status": made[0].record().status if made else None}
            return {"line": "", "status": "no error"}

        failed = forked(failing)
        again = forked(trained(prepared, place))
        told = os.strerror(number) in failed.get("line", "") and failed["status"] in (None, *STATUSES)
        if not told or again != undisturbed:
            wrong.append([moments[at - 1], failed, again])
    return {"faults": len(places), "wrong": wrong}


def killed_at_random(data, results, options):
    """Kill real runs of the command line at random instants, type them again, and compare."""
    rng = random.Random(options["part"])  # noqa: S311 - no secret
    kills, lost, finished, resumed = 0, [], 0, 0
    combinations, known = options["combinations"], {}
    while kills < options["kills"] / options["parts"]:
        words = combinations[(options["part"] + finished * options["parts"]) % len(combinations)]
        command = ["run", *words, "--data", str(data), *QUICK, "--results"]
        if tuple(words) not in known:
            began = time.monotonic()
            undisturbed = forked(commanded([*command, str(results / f"{finished}-undisturbed")]))
            known[tuple(words)] = undisturbed, time.monotonic() - began
        undisturbed, duration = known[tuple(words)]
        place, attempts = results / f"{finished}-killed", 0
        while True:
            ended = forked_and_killed(commanded([*command, str(place)]), rng.uniform(0.02, 1.0) * duration)
            if ended != -signal.SIGKILL:
                break
            kills, attempts = kills + 1, attempts + 1
            resumed += any(path.stat().st_size for path in place.glob("runs/*/checkpoint/*.json"))
            if attempts >= options.get("attempts", 4):
                ended = forked(commanded([*command, str(place)]))
                break
        if ended != undisturbed:
            lost.append([words, ended, undisturbed])
        finished += 1
    return {"kills": kills, "runs": finished, "resumed": resumed, "lost": lost}


def commanded(words):
    """The command line itself, and what it left."""

    def work():
        try:
            with contextlib.redirect_stdout(sys.stderr):
                cli.main(words, standalone_mode=False)
        except BaseException as error:  # noqa: BLE001 - told to the parent
            return {"error": repr(error), "words": str(error)}
        return outcome(runs.list_runs(Path(words[-1]))[0])

    return work


def forked_and_killed(work, after):
    """Run work in a child that is killed after some seconds, if it lives so long."""
    reading, writing = os.pipe()
    killer = os.fork()
    if killer == 0:
        os.close(reading)
        child = os.fork()
        if child == 0:
            answer = work()
            os.write(writing, json.dumps(answer).encode())
            os._exit(0)
        os.close(writing)
        deadline = time.monotonic() + after
        while time.monotonic() < deadline:
            if os.waitpid(child, os.WNOHANG)[0]:
                os._exit(0)
            time.sleep(0.002)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        said = stream.read()
    os.waitpid(killer, 0)
    return json.loads(said) if said else -signal.SIGKILL


SCENARIOS = {
    "killed-everywhere": killed_everywhere,
    "full-disk": full_disk_everywhere,
    "killed-at-random": killed_at_random,
}

if __name__ == "__main__":
    torch.set_num_threads(1)
    gc.freeze()  # so that children do not copy the pages of all that is imported
    scenario, data, results, *options = sys.argv[1:]
    found = SCENARIOS[scenario](Path(data), Path(results), json.loads(options[0]) if options else {})
    print(json.dumps(found))  # noqa: T201 - the answer
