"""Runs on a real Ray cluster of several nodes on this machine: the same results, whatever dies in the middle."""

import dataclasses
import json
import os
import secrets
import signal
import subprocess
import sys
import time

import pytest
import torch
from small_runs import SMALL, outcome
from small_studies import members

from retina import PACKAGE
from retina.errors import ExperimentError, RetinaError
from retina.experiments.place import Place
from retina.machine import provenance
from retina.runs import folder as runs
from retina.runs import lease
from retina.training.studies import agenda, engines, job, remote

for name, value in (
    ("RAY_AUTH_MODE", "token"),
    ("RAY_AUTH_TOKEN", secrets.token_hex(32)),
    ("RAY_USAGE_STATS_ENABLED", "0"),
    ("RAY_health_check_initial_delay_ms", "1000"),
    ("RAY_health_check_period_ms", "1000"),
    ("RAY_health_check_failure_threshold", "10"),
):
    os.environ.setdefault(name, value)  # Ray reads them when it is imported
ray = pytest.importorskip("ray")
from retina.training.studies import cluster  # noqa: E402 - after Ray's settings

ROOT = PACKAGE.parent
LONG = {"epochs": 6}
pytestmark = [
    pytest.mark.extra,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("default"),  # Ray's own
]


@pytest.fixture(scope="module")
def machines(tmp_path_factory):
    """A cluster of a head that trains nothing and two nodes of one CPU each; a token is asked for."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    nodes = [made.add_node(num_cpus=1) for _ in range(2)]
    yield made, nodes
    ray.shutdown()
    made.shutdown()


def plans_of(data, results, *seeds, **options):
    return agenda.plans(
        [member for seed in seeds for member in members("resnet18", **(options | {"seed": seed}))],
        Place(results, data, quiet=True),
    )


TWO = (0, 1)


@pytest.fixture(scope="module")
def expected(tiny_set, tmp_path_factory):
    """What the local engine makes of two runs, with one thread as on the nodes."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    plans = plans_of(tiny_set, tmp_path_factory.mktemp("local"), *TWO, **LONG)
    assert all(item.finished for item in engines.run(plans, engines.here(), lambda _: None))
    torch.set_num_threads(before)
    return [outcome_aside(plan) for plan in plans]


def outcome_aside(plan):
    """The outcome of a run; of where it was trained, only the threads, which decide the last digits."""
    result = outcome(plan.run)
    result["record"]["environment"] = {"threads": result["record"]["environment"]["threads"]}
    return result


def assert_as_expected(plans, expected):
    """Part by part, so that a difference can be read."""
    for plan, wanted in zip(plans, expected, strict=True):
        result = outcome_aside(plan)
        for name, value in wanted["record"].items():
            assert result["record"][name] == value, name
        for name, value in wanted.items():
            assert result[name] == value, name


def wait_for(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


def epochs(plan):
    path = plan.run.history_path
    return len(path.read_text().splitlines()) - 1 if path.is_file() else 0


def test_a_node_that_is_killed_costs_its_runs_one_epoch_and_the_records_are_those_of_one_machine(
    machines, tiny_set, tmp_path, expected
):
    made, nodes = machines
    plans = plans_of(tiny_set, tmp_path, *TWO, **LONG)
    with cluster.engine(made.address, cpus=1, gpus=None, results=tmp_path) as engine:
        import threading

        def kill():
            wait_for(lambda: all(map(epochs, plans)))
            made.remove_node(nodes.pop(), allow_graceful=False)  # from here on the other trains alone

        killer = threading.Thread(target=kill)
        killer.start()
        outcomes = engines.run(plans, engine, lambda _: None)
        killer.join()
        assert [(item.status, item.error) for item in outcomes] == [("completed", None)] * 2
        again = engines.run(plans, engine, lambda _: None)
        assert [item.reused for item in again] == [True, True]
    sessions = [plan.run.record().sessions for plan in plans]
    assert sorted(map(len, sessions)) == [0, 1], "one of the two lost its machine and went on"
    assert max(sessions, key=len)[0].epochs_run >= 1
    assert_as_expected(plans, expected)
    assert len(list(runs.runs_folder(tmp_path).glob(".*"))) == 1, "the mark of the results folder, and no other"


def test_a_driver_that_is_killed_goes_on_when_the_same_command_is_typed(machines, tiny_set, tmp_path, expected):
    made, _ = machines
    path = tmp_path / "two.toml"
    path.write_text('seeds = [0, 1]\n[[runs]]\nbackbone = "resnet18"\n', encoding="utf-8")
    words = ["study", path, "--engine", "ray", "--address", made.address, "--cpus", 1, "--data", tiny_set]
    words += ["--results", tmp_path, "--json", "--epochs", 6]
    words += [f"--{name.replace('_', '-')}={value}" for name, value in SMALL.items() if name != "epochs"]
    command = [sys.executable, str(ROOT / "cli.py"), *map(str, words)]
    plans = plans_of(tiny_set, tmp_path, *TWO, **LONG)
    driver = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
    wait_for(lambda: any(map(epochs, plans)))
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert [item["status"] for item in said["runs"]] == ["completed"] * 2
    assert said["comparison"]["out"] == str(tmp_path / "studies" / "two")
    assert_as_expected(plans, expected)


def threads_of_a_new_process():
    code = "import torch; print(torch.get_num_threads())"
    own = {name: value for name, value in os.environ.items() if not name.startswith("OMP_")}
    return int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=own).stdout)


