"""A run as it is sent to another process or machine: all that its plan must be there, and nothing else."""

import dataclasses
import pickle
from pathlib import Path

import pytest
from small_studies import members

from retina.experiments.place import Place
from retina.machine import provenance
from retina.training.studies import agenda, job

pytestmark = pytest.mark.usefixtures("network")


def test_a_job_is_sent_whole_and_planned_anew_it_is_the_same_run(planned):
    (plan,) = planned("resnet18")
    item = job.job_of(plan, track="mlflow")
    assert pickle.loads(pickle.dumps(item)) == item  # noqa: S301 - our own
    assert item.track == "mlflow"
    assert item.folder == plan.run.folder
    there = job.plan_of(item)
    assert (there.name, there.digest) == (plan.name, plan.digest)
    assert job.plan_of(dataclasses.replace(item)).data is there.data, "read once in a process"


def test_folders_are_absolute_and_the_built_in_set_is_drawn_by_each_machine(tiny_set, tmp_path, monkeypatch):
    monkeypatch.chdir(tiny_set.parent)
    (plan,) = agenda.plans(members("resnet18"), Place(Path("r"), Path(tiny_set.name)))
    item = job.job_of(plan)
    assert item.place == Place(tiny_set.parent / "r", tiny_set, quiet=True)
    assert item.home == tiny_set.parent
    builtin = dataclasses.replace(plan, place=Place(tmp_path))
    assert job.job_of(builtin).place.data is None
    monkeypatch.setenv("RETINA_DATA", str(tiny_set))
    assert job.job_of(builtin).place.data == tiny_set


def test_the_packages_that_must_agree_are_those_of_every_run_and_of_the_backbone(planned):
    (plan,) = planned("keras:MobileNetV3Small")
    item = job.job_of(plan)
    assert set(item.packages) == {*provenance.PACKAGES, *plan.backbone.facts.packages}
    assert item.code == provenance.code(item.packages)


def test_other_data_than_the_study_was_planned_for_are_refused(planned):
    (plan,) = planned("resnet18")
    item = job.job_of(plan)
    for change, words in (({"fingerprint": "0" * 64}, "data differ"), ({"digest": "0" * 64}, "weights differ")):
        outcome = job.perform(dataclasses.replace(item, **change))
        assert outcome.status == "failed"
        assert words in outcome.error
        assert provenance.host() in outcome.error
        assert not item.folder.exists()


def test_a_job_is_trained_and_then_reused(planned):
    (plan,) = planned("resnet18")
    assert job.perform(job.job_of(plan)).status == "completed"
    assert job.perform(job.job_of(plan)).reused


def test_jobs_of_two_targets_are_of_two_kinds(planned):
    """Each kind is planned once, and its labels are read."""
    (plan,) = planned("resnet18")
    item = job.job_of(plan)
    other = dataclasses.replace(item, experiment=dataclasses.replace(item.experiment, target="DR"))
    assert item.kind == job.job_of(plan).kind != other.kind
