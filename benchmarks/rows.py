"""The rows that `bench.py` measures: two sides each, what is measured, and the ratio that is aimed at.

A new row is a new line in `ROWS`. Nothing slow is imported here: every process of every side comes past this file.
"""

import importlib.util
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pictures
from duel import Result, Side, duel

GPU = shutil.which("nvidia-smi") is not None
FUNDUS = Path(__file__).parents[2] / "shared" / "data" / "fundus"
SIDE = 224


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Args:
        name: The word on the command line.
        ours: Our side; the ratio says how many times the other's figure ours is less.
        theirs: What it is measured against.
        images: Images a turn.
        turns: Counted turns of each side.
        target: The ratio that is aimed at: at least this, or at most this for memory.
        unit: `images/s` where the turns give seconds, `MiB` where they give memory.
        warm_up: Turns of each side before that.
        files: What makes the files that both sides read: it gets an empty folder, and the makers get it as `folder`.
        needs: A package or a folder beyond retina's own without which the row cannot be measured.
        precision: Which arithmetic the rival takes: `auto`, `float32`, or nothing where no network is asked.
    """

    name: str
    ours: Side
    theirs: Side
    images: int
    turns: int
    target: float
    unit: str = "images/s"
    warm_up: int = 1
    files: Callable[[Path], None] | None = None
    needs: str | Path = ""
    precision: str = "auto"

    @property
    def aim(self) -> str:
        """The target with its direction, as the tables have it: memory is the better the less it grows."""
        return f"<={self.target}" if self.unit == "MiB" else str(self.target)

    @property
    def lacking(self) -> str:
        """Why the row cannot be measured here; empty where it can."""
        if isinstance(self.needs, Path):
            return "" if self.needs.is_dir() else f"there is no folder {self.needs}"
        missing = self.needs and importlib.util.find_spec(self.needs) is None
        return f"the package {self.needs} is not installed" if missing else ""

    def measure(self, turns: int | None = None) -> Result:
        """Make the files, let both sides take their turns, and remove the files."""
        with tempfile.TemporaryDirectory(prefix="retina-bench-") as folder:
            sides = (self.ours, self.theirs)
            if self.files:
                self.files(Path(folder))
                sides = tuple(side.given(folder=Path(folder)) for side in sides)
            return duel(*sides, turns=turns or self.turns, warm_up=self.warm_up)


def network(  # noqa: PLR0917 - a table's columns
    name: str, work: str, rival: str, batch: int, steps: int, turns: int, target: float, needs: str = ""
) -> Row:
    """A row of some steps of a network from images in memory; its backbone is the last word of its name.

    A GPU takes as many steps as make a second or so.
    """
    steps = 64 if GPU else steps
    given = {"backbone": name.rpartition("-")[2], "batch": batch, "steps": steps, "side": SIDE}
    return Row(
        name,
        Side(f"ours:{work}", given),
        Side(f"plain:{rival}", given),
        images=batch * steps,
        turns=turns,
        target=target,
        needs=needs,
        precision="float32" if rival == "stock_keras" else "auto",
    )


RESNET18 = {"backbone": "resnet18", "batch": 32, "side": SIDE}
WHOLE = {"data": FUNDUS, "backbone": "resnet18", "epochs": 10, "side": SIDE}

BACKBONES = ("resnet18", "resnet50", "vgg16")

ROWS = (
    # name, our work, the rival's, batch, steps a turn, turns, target. VGG16 takes twenty seconds a step on two cores.
    network("step-resnet18", "training", "training", 32, 3, 7, 1.1),
    network("step-resnet50", "training", "training", 32, 1, 7, 1.1),
    network("step-vgg16", "training", "training", 32, 1, 3, 1.1),
    *(network(f"step64-{name}", "training", "training", 64, 1, 5, 1.1) for name in BACKBONES if GPU),
    network("stock-resnet18", "training", "stock_keras", 32, 3, 5, 2.0, needs="keras_hub"),
    network("stock-resnet50", "training", "stock_keras", 32, 1, 5, 2.0),
    network("stock-vgg16", "training", "stock_keras", 32, 1, 2, 2.0),
    network("validation-resnet18", "evaluation", "evaluation", 64, 3, 7, 1.0),
    network("validation-resnet50", "evaluation", "evaluation", 64, 1, 7, 1.0),
    network("validation-vgg16", "evaluation", "evaluation", 64, 1, 3, 1.0),
    Row(  # second and later epochs, from PNGs of RFMiD's size
        "epochs-png-resnet18",
        Side("ours:epochs", RESNET18),
        Side("inputs:epochs", RESNET18),
        images=256,
        turns=2,
        target=2.0,
        warm_up=0,
        files=partial(pictures.photographs, count=256),
    ),
    Row(  # building the image cache, beside decoding and resizing alone
        "first-epoch-png",
        Side("ours:building", {"side": SIDE, "times": 5}),
        Side("decoding:pillow", {"side": SIDE, "times": 5}),
        images=320,
        turns=3,
        target=0.9,
        files=partial(pictures.photographs, count=64),
        precision="",
    ),
    Row(  # what a faster decoder would give
        "decoder-opencv",
        Side("decoding:opencv", {"side": SIDE}),
        Side("decoding:pillow", {"side": SIDE}),
        images=64,
        turns=3,
        target=1.0,
        files=partial(pictures.photographs, count=64),
        needs="cv2",
        precision="",
    ),
    Row(  # retina beside itself: an epoch of a head on kept features, and without them
        "head-resnet18",
        Side("head:epochs", {**RESNET18, "images": 320, "kept": True}),
        Side("head:epochs", {**RESNET18, "images": 320, "kept": False}),
        images=192,
        turns=5,
        target=10.0,
        files=partial(pictures.data_sets, counts=(320,)),
    ),
    Row(  # retina beside itself: the second side has ten times the images, and takes as many steps
        "memory",
        Side("whole:growth", {**RESNET18, "images": 320, "steps": 6}),
        Side("whole:growth", {**RESNET18, "images": 3200, "steps": 6}),
        images=0,
        turns=1,
        target=1.1,
        unit="MiB",
        warm_up=0,
        files=partial(pictures.data_sets, counts=(320, 3200)),
    ),
    Row(  # a whole run, process start to finish: 300 training images, ten epochs
        "whole-resnet18",
        Side("whole:retina_run", WHOLE),
        Side("whole:plain_run", WHOLE),
        images=3000,
        turns=1,
        target=1.0,
        warm_up=0,
        needs=FUNDUS,
    ),
)
