"""The built-in set: layout, labels, lesions, and that it is a function of its seed."""

import csv
import math
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from retina.data.drawing import synthetic
from retina.data.drawing.anatomy import HEIGHT, WIDTH, sample_eye
from retina.data.drawing.lesions import ABOVE, BENEATH, CLOUDS, DISC
from retina.data.drawing.photograph import FREQUENCY, choose_diseases, draw, is_diseased
from retina.data.drawing.spots import Scene, spot
from retina.data.drawing.synthetic import LAYOUT, builtin, synthesize
from retina.data.sources import labels, rfmid
from retina.errors import DataError

COUNTS = {"train": 12, "validation": 6, "test": 5}
TINY = {"train": 2, "validation": 1, "test": 1}
# Blur and JPEG's blocks, whose colour is stored at half the resolution, carry a change this far, in pixels.
SPILL = 20


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    return synthesize(tmp_path_factory.mktemp("synthetic") / "set", counts=COUNTS, seed=3, quiet=True)


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def read_labels(folder: Path) -> dict[tuple[str, str], dict[str, str]]:
    """Rows of the three label tables by (split, id)."""
    return {
        (split, row["ID"]): row for split, (top, _, table) in LAYOUT.items() for row in read_rows(folder / top / table)
    }


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image, np.int16)


def only(disease: str) -> int:
    """The first training photograph of seed 0 that carries this disease alone."""
    return next(index for index in range(1, 3000) if choose_diseases(0, "train", index) == (disease,))


def test_the_layout_and_the_columns_are_rfmids(made):
    for split, (top, images, table) in LAYOUT.items():
        names = {f"{index}.png" for index in range(1, COUNTS[split] + 1)}
        assert {path.name for path in (made / top / images).iterdir()} == names
        text = (made / top / table).read_bytes()
        assert text.startswith(b"ID,Disease_Risk,DR,ARMD,MH,DN,MYA,")
        assert b"\r" not in text
        rows = read_rows(made / top / table)
        assert [int(row["ID"]) for row in rows] == list(range(1, COUNTS[split] + 1))
        assert len(rows[0]) == 47


