"""The numbers of an audit are those of the files."""

from planted_faults import checked, lose, stranger
from sets_on_disk import (
    image_of,
    write_image,
    write_official,
)


def test_the_counts_are_those_of_the_files(tmp_path):
    root = write_official(tmp_path)
    lose(root)
    empty_path = image_of(root, "validation", "1.png")
    empty_path.write_bytes(b"")
    stranger(root)
    write_image(image_of(root, "test", "1.png"), 5, (30, 20))
    result = checked(root)
    common = {"missing": 0, "unreadable": 0, "truncated": 0, "extra": 0}
    assert result.classes["train positive"]["missing"] + result.classes["train negative"]["missing"] == 2
    assert (
        result.classes["validation positive"]["unreadable"] + result.classes["validation negative"]["unreadable"] == 1
    )
    assert result.splits == {
        "train": common | {"listed": 6, "found": 4, "missing": 2, "positives": 4, "negatives": 2, "prevalence": 4 / 6},
        "validation": common
        | {"listed": 3, "found": 3, "unreadable": 1, "positives": 2, "negatives": 1, "prevalence": 2 / 3},
        "test": common | {"listed": 3, "found": 3, "extra": 1, "positives": 2, "negatives": 1, "prevalence": 2 / 3},
    }
    assert list(result.sizes) == ["16x12", "30x20"]
    assert result.sizes["30x20"] == {
        "images": 1,
        "train": 0,
        "validation": 0,
        "test": 1,
        "positives": 1,
        "negatives": 0,
        "prevalence": 1.0,
    }
    assert result.sizes["16x12"]["images"] == 8
