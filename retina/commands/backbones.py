"""`python cli.py backbones`: what can be trained, from whom, how large, from which weights."""

import json
from typing import TYPE_CHECKING, Any

import click

from retina.commands.options import json_option
from retina.machine import installation

if TYPE_CHECKING:
    from retina.models.backbones.catalogue import Facts

COLUMNS = ("backbone", "parameters", "GFLOPs", "recipe of ImageNet weights", "installed")
TO_THE_RIGHT = (1, 2)


@click.command()
@click.option("--provider", metavar="NAME", help="list those of one provider: retina, keras, keras_cv or keras_hub")
@json_option
def backbones(provider: str | None, *, as_json: bool) -> None:
    """List every backbone that `run` can train, with its size, its weights and whom to cite.

    GFLOPs are thousand million floating-point operations of one forward pass of one image of 224 x 224 pixels, two for
    each multiply-add.

    Example: python cli.py backbones --provider keras
    """
    from retina.models.backbones import catalogue

    listed = catalogue.every() if provider is None else catalogue.of_provider(provider)
    if as_json:
        click.echo(json.dumps([to_json(facts) for facts in listed.values()], indent=2))
        return
    rows = [COLUMNS, *(row(facts) for facts in listed.values())]
    widths = [max(len(line[place]) for line in rows) for place in range(len(COLUMNS))]
    for line in rows:
        sides = ["rjust" if place in TO_THE_RIGHT else "ljust" for place in range(len(COLUMNS))]
        cells = [getattr(cell, side)(width) for cell, side, width in zip(line, sides, widths, strict=True)]
        click.echo("  ".join(cells).rstrip())
    for remark in (citation, terms, how_to_install):
        lines = dict.fromkeys(line for line in map(remark, listed.values()) if line)
        click.echo("".join(f"\n{line}" for line in lines), nl=bool(lines))


def row(facts: "Facts") -> tuple[str, ...]:
    """A backbone in a line of the table."""
    weights = facts.recipe if facts.pretrained else "none published"
    gflops = f"{to_json(facts)['gflops']:.2f}"
    return (facts.name, f"{facts.parameters:,}", gflops, weights, "yes" if facts.installed else "no")


def citation(facts: "Facts") -> str:
    """Whom to cite for a family of backbones, and what it does to the pixels."""
    return f"{facts.recipe}: {facts.paper}. Preprocessing: {facts.preprocessing.words}."


def terms(facts: "Facts") -> str:
    """Terms of a provider, and where its weights come from."""
    return f"{facts.title}: {facts.licence}. Weights from {facts.source}"


def how_to_install(facts: "Facts") -> str | None:
    """What to type where a provider's library is not installed."""
    return None if facts.installed else f"{facts.title} is not installed: {installation.command(facts.extra)}"


def to_json(facts: "Facts") -> dict[str, Any]:
    """A backbone as plain JSON values."""
    return {
        "name": facts.name,
        "provider": facts.provider,
        "parameters": facts.parameters,
        "multiply_adds": facts.multiply_adds,
        "gflops": round(2 * facts.multiply_adds / 1e9, 3),
        "channels": facts.channels,
        "smallest_image": facts.smallest,
        "preprocessing": facts.preprocessing.words,
        "weights": "imagenet" if facts.pretrained else None,
        "recipe": facts.recipe if facts.pretrained else None,
        "source": facts.source,
        "licence": facts.licence,
        "paper": facts.paper,
        "extra": facts.extra,
        "installed": facts.installed,
    }
