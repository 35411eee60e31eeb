"""An audit as text: a table of splits, one of image sizes, and every problem."""

import textwrap
from itertools import groupby

from retina.data.auditing.audit import Audit
from retina.data.auditing.rules import Problem, count
from retina.experiments.target import DEFAULT

WIDTH = 100


SHOWN = 8


def summary(audit: Audit) -> str:
    """The audit as plain text of at most 100 columns: a table of splits, one of image sizes, and every problem."""
    depth = "every image decoded" if audit.thorough else "headers only; `data audit` decodes every image"
    target = "" if audit.target == DEFAULT else f"target {audit.target.name}, "
    parts = [f"{audit.folder}\n{audit.layout} layout, {target}{depth}"]
    parts += [_text_table("split", audit.splits), _text_table("class", audit.classes)]
    if audit.sizes:
        parts.append(_text_table("image size", audit.sizes))
    parts += [_rule_text(rule, list(problems)) for rule, problems in groupby(audit.problems, lambda item: item.rule)]
    errors, others = len(audit.errors), len(audit.problems) - len(audit.errors)
    parts.append(f"{count(errors, 'error')}, {count(others, 'warning')}")
    return "\n\n".join(parts)


def _text_table(head: str, rows: dict[str, dict[str, int | float | None]]) -> str:
    """A table with right-aligned numbers; only the first rows where there are many."""
    columns = list(next(iter(rows.values())))
    shown = [[head, *columns]]
    shown += [
        [name, *(_cell(column, values[column]) for column in columns)] for name, values in list(rows.items())[:SHOWN]
    ]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in shown
    ]
    if len(rows) > SHOWN:
        lines.append(f"and {len(rows) - SHOWN} more")
    return "\n".join(lines)


def _cell(column: str, value: float | None) -> str:
    """A number as text; prevalence in per cent."""
    if value is None:
        return "-"
    return f"{value:.1%}" if column == "prevalence" else f"{value:,}"


def _rule_text(rule: str, problems: list[Problem]) -> str:
    """The problems of one rule, the first ones in words."""
    lines = [f"{problems[0].severity}: {rule}"]
    for problem in problems[:SHOWN]:
        lines += textwrap.wrap(problem.sentence, WIDTH - 2, initial_indent="  ", subsequent_indent="    ")
    if len(problems) > SHOWN:
        lines.append(f"  and {len(problems) - SHOWN} more (all of them with --json)")
    return "\n".join(lines)
