"""A grid of learning rates as text for a terminal, with the suggestion of the range test."""

import numpy as np

from retina.analysis.comparing.rate_grid import Grid

CAVEAT = (
    "The grid is the answer that the range test is checked against, since range tests mislead on unfrozen fine-tuning."
)


def render(grid: Grid, suggestion: float | None) -> str:
    """A grid as plain text, with the suggestion of the range test, `None` where it has none."""
    lines = ["Grid: the same run at each learning rate, judged on the validation images alone", ""]
    lines.append(f"{'rate':>8}  {'status':<14}{'validation AUROC':>18}")
    for rate, area in grid.aurocs.items():
        lines.append(f"{rate:>8g}  {grid.statuses[rate]:<14}{'-' if area is None else f'{area:.4f}':>18}")
    lines.append("")
    for pair in grid.pairs:
        p = "not testable" if pair.p_holm is None else f"p {pair.p_holm:.3f}"
        verdict = "told apart" if pair.apart else "not told apart"
        lines.append(f"{pair.first:g} against {pair.second:g}: {pair.difference:+.4f}, {p} (DeLong, Holm), {verdict}")
    lines.append("")
    if grid.best is None:
        lines.append("No run of the grid is finished, so it has no answer.")
        return "\n".join([*lines, CAVEAT])
    rivals = [pair for pair in grid.pairs if grid.best in (pair.first, pair.second)]
    clear = [pair for pair in rivals if pair.apart]
    if rivals and len(clear) == len(rivals):
        lines.append(f"Best is {grid.best:g}, and it can be told apart from the others on {grid.images} images.")
    else:
        alike = [f"{pair.second if pair.first == grid.best else pair.first:g}" for pair in rivals if not pair.apart]
        rest = f", but on {grid.images} images it cannot be told apart from {' or '.join(alike)}" if alike else ""
        lines.append(f"Best is {grid.best:g}{rest}.")
    if suggestion is not None:
        closest = min(grid.aurocs, key=lambda rate: abs(np.log(rate / suggestion)))
        agrees = "agree" if closest == grid.best else "disagree"
        lines.append(f"The range test suggests {suggestion:.2e}, of the grid nearest to {closest:g}: the two {agrees}.")
    return "\n".join([*lines, CAVEAT])