def test_without_an_address_a_cluster_of_this_machine_alone_is_started_and_ended(tiny_set, tmp_path):
    path = tmp_path / "one.toml"
    path.write_text('[[runs]]\nbackbone = "resnet18"\n', encoding="utf-8")
    words = ["study", path, "--engine", "ray", "--data", tiny_set, "--results", tmp_path, "--json"]
    words += ["--weights", "random", "--image-size", 64, "--epochs", 1]
    command = [sys.executable, str(ROOT / "cli.py"), *map(str, words)]
    own = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "OMP_"))}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=own)
    assert done.returncode == 0, done.stderr
    assert [item["status"] for item in json.loads(done.stdout)["runs"]] == ["completed"]
    assert "Unauthenticated" not in done.stderr
    (run,) = runs.list_runs(tmp_path)
    assert run.record().environment.threads == threads_of_a_new_process()


def test_ctrl_c_is_written_into_the_records_of_the_runs_under_way(machines, tiny_set, tmp_path):
    made, _ = machines
    (plan,) = plans_of(tiny_set, tmp_path, 0, epochs=60)

    def run():
        with cluster.engine(made.address, cpus=1, gpus=None, results=tmp_path) as engine:
            outcomes = engine.train([plan])
            import _thread
            import threading

            waiting = threading.Thread(target=lambda: (wait_for(lambda: epochs(plan)), _thread.interrupt_main()))
            waiting.start()
            list(outcomes)

    with pytest.raises(KeyboardInterrupt):
        run()
    wait_for(lambda: lease.holder_of(plan.run.folder) is None)
    assert plan.run.record().status == "interrupted"


def test_where_the_results_are_not_shared_a_finished_folder_is_brought_back_whole(
    machines, tiny_set, tmp_path, monkeypatch, expected
):
    made, _ = machines
    plans = plans_of(tiny_set, tmp_path, *TWO, **LONG)
    half = plans[1].run.folder
    half.mkdir(parents=True)
    (half / "history.csv").write_text("what an earlier attempt left")
    monkeypatch.setattr(cluster, "mark_of", lambda results: ".results-that-no-machine-sees")
    with cluster.engine(made.address, cpus=1, gpus=0, results=tmp_path) as engine:
        outcomes = engines.run(plans, engine, lambda _: None)
    assert [(item.status, item.error) for item in outcomes] == [("completed", None)] * 2
    assert_as_expected(plans, expected)


def with_other_data(plan):
    return dataclasses.replace(plan, data=dataclasses.replace(plan.data, fingerprint="0" * 64))


def from_other_weights(plan):
    return dataclasses.replace(plan, digest="0" * 64)


@pytest.mark.parametrize(
    ("change", "words"), [(with_other_data, "the data differ"), (from_other_weights, "the starting weights")]
)
def test_other_data_on_a_machine_are_refused_before_training_and_named(machines, tiny_set, tmp_path, change, words):
    made, _ = machines
    (plan,) = plans_of(tiny_set, tmp_path, 0)
    (larger,) = plans_of(tiny_set, tmp_path, 1, image_size=72)
    with (
        cluster.engine(made.address, cpus=1, gpus=None, results=tmp_path) as engine,
        pytest.raises(RetinaError, match=f"{words} .*on {provenance.host()}"),
    ):
        list(engine.train([plan, change(larger)]))
    assert runs.list_runs(tmp_path) == []


def test_other_code_on_a_machine_is_refused_before_training(machines, tiny_set, tmp_path, monkeypatch):
    made, _ = machines
    (plan,) = plans_of(tiny_set, tmp_path, 0)
    item = job.job_of(plan)
    other = dataclasses.replace(item, code=item.code | {"torch": "1.0"})
    brought = remote.perform(other, "", 1)
    assert "the code differs between machines" in brought.outcome.error
    monkeypatch.setattr(cluster.job, "job_of", lambda *_, **__: other)
    with (
        cluster.engine(made.address, cpus=1, gpus=None, results=tmp_path) as engine,
        pytest.raises(
            RetinaError, match=f"the code differs between machines: nothing .*torch.* on {provenance.host()}"
        ),
    ):
        list(engine.train([plan]))
    assert runs.list_runs(tmp_path) == []


@pytest.mark.parametrize(("cpus", "gpus"), [(64, None), (1, 1)])
def test_a_run_that_no_machine_has_room_for_is_one_line(machines, tmp_path, cpus, gpus):
    made, _ = machines
    with (
        pytest.raises(ExperimentError, match="no machine of the cluster has room for a run"),
        cluster.engine(made.address, cpus=cpus, gpus=gpus, results=tmp_path),
    ):
        pass


def test_as_many_runs_are_trained_abreast_as_have_room():
    nodes = [{"Resources": {"CPU": 5.0, "GPU": 1.0}}, {"Resources": {"CPU": 2.0}}]
    assert cluster.parallel_runs(nodes, {"num_cpus": 2, "num_gpus": 0}) == 3
    assert cluster.parallel_runs(nodes, {"num_cpus": 2, "num_gpus": 1}) == 1


@pytest.mark.parametrize("address", ["127.0.0.1:9", "127.0.0.1:x", "nowhere"])
def test_a_cluster_that_is_not_there_is_one_line(tmp_path, address):
    with (
        pytest.raises(RetinaError, match="the Ray cluster cannot be reached"),
        cluster.engine(address, cpus=None, gpus=None, results=tmp_path),
    ):
        pass
