"""The built-in set: colour fundus photographs drawn by a program, in RFMiD's own layout and columns.

It lets every part of retina run without a download. Layout and columns are those of Pachade et al. 2021,
https://doi.org/10.3390/data6020014, as distributed by IEEE DataPort.
"""

import contextlib
import csv
import io
from pathlib import Path

from retina.data.drawing.anatomy import HEIGHT, WIDTH
from retina.data.drawing.photograph import FREQUENCY, choose_diseases, draw
from retina.data.sources.rfmid import DISEASES
from retina.errors import DataError
from retina.experiments.target import DISEASE_RISK
from retina.machine.files import atomic_folder
from retina.machine.kept import cache_folder
from retina.machine.processes import on_all_cores
from retina.machine.progress import bar

VERSION = 1
"""The version of the drawing. Raise it with every change, so that a set drawn by an older retina is not used."""

NOTICE = (
    "The built-in set is drawn by a program and means nothing clinically: no score on it says anything about a patient."
)

COUNTS = {"train": 480, "validation": 160, "test": 160}
SEED = 0

LAYOUT = {
    "train": ("Training_Set", "Training", "RFMiD_Training_Labels.csv"),
    "validation": ("Evaluation_Set", "Validation", "RFMiD_Validation_Labels.csv"),
    "test": ("Test_Set", "Test", "RFMiD_Testing_Labels.csv"),
}
"""Split -> its folder, the folder of its images in that, and its label table."""
COLUMNS = ("ID", DISEASE_RISK, *DISEASES)
"""Columns of a label table."""
LESION_COLUMNS = ("split", "id", "disease", "lesion", "x", "y", "radius")

IMAGES_PER_JOB = 8
FEW_JOBS = 6
"""With fewer jobs than this, starting worker processes takes longer than drawing."""

Row = tuple[object, ...]
Job = tuple[str, int, str, range]
"""The set's folder, its seed, a split, and the ids to draw."""

README = """# The built-in set of retina

**{notice}**

{total} colour fundus photographs of {width} x {height} pixels, drawn by retina (version {version} of its program,
seed {seed}), with no real photograph among them: {train} for training, {validation} for validation, {test} for testing.
Folders, file names and columns are RFMiD's (Pachade et al. 2021, https://doi.org/10.3390/data6020014), so that whatever
reads RFMiD reads this.

| file | content |
|---|---|
| `Training_Set/Training/1.png`, ... | photographs; ids restart at 1 in each split |
| `Training_Set/RFMiD_Training_Labels.csv`, ... | `ID`; `{target}`, 1 if any disease is present; 45 diseases |
| `lesions.csv` | where each lesion was drawn |

Columns of `lesions.csv`: `split` (train, validation, test); `id`, the photograph's in its split; `disease`, the RFMiD
column it belongs to; `lesion`, its kind; `x`, `y`, its centre, and `radius`, in pixels of the photograph, x to the
right and y downwards from the upper left corner. The circle covers every pixel the lesion changed; for what changes a
whole region (media haze, tessellation) it covers that region and may reach beyond the picture.

As in RFMiD's training table, 79.1 % of each split is diseased (1,519 of 1,920, rounded), and the {drawn} diseases drawn
here come in RFMiD's proportions, in about a quarter of the diseased eyes two at once; the other columns are always 0.
Of the first n photographs of a split, for every n, the rounded share is diseased: shuffle before use.
"""


def synthesize(folder: Path, *, counts: dict[str, int] | None = None, seed: int = SEED, quiet: bool = False) -> Path:
    """Draw the built-in set into a new folder, whole or not at all, on all cores.

    Args:
        folder: A new or empty folder.
        counts: Photographs in `train`, `validation` and `test`, each 1 or more; 480, 160 and 160 by default.
        seed: 0 or more; the same seed draws the same set.
        quiet: Show no progress.

    Returns:
        The folder.

    Raises:
        DataError: the folder holds something already, or `counts` or `seed` is out of range.
        RetinaError: the folder cannot be written, or a worker died.
    """
    counts = COUNTS if counts is None else counts
    check_request(folder, counts, seed)
    with atomic_folder(folder) as temporary:
        for top, images, _ in LAYOUT.values():
            (temporary / top / images).mkdir(parents=True)
        lesions = draw_images(temporary, counts, seed, quiet=quiet)
        for split, (top, _, table) in LAYOUT.items():
            ids = range(1, counts[split] + 1)
            write_csv(temporary / top / table, COLUMNS, [label(seed, split, i) for i in ids])
        write_csv(temporary / "lesions.csv", LESION_COLUMNS, lesions)
        (temporary / "README.md").write_text(describe(counts, seed), encoding="utf-8")
    return folder


