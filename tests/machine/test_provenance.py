"""Who computed, and with what, is described truthfully and in plain values."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from retina import PACKAGE
from retina.machine import installation, provenance


def git(folder, *words):
    settings = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", folder, *settings, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_description_is_plain_json_with_the_versions_in_use():
    import torch

    found = json.loads(json.dumps(provenance.describe()))
    assert found["packages"]["torch"] == torch.__version__
    assert found["threads"] == torch.get_num_threads()
    assert found["device"] in ("cpu", "cuda", "mps")


def test_a_commit_and_a_change_since_are_told(tmp_path):
    assert provenance.git_state(tmp_path) is None
    git(tmp_path, "init")
    (tmp_path / "a").write_text("1")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "-m", "first")
    assert provenance.git_state(tmp_path) == {"commit": git(tmp_path, "rev-parse", "HEAD"), "dirty": False}
    (tmp_path / "a").write_text("2")
    assert provenance.git_state(tmp_path)["dirty"] is True


def test_a_repository_without_a_commit_has_no_state(tmp_path):
    subprocess.run(["git", "-C", tmp_path, "init"], capture_output=True, check=True)
    assert provenance.git_state(tmp_path) is None


def test_the_code_of_a_machine_is_its_source_and_the_versions_that_decide_a_result():
    found = provenance.code(("no-such-package",))
    assert found["source"] == provenance.source_digest(PACKAGE)
    assert {name: found[name] for name in provenance.PACKAGES} == provenance.describe()["packages"]
    assert found["no-such-package"] == "not installed"


def test_the_digest_of_the_source_changes_with_every_file_of_the_package(tmp_path):
    package, copy = PACKAGE / "machine", tmp_path / "machine"  # a part: each of its files is read for each of them
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__"))
    digest = provenance.source_digest.__wrapped__  # without the cache
    whole = digest(copy)
    assert whole == digest(package)
    for path in sorted(path for path in copy.rglob("*") if path.is_file()):
        content = path.read_bytes()
        path.write_bytes(content + b" ")
        assert digest(copy) != whole, path.relative_to(copy)
        path.unlink()
        assert digest(copy) != whole, path.relative_to(copy)
        path.write_bytes(content)
    assert digest(copy) == whole
    (copy / installation.PARAMS).mkdir(parents=True)
    (copy / installation.PARAMS / "p1.toml").write_text("a wheel carries it, and it is no code")
    assert digest(copy) == whole
    (copy / "__pycache__").mkdir(exist_ok=True)
    (copy / "__pycache__" / "cli.pyc").write_bytes(b"1")
    assert digest(copy) == whole


@pytest.mark.parametrize("project", [installation.DISTRIBUTION, "thesis", None])
def test_a_clone_names_its_commit_and_another_repository_does_not(tmp_path, project):
    """A record made in a clone names the commit that trained it, however deep in the package the code lies.

    Where the package was installed into the root of another repository, that one's commit says nothing about it.
    """
    clone = tmp_path / "clone"
    clone.mkdir()
    if project:
        (clone / "pyproject.toml").write_text(f'[project]\nname = "{project}"\n')
    shutil.copytree(PACKAGE, clone / "retina", ignore=shutil.ignore_patterns("__pycache__"))
    git(clone, "init")
    git(clone, "add", ".")
    git(clone, "commit", "-m", "first")
    code = (
        f"import json; from {provenance.__name__} import {provenance.describe.__name__} as describe; "
        "print(json.dumps(describe()['git']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(clone), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    state = {"commit": git(clone, "rev-parse", "HEAD"), "dirty": False}
    assert json.loads(done.stdout) == (state if project == installation.DISTRIBUTION else None)
