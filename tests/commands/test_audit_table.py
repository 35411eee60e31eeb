"""An audit as text is short, names every rule and fits a terminal."""

from planted_faults import checked, copy_within, empty, relabel, stranger
from sets_on_disk import (
    copy_image,
    write_official,
)

from retina.commands import audit_table


def test_the_summary_names_every_problem_in_lines_of_100_columns(tmp_path):
    root = write_official(tmp_path / "set")
    for plant in (empty, stranger, copy_within):
        plant(root)
    relabel(root, "ID,Disease_Risk\n" + "".join(f"{row},{'no label ' * 3}\n" for row in range(1, 6)) + "6,1\n")
    result = checked(root)
    text = audit_table.summary(result)
    assert all(len(line) <= 100 for line in text.replace(str(root), "").splitlines())
    assert all(problem.rule in text for problem in result.problems)
    assert "train/1, train/3 are the same image" in text
    assert f"{len(result.errors)} errors" in text
    assert [line.split()[:2] for line in text.splitlines() if line.startswith("train   ")] == [["train", "6"]]


def test_the_summary_of_many_problems_is_short_and_says_how_many_more(tmp_path):
    root = write_official(tmp_path, labels={"train": (1, 0) * 12, "validation": (1, 0) * 12, "test": (1, 0)})
    for row in range(1, 25):
        copy_image(root, ("train", f"{row}.png"), ("validation", f"{row}.png"))
    text = audit_table.summary(checked(root, thorough=False))
    assert "and 16 more" in text
    assert text.count("are the same image") == 8
