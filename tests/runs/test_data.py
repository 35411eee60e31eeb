"""The data set of a run as its record has it: what may be missing, and what is refused by its key."""

import pytest

from retina.runs import reading
from retina.runs.data import Baselines, Data, Exclusion, Split
from retina.runs.reading import MisfitError

SPLITS = {name: {"images": 4, "positives": 1} for name in ("train", "validation", "test")}
CONTENT = {
    "source": "folder",
    "notice": None,
    "fingerprint": "d" * 64,
    "splits": SPLITS,
    "excluded": [{"split": "test", "id": "7", "reason": "there is no image", "label": 1, "found": False}],
    "warnings": ["two images are alike"],
}
SHARES = {name: {"accuracy": 0.75} for name in ("validation", "test")}


def test_a_record_is_read_with_what_earlier_versions_left_out():
    data = reading.read(Data, CONTENT)
    assert data.splits["train"] == Split(images=4, positives=1, prevalence=None)
    assert data.excluded == (Exclusion(split="test", id="7", reason="there is no image", label=1, found=False),)
    assert (data.folder, data.layout, data.near_duplicates) == ("folder", None, None)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"splits": {"train": SPLITS["train"]}}, "splits"),
        ({"splits": SPLITS | {"test": {"images": 0, "positives": 0}}}, "splits.test.images"),
        ({"splits": SPLITS | {"test": {"images": 4, "positives": -1}}}, "splits.test.positives"),
        ({"excluded": [{"split": "holdout", "id": "7", "reason": ""}]}, "excluded"),
        ({"fingerprint": None}, "fingerprint"),
    ],
)
def test_what_is_wrong_is_named_by_its_key(change, key):
    with pytest.raises(MisfitError) as caught:
        reading.read(Data, CONTENT | change)
    assert caught.value.key.startswith(key)


def test_baselines_are_shares_of_every_predicted_split():
    whole = {"majority": SHARES, "colour_histogram": SHARES}
    assert reading.read(Baselines, whole).colour_histogram["test"].auroc is None
    for change in ({"majority": {"test": {"accuracy": 0.75}}}, {"majority": SHARES | {"test": {"accuracy": 75.0}}}):
        with pytest.raises(MisfitError, match="majority"):
            reading.read(Baselines, whole | change)
