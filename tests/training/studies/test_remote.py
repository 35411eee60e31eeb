"""What a machine of a cluster does, as far as no cluster is needed."""

import dataclasses

import pytest
import torch

from retina.errors import RunError
from retina.machine import kept, provenance
from retina.runs import folder as runs
from retina.runs import lease
from retina.training.studies import job, remote


def test_a_folder_that_a_living_process_trains_in_is_not_replaced(tmp_path):
    folder, other = tmp_path / "run", tmp_path / "other"
    for place in (folder, other):
        place.mkdir()
    for name in runs.FILES:
        (other / name).write_text("new")
    content = remote.pack(other)
    with lease.take(folder), pytest.raises(RunError, match="cannot be replaced"):
        remote.unpack(content, folder)
    assert not list(folder.glob("*.csv"))
    remote.unpack(content, folder)
    assert {path.name: path.read_text() for path in folder.iterdir()} == dict.fromkeys(runs.FILES, "new")


@pytest.mark.usefixtures("network")
def test_a_machine_that_does_not_see_the_results_trains_in_its_cache_and_sends_the_folder(planned):
    (plan,) = planned("resnet18")
    item = job.job_of(plan)
    brought = remote.perform(item, ".results-that-no-machine-sees", torch.get_num_threads())
    assert brought.outcome.status == "completed"
    assert not plan.run.folder.exists()
    remote.unpack(brought.folder, plan.run.folder)
    assert plan.run.record().digest == plan.digest
    own = remote.local_job(item, ".results-that-no-machine-sees")
    assert own.place.results == kept.cache_folder() / "cluster"
    assert own.folder.is_dir()


@pytest.mark.usefixtures("network")
def test_a_machine_that_sees_the_results_trains_there_and_sends_nothing(planned, tmp_path):
    (plan,) = planned("resnet18")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / ".results-mark").touch()
    brought = remote.perform(job.job_of(plan), ".results-mark", torch.get_num_threads())
    assert (brought.outcome.status, brought.folder) == ("completed", None)
    assert plan.run.record().digest == plan.digest


def test_a_machine_with_other_code_or_other_data_says_so_with_its_name(planned):
    (plan,) = planned("resnet18")
    item = job.job_of(plan)
    assert remote.check_machine([item], "") is None
    for change, words in (({"code": item.code | {"torch": "1.0"}}, "torch 1.0"), ({"fingerprint": "0" * 64}, "0000")):
        problem = remote.check_machine([dataclasses.replace(item, **change)], "")
        assert provenance.host() in problem.found
        assert words in str(problem)
