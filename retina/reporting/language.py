"""The sentences of a report in its language: English and Traditional Chinese, with the same numbers in the same format.

Sentences are data: `languages/<language>/<group>.toml` maps a key to a template such as
`"best epoch {epoch:d}, validation loss {loss:.3f}"`. A test holds that both languages have the same keys, the same
fields in the same formats and no other digits, so that no number can be missing from one of them.
"""

import functools
import tomllib
from dataclasses import dataclass

from retina import PACKAGE
from retina.errors import RetinaError

FOLDER = PACKAGE / "reporting" / "languages"
LANGUAGES = tuple(sorted(folder.name for folder in FOLDER.iterdir() if folder.is_dir()))


@dataclass(frozen=True)
class Language:
    """A language that reports can be written in.

    Args:
        name: `en` or `zh-TW`.

    Raises:
        RetinaError: retina has no sentences in that language.
    """

    name: str

    def __post_init__(self) -> None:
        if self.name not in LANGUAGES:
            raise RetinaError(
                "unknown language",
                expected=" or ".join(LANGUAGES),
                found=self.name,
                advice="name one of these languages",
            )

    def say(self, key: str, /, **fields: object) -> str:
        """The sentence or term of a key, its fields filled in.

        Args:
            key: `<group>.<name>`, such as `findings.best_epoch`; deeper tables add further dots.
            **fields: The fields of the template, formatted as the template says.

        Returns:
            Plain text, no markup.
        """
        template = sentences(self.name)[key]
        return template.format(**fields) if fields else template

    def knows(self, key: str) -> bool:
        """Whether there is a sentence of that key."""
        return key in sentences(self.name)


@functools.cache
def sentences(language: str) -> dict[str, str]:
    """Every template of a language, by its dotted key."""
    templates: dict[str, str] = {}
    for path in sorted((FOLDER / language).glob("*.toml")):
        _flatten(path.stem, tomllib.loads(path.read_text(encoding="utf-8")), templates)
    return templates


def _flatten(prefix: str, table: dict[str, object], into: dict[str, str]) -> None:
    """Put the texts of nested tables under dotted keys."""
    for name, value in table.items():
        if isinstance(value, dict):
            _flatten(f"{prefix}.{name}", value, into)
        else:
            into[f"{prefix}.{name}"] = str(value)
