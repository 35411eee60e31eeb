"""The house is as drawn in `support/house.py`, and a copy of it that is broken is seen to be."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import house
import pytest

ROOT = Path(__file__).parent.parent
HEAVY = {"torch", "keras", "tensorflow"}


def test_the_house_is_as_the_table_says():
    assert not sorted(house.violations(ROOT))


def append(path: str, text: str) -> Callable[[Path], None]:
    """A way to break a copy of the package: write more into a file, which is made where there is none."""

    def act(package: Path) -> None:
        file = package / path
        file.parent.mkdir(exist_ok=True)
        file.write_text((file.read_text() if file.exists() else "") + text)

    return act


def without_docstring(package: Path) -> None:
    file = package / "numbers/roc.py"
    file.write_text("import math\n" + file.read_text())


def fifteen_files(package: Path) -> None:
    folder = package / "numbers"
    for number in range(
        15 - len([path for path in folder.iterdir() if path.name not in ("__pycache__", "__init__.py")])
    ):
        (folder / f"table_{number}.json").write_text("{}")


BROKEN = {
    "a room imports upward": ("layers", append("machine/stdout.py", "from retina.numbers import roc\n")),
    "a room imports upward inside a function": (
        "layers",
        append("numbers/roc.py", "def f():\n    import retina.reporting.cells\n"),
    ),
    "data import training": ("layers", append("data/drawing/spots.py", "import retina.training.loop.losses\n")),
    "data import models": ("layers", append("data/drawing/spots.py", "from retina.models import kernels\n")),
    "data import what feeds them to torch": (
        "layers",
        append("data/drawing/spots.py", "from retina.data.feeding import ordered_images\n"),
    ),
    "a wing imports another": ("layers", append("reporting/cells.py", "import retina.training.loop.losses\n")),
    "training imports analysis": (
        "layers",
        append("training/loop/losses.py", "from retina.analysis import gathering\n"),
    ),
    "training imports inference": (
        "layers",
        lambda package: (
            append("inference/gate.py", '"""The gate."""\n')(package),
            append("training/loop/losses.py", "from retina.inference import gate\n")(package),
        ),
    ),
    "a command reaches a wing": ("layers", append("commands/run.py", "from retina.training import plan\n")),
    "the API reaches a wing": ("layers", append("api.py", '"""API."""\nimport retina.training.plan\n')),
    "the API reports": ("layers", append("api.py", '"""API."""\nfrom retina.reporting import report\n')),
    "a wing is reached by attributes of the package": (
        "layers",
        append("commands/run.py", "import retina\ndef f():\n    return retina.training.plan.Plan\n"),
    ),
    "a wing is reached by attributes of another name": (
        "layers",
        append("commands/run.py", "import retina as r\ndef f():\n    return r.training.plan.Plan\n"),
    ),
    "what feeds torch is reached by an attribute of data": (
        "layers",
        append("data/drawing/spots.py", "from retina import data\ndef f():\n    return data.feeding.arranged.ORDER\n"),
    ),
    "a wing is imported by its name": (
        "layers",
        append("commands/run.py", "from importlib import import_module\nimport_module('retina.training.plan')\n"),
    ),
    "analysis imports reporting": ("layers", append("analysis/gathering/naming.py", "import retina.reporting.cells\n")),
    "a command reaches a figure": ("layers", append("commands/backbones.py", "from retina.reporting import figures\n")),
    "experiments import models": ("layers", append("experiments/settings.py", "from retina.models import kernels\n")),
    "the errors import something": ("layers", append("errors.py", "from retina.machine import stdout\n")),
    "an import is relative": ("layers", append("numbers/roc.py", "from . import metrics\n")),
    "two modules import each other": (
        "circles",
        lambda package: (
            append("numbers/first.py", '"""First."""\nfrom retina.numbers import second\n')(package),
            append("numbers/second.py", '"""Second."""\nfrom retina.numbers.first import second\n')(package),
        ),
    ),
    "numbers load keras": ("heavy", append("numbers/roc.py", "import keras\n")),
    "runs load torch inside a function": ("heavy", append("runs/tables.py", "def f():\n    from torch import nn\n")),
    "reporting loads torch by its name": (
        "heavy",
        append("reporting/cells.py", "import importlib\nimportlib.import_module('torch')\n"),
    ),
    "reporting loads torch by a function of another name": (
        "heavy",
        append("reporting/cells.py", "from importlib import import_module as load\nload('torch')\n"),
    ),
    "reporting loads torch by a function of a renamed module": (
        "heavy",
        append("reporting/cells.py", "import importlib as i\ni.import_module(name='torch.nn')\n"),
    ),
    "reporting loads torch by the function below the statement": (
        "heavy",
        append("reporting/cells.py", "__import__('torch')\n"),
    ),
    "data load torch outside of feeding": ("heavy", append("data/dataset.py", "import torch\n")),
    "the machine loads torch outside of device": ("heavy", append("machine/stdout.py", "import torch\n")),
    "a module does not say what it is": ("docstrings", without_docstring),
    "a module is too long": ("lengths", append("numbers/roc.py", "# more\n" * 250)),
    "a folder holds too much": ("entries", fifteen_files),
    "a module lies at the top": ("top", append("utils.py", '"""All sorts."""\n')),
    "a folder is in no row": ("top", append("utils/all.py", '"""All sorts."""\n')),
    "a module counts its parents": (
        "own_files",
        append("numbers/roc.py", "from pathlib import Path\nHERE = Path(__file__).parent\n"),
    ),
    "a pickle is loaded": ("unsafe", append("numbers/roc.py", "import pickle\npickle.load(open('a'))\n")),
    "a pickle is loaded by another name": (
        "unsafe",
        append("numbers/roc.py", "from pickle import load as read\nread(open('a'))\n"),
    ),
    "pickle has another name": ("unsafe", append("numbers/roc.py", "import pickle as p\np.loads(b'')\n")),
    "a pickle is read by a function handed on": (
        "unsafe",
        append("numbers/roc.py", "import pickle\nrows = map(pickle.load, [])\n"),
    ),
    "torch loads more than weights": (
        "unsafe",
        append("models/classifier.py", "import torch as t\nt.load('a', weights_only=False)\n"),
    ),
    "torch is not told to load weights alone": (
        "unsafe",
        append("models/classifier.py", "from torch import load\nload('a')\n"),
    ),
    "numpy may unpickle": ("unsafe", append("numbers/roc.py", "import numpy as np\nnp.load('a', allow_pickle=True)\n")),
    "numpy is not told not to unpickle": ("unsafe", append("numbers/roc.py", "from numpy import load\nload('a')\n")),
    "a whole model is loaded": (
        "unsafe",
        append("models/classifier.py", "import keras\nkeras.saving.load_model('a')\n"),
    ),
    "a model is loaded by another name": (
        "unsafe",
        append("models/classifier.py", "from keras.models import load_model as read\nread('a')\n"),
    ),
    "text is evaluated": ("unsafe", append("numbers/roc.py", "eval('1')\n")),
    "text is executed": ("unsafe", append("numbers/roc.py", "exec('1')\n")),
    "an archive is unpacked": ("unsafe", append("numbers/roc.py", "import shutil\nshutil.unpack_archive('a')\n")),
    "an archive is unpacked by tarfile": (
        "unsafe",
        append("numbers/roc.py", "import tarfile\ntarfile.open('a').extractall()\n"),
    ),
    **{
        f"{library} is imported": ("unsafe", append("numbers/roc.py", f"import {library}\n"))
        for library in ("dill", "joblib", "shelve", "marshal")
    },
}


@pytest.fixture(scope="module")
def whole():
    return house.violations(ROOT)


@pytest.fixture
def copy(tmp_path):
    shutil.copytree(ROOT / "retina", tmp_path / "retina", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_a_copy_is_judged_like_the_house_itself(copy, whole):
    assert house.violations(copy) == whole


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_copy_is_seen_to_break_one_rule_and_no_other(broken, copy, whole):
    rule, act = BROKEN[broken]
    act(copy / "retina")
    assert {violation.rule for violation in house.violations(copy) - whole} == {rule}


def test_every_rule_has_a_copy_that_breaks_it():
    assert {rule for rule, _ in BROKEN.values()} == {rule.__name__ for rule in house.RULES}


def test_every_row_of_the_table_allows_rooms_of_the_table():
    assert {name for row in house.TABLE.values() for name in row.imports.split()} <= house.TABLE.keys()


def unused(table: dict[str, house.Room]) -> set[tuple[str, str]]:
    """(Room, another that it may import and does not), but for rooms to come."""
    allowed = {(name, other) for name, row in table.items() for other in row.imports.split()}
    return {pair for pair in allowed - house.used(house.read(ROOT)) if house.TO_COME.keys().isdisjoint(pair)}


def test_the_table_allows_nothing_that_is_not_used():
    assert not sorted(unused(house.TABLE))


def test_a_permission_that_is_not_used_is_seen():
    more = house.TABLE | {"cli": house.Room("errors machine commands numbers")}
    assert unused(more) == {("cli", "numbers")}


def test_a_room_that_has_come_is_off_the_list_of_those_to_come():
    assert house.TO_COME.keys() <= house.TABLE.keys()
    assert house.TO_COME.keys().isdisjoint({house.room(name) for name in house.read(ROOT).modules})


@pytest.mark.parametrize(
    "allowed",
    [
        "import retina\ndef f():\n    return retina.PACKAGE, retina.numbers.metrics\n",
        "import typing\nif typing.TYPE_CHECKING:\n    from retina import data\ndef f(x: data.dataset.Split): ...\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch\n    import retina.cli\n",
        "import numpy as np\nnp.load('a', allow_pickle=False)\n",
        "import pickle\ntry:\n    pass\nexcept pickle.UnpicklingError:\n    pass\n",
    ],
)
def test_what_is_harmless_is_allowed(allowed, copy, whole):
    append("numbers/roc.py", allowed)(copy / "retina")
    assert house.violations(copy) == whole


def test_what_is_planned_for_the_top_fits_there(copy, whole):
    """The Python API, and the wing that predicts."""
    append("api.py", '"""What is called."""\nfrom retina.inference import predict\n')(copy / "retina")
    append("inference/predict.py", '"""Predict."""\nimport torch\nfrom retina.models import saved\n')(copy / "retina")
    assert house.violations(copy) == whole


def test_the_public_door_alone_may_load_a_whole_model(copy, whole):
    append("__init__.py", "def load_model(path):\n    import keras\n    return keras.saving.load_model(path)\n")(
        copy / "retina"
    )
    assert house.violations(copy) == whole


def test_every_module_has_a_test_file_of_its_own_name_or_says_where_its_tests_are():
    assert not sorted(house.mirrored(ROOT))


def remove(path: str) -> Callable[[Path], None]:
    """A way to break a copy of package and tests: a file is gone."""
    return lambda copy: (copy / path).unlink()


OWN, OTHER = "numbers/test_roc.py", "numbers/test_metrics.py"
UNMIRRORED = {
    "a module has no tests": ("has no test file", remove(f"tests/{OWN}"), {}),
    "a new module has no tests": ("has no test file", append("retina/numbers/new.py", '"""New."""\n'), {}),
    "a module with tests of its own is listed": ("no entry", lambda copy: None, {"numbers/roc": OWN}),
    "a module that is gone is listed": ("no entry", remove("retina/numbers/roc.py"), {"numbers/roc": OWN}),
    "the tests named do not import the module": ("not imported", remove(f"tests/{OWN}"), {"numbers/roc": OTHER}),
    "the tests named are gone": ("not imported", remove(f"tests/{OWN}"), {"numbers/roc": OWN}),
    "there is no reason": ("no reason", remove(f"tests/{OWN}"), {"numbers/roc": "as it is"}),
}


@pytest.fixture
def copy_with_tests(copy):
    shutil.copytree(ROOT / "tests", copy / "tests", ignore=shutil.ignore_patterns("__pycache__", "schema-2"))
    return copy


@pytest.mark.parametrize("unmirrored", UNMIRRORED)
def test_a_copy_whose_tests_do_not_mirror_it_is_seen(unmirrored, copy_with_tests):
    words, act, listed = UNMIRRORED[unmirrored]
    act(copy_with_tests)
    (violation,) = house.mirrored(copy_with_tests, house.ELSEWHERE | listed)
    assert words in violation.what


def test_a_module_may_have_its_tests_elsewhere_or_a_reason_to_have_none(copy_with_tests):
    remove(f"tests/{OWN}")(copy_with_tests)
    append(f"tests/{OTHER}", "from retina.numbers.roc import roc_curve\n")(copy_with_tests)
    for place in (OTHER, "it holds three words that all others use"):
        assert not sorted(house.mirrored(copy_with_tests, house.ELSEWHERE | {"numbers/roc": place}))


def loaded(code: str, root: Path = ROOT) -> set[str]:
    """The modules that a new Python has loaded after some code, with the package below `root`."""
    return set(
        subprocess.run(
            [sys.executable, "-c", f"{code}\nimport sys; print('\\n'.join(sys.modules))"],
            cwd=root,
            env=os.environ | {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
    )


HELP = (
    "import retina.cli\n"
    "from click.testing import CliRunner\n"
    "assert CliRunner().invoke(retina.cli.main, ['-h']).exit_code == 0"
)
SLOW = {"torch", "keras", "numpy", "pandas", "matplotlib", "sklearn", "scipy", "PIL", "rich"}
LIGHT = sorted(row for row in house.TABLE if not house.TABLE[row].heavy and row not in ("workflows", "api"))


def everything(room: str) -> str:
    return "import " + ", ".join(sorted(name for name in house.read(ROOT).modules if house.room(name) == room))


def test_help_loads_nothing_heavy():
    assert not loaded(HELP) & SLOW


def test_help_that_loads_something_heavy_is_seen(copy):
    append("commands/options.py", "import numpy\n")(copy / "retina")
    assert loaded(HELP, copy) & SLOW


@pytest.mark.parametrize("room", LIGHT)
def test_a_room_that_loads_neither_keras_nor_torch_does_not_load_them_by_way_of_others(room):
    assert not loaded(everything(room)) & HEAVY


def test_a_room_that_loads_torch_by_way_of_another_is_seen(copy):
    append("machine/device.py", "import torch\n")(copy / "retina")
    assert loaded("import retina.machine.provenance", copy) & HEAVY


def test_every_test_that_skips_without_a_package_runs_where_all_packages_are():
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        text = path.read_text()
        if "importorskip(" in text.replace('importorskip(" in text', "") and "playwright" not in text:
            assert "pytest.mark.extra" in text, f"{path.name} needs `pytestmark = pytest.mark.extra`"
