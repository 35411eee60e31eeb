"""The built-in set: layout, labels, lesions, and that it is a function of its seed."""

import csv
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from drawn_eyes import pixels
from PIL import Image

from retina.data.drawing import synthetic
from retina.data.drawing.anatomy import HEIGHT, WIDTH
from retina.data.drawing.photograph import FREQUENCY, draw
from retina.data.drawing.synthetic import LAYOUT, builtin, synthesize
from retina.data.sources import labels, rfmid
from retina.errors import DataError

COUNTS = {"train": 12, "validation": 6, "test": 5}
TINY = {"train": 2, "validation": 1, "test": 1}


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