def builtin(*, quiet: bool = False) -> Path:
    """The folder of the built-in set in retina's cache folder; the set is drawn on first use.

    The folder's name carries the drawing's version, the counts and the seed.

    Raises:
        RetinaError: the cache folder cannot be written.
    """
    sizes = "-".join(str(COUNTS[split]) for split in LAYOUT)
    folder = cache_folder() / f"synthetic-v{VERSION}-{sizes}-seed{SEED}"
    return folder if folder.is_dir() else synthesize(folder, quiet=quiet)


def is_drawn(folder: Path) -> bool:
    """Whether a folder holds a set that `synthesize` drew: its README says so."""
    readme = folder / "README.md"
    return readme.is_file() and NOTICE in readme.read_text(encoding="utf-8", errors="replace")


def check_request(folder: Path, counts: dict[str, int], seed: int) -> None:
    """Check the arguments of `synthesize` before anything is drawn.

    Raises:
        DataError: an argument is wrong.
    """
    if set(counts) != set(LAYOUT) or min(counts.values()) < 1:
        raise DataError("the counts do not fit", expected=f"1 or more for each of {', '.join(LAYOUT)}", found=counts)
    if seed < 0:
        raise DataError("the seed is negative", expected="0 or more", found=seed)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(
            "the folder already holds something",
            expected="a new or empty folder",
            where=folder,
            advice="name another folder, or remove this one",
        )


def draw_images(folder: Path, counts: dict[str, int], seed: int, *, quiet: bool) -> list[Row]:
    """Draw and write all photographs; return the rows of `lesions.csv`, in order."""
    jobs: list[Job] = [
        (str(folder), seed, split, range(first, min(first + IMAGES_PER_JOB, counts[split] + 1)))
        for split in LAYOUT
        for first in range(1, counts[split] + 1, IMAGES_PER_JOB)
    ]
    rows: list[Row] = []
    with (
        bar("Drawing the built-in set", sum(counts.values()), quiet=quiet) as advance,
        contextlib.closing(on_all_cores(draw_job, jobs, few=FEW_JOBS)) as results,
    ):
        for job, lesions in zip(jobs, results, strict=True):
            rows += lesions
            advance(len(job[3]))
    return rows


def draw_job(job: Job) -> list[Row]:
    """Draw and write some photographs of one split; return their rows of `lesions.csv`."""
    folder, seed, split, ids = job
    top, images, _ = LAYOUT[split]
    rows: list[Row] = []
    for index in ids:
        image, lesions = draw(seed, split, index)
        # Level 1 is three times as fast as Pillow's default, and files are a tenth larger.
        image.save(Path(folder) / top / images / f"{index}.png", compress_level=1)
        rows += [
            (split, index, disease, lesion.kind, *(f"{value:.1f}" for value in (lesion.x, lesion.y, lesion.radius)))
            for disease, lesion in lesions
        ]
    return rows


def label(seed: int, split: str, index: int) -> Row:
    """One row of a label table, see `COLUMNS`: the ID, whether there is any disease, and the 45 diseases."""
    present = choose_diseases(seed, split, index)
    return (index, int(bool(present)), *(int(disease in present) for disease in DISEASES))


def write_csv(path: Path, columns: tuple[str, ...], rows: list[Row]) -> None:
    """Write a table as UTF-8 without a byte-order mark, with commas and line feeds."""
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(columns)
    table.writerows(rows)
    path.write_text(stream.getvalue(), encoding="utf-8", newline="")


def describe(counts: dict[str, int], seed: int) -> str:
    """The set's README."""
    facts = {"notice": NOTICE, "version": VERSION, "seed": seed, "width": WIDTH, "height": HEIGHT}
    return README.format(**facts, **counts, target=DISEASE_RISK, total=sum(counts.values()), drawn=len(FREQUENCY))