def test_photographs_have_one_size_a_black_border_and_a_lit_fundus(made):
    for path in made.rglob("*.png"):
        with Image.open(path) as image:
            assert (image.mode, image.size) == ("RGB", (WIDTH, HEIGHT))
            picture = pixels(image)
        assert picture[:, :20].max() < 30
        assert picture[:, WIDTH // 2].mean() > 30


def test_our_own_reader_takes_it_for_rfmid(made):
    frame = labels.read(made).frame
    assert len(frame) == sum(COUNTS.values())
    assert frame["path"].map(lambda path: Path(path).is_file()).all()


def test_disease_risk_is_the_or_of_the_disease_columns(made):
    for row in read_labels(made).values():
        present = [name for name in rfmid.DISEASES if row[name] == "1"]
        assert row["Disease_Risk"] == str(int(bool(present)))
        assert set(present) <= set(FREQUENCY)


@given(st.integers(1, 4000))
def test_every_beginning_of_a_split_holds_the_rounded_share_of_diseased_eyes(many):
    assert sum(is_diseased(index) for index in range(1, many + 1)) == math.floor(1519 / 1920 * many + 0.5)


def test_diseases_come_with_rfmids_frequencies_and_never_two_on_one_disc():
    drawn = [choose_diseases(0, "train", index) for index in range(1, 4001)]
    diseased = [names for names in drawn if names]
    tally = {name: sum(names[0] == name for names in diseased) for name in FREQUENCY}
    for name, weight in FREQUENCY.items():
        share = weight / sum(FREQUENCY.values())
        assert abs(tally[name] - share * len(diseased)) < 4 * math.sqrt(share * (1 - share) * len(diseased))
    assert 0.2 < np.mean([len(names) == 2 for names in diseased]) < 0.3
    assert all(len(set(names)) == len(names) and len(set(names) & set(DISC)) < 2 for names in diseased)


def test_each_lesion_lies_in_the_picture_of_an_eye_with_its_disease(made):
    table = read_labels(made)
    rows = read_rows(made / "lesions.csv")
    assert tuple(rows[0]) == synthetic.LESION_COLUMNS
    for row in rows:
        assert table[row["split"], row["id"]][row["disease"]] == "1"
        assert 0 <= float(row["x"]) < WIDTH
        assert 0 <= float(row["y"]) < HEIGHT
        assert float(row["radius"]) > 1
    listed = {(row["split"], row["id"], row["disease"]) for row in rows}
    assert listed == {(*key, name) for key, row in table.items() for name in FREQUENCY if row[name] == "1"}


@pytest.mark.parametrize("disease", FREQUENCY)
def test_a_diseased_eye_differs_from_its_healthy_twin_within_its_lesions_alone(disease):
    index = only(disease)
    image, found = draw(0, "train", index)
    twin, none = draw(0, "train", index, healthy_twin=True)
    changed = np.abs(pixels(image) - pixels(twin)).max(axis=2) > 6
    assert none == []
    assert {name for name, _ in found} == {disease}
    y, x = np.nonzero(changed)
    near = np.zeros(len(x), bool)
    for _, lesion in found:
        away = np.hypot(x - lesion.x, y - lesion.y)
        near |= away <= lesion.radius + SPILL
        assert (away <= lesion.radius).any(), lesion
    assert near.all()


def test_a_healthy_eye_is_its_own_twin_and_has_no_lesions():
    index = next(index for index in range(1, 20) if not is_diseased(index))
    image, found = draw(0, "train", index)
    assert found == []
    assert np.array_equal(pixels(image), pixels(draw(0, "train", index, healthy_twin=True)[0]))


@given(
    size=st.floats(1, 30),
    stretch=st.floats(1, 3.5),
    angle=st.floats(-4, 4),
    softness=st.floats(0.05, 0.5),
    ragged=st.floats(0, 0.4),
    strength=st.sampled_from((-1.0, 0.8)),
    at=st.tuples(st.floats(0, WIDTH - 1), st.floats(0, HEIGHT - 1)),
)
def test_the_circle_of_a_spot_holds_every_pixel_it_changed(*, size, stretch, angle, softness, ragged, strength, at):
    rng = np.random.default_rng(0)
    picture = np.full((3, HEIGHT, WIDTH), 0.5, np.float32)
    scene = Scene(rng, sample_eye(rng), picture, picture[0], [], 0.5)
    shape = {"softness": softness, "stretch": stretch, "angle": angle, "ragged": ragged}
    lesion = spot(scene, "spot", at, size, (strength, np.array([0.9, 0.8, 0.1])), **shape)
    y, x = np.nonzero((picture != 0.5).any(axis=0))
    assert len(x)
    assert np.hypot(x - lesion.x, y - lesion.y).max() <= lesion.radius


def test_a_photograph_depends_on_seed_split_and_id_alone(made, tmp_path):
    fewer = contents(synthesize(tmp_path / "fewer", counts=TINY, seed=3, quiet=True))
    more = contents(made)
    shown = [name for name in fewer if name.endswith(".png")]
    assert len(shown) == 4
    assert all(fewer[name] == more[name] for name in shown)
    assert len({fewer[name] for name in shown}) == 4


def test_another_seed_draws_other_photographs_and_the_same_seed_the_same_set(tmp_path):
    first, again, other = (
        contents(synthesize(tmp_path / name, counts=TINY, seed=seed, quiet=True))
        for name, seed in (("first", 0), ("again", 0), ("other", 1))
    )
    assert first == again
    assert not {data for name, data in first.items() if name.endswith(".png")} & set(other.values())


def test_workers_draw_what_one_process_draws(tmp_path, monkeypatch):
    alone = synthesize(tmp_path / "alone", counts=TINY, quiet=True)
    monkeypatch.setattr(synthetic, "FEW_JOBS", 1)
    assert contents(synthesize(tmp_path / "together", counts=TINY, quiet=True)) == contents(alone)


def test_the_readme_disclaims_meaning_and_explains_the_columns(made):
    text = (made / "README.md").read_text(encoding="utf-8")
    assert synthetic.NOTICE in text
    assert all(f"`{column}`" in text for column in ("ID", "Disease_Risk", *synthetic.LESION_COLUMNS))


@pytest.mark.parametrize(
    ("counts", "seed"),
    [
        ({"train": 1, "validation": 1}, 0),
        ({**TINY, "holdout": 1}, 0),
        ({**TINY, "test": 0}, 0),
        (TINY, -1),
    ],
)
def test_counts_and_seeds_out_of_range_are_refused(tmp_path, counts, seed):
    with pytest.raises(DataError, match="Expected"):
        synthesize(tmp_path / "set", counts=counts, seed=seed, quiet=True)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_already_is_never_drawn_over(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    for place in (tmp_path, tmp_path / "thesis.txt"):
        with pytest.raises(DataError, match="already"):
            synthesize(place, counts=TINY, quiet=True)
    assert contents(tmp_path) == {"thesis.txt": b"mine"}


def test_an_empty_folder_is_drawn_into(tmp_path):
    (tmp_path / "set").mkdir()
    assert read_labels(synthesize(tmp_path / "set", counts=TINY, quiet=True))


def test_a_failure_half_way_leaves_nothing(tmp_path, monkeypatch):
    def fail(seed, split, index):
        if split == "test":
            raise KeyboardInterrupt
        return draw(seed, split, index)

    monkeypatch.setattr(synthetic, "draw", fail)
    with pytest.raises(KeyboardInterrupt):
        synthesize(tmp_path / "set", counts=TINY, quiet=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_a_killed_process_leaves_no_set_and_no_workers(tmp_path, sign):
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\n"
        "from retina.data.drawing.synthetic import synthesize\n"
        "if __name__ == '__main__':\n"
        f"    synthesize(Path({str(tmp_path / 'out' / 'set')!r}), quiet=True)\n"
    )
    with subprocess.Popen([sys.executable, script], stderr=subprocess.PIPE, start_new_session=True) as process:
        until = time.monotonic() + 60
        while not list(tmp_path.glob("out/.set.*.tmp/*/*/*.png")):
            assert time.monotonic() < until, "drew nothing"
            time.sleep(0.05)
        process.send_signal(sign)
        # Its workers hold the same pipe: this returns only when the last of them has ended.
        process.communicate(timeout=60)
    assert not (tmp_path / "out" / "set").exists()
    if sign == signal.SIGINT:
        assert list((tmp_path / "out").iterdir()) == []


def test_the_built_in_set_is_drawn_once_into_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RETINA_CACHE", str(tmp_path))
    monkeypatch.setattr(synthetic, "COUNTS", TINY)
    folder = builtin(quiet=True)
    assert folder == tmp_path / f"synthetic-v{synthetic.VERSION}-2-1-1-seed0"
    monkeypatch.setattr(synthetic, "synthesize", None)
    assert builtin(quiet=True) == folder


def test_every_disease_drawn_has_one_painter():
    painters = [*DISC, *BENEATH, *ABOVE, *CLOUDS]
    assert sorted(painters) == sorted(FREQUENCY)
    assert set(FREQUENCY) <= set(rfmid.DISEASES)
    assert sum(FREQUENCY.values()) > 1519
