"""Labels from users' files, safe to draw: one line, literal, only characters that the font has, never too wide."""

import functools
import re
import unicodedata

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font, LoadFlags

FONT = "DejaVu Sans"
WEIGHTS = ("normal", "bold")
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
MISSING = "\N{REPLACEMENT CHARACTER}"
LONGEST = 400
POINTS_PER_INCH = 72


def literal(text: str) -> str:
    """One line of drawable characters.

    White space of any kind becomes one space. Characters without a glyph in DejaVu Sans become a replacement character,
    and so do control, format and combining characters, which could break the file, turn the text round or pile up.

    Args:
        text: Any string, lone surrogates included.

    Returns:
        At most `LONGEST` characters; a longer text keeps its two ends.
    """
    spaced = " ".join(unicodedata.normalize("NFC", text).split())
    if len(spaced) > LONGEST:
        spaced = spaced[: LONGEST // 2] + ELLIPSIS + spaced[1 - LONGEST // 2 :]
    return "".join(map(_drawable, spaced))


def width(text: str, size: float, weight: str = "normal") -> float:
    """How wide a text is drawn: the sum of its glyphs' advances, without kerning, inches.

    Args:
        text: Drawable characters.
        size: Points.
        weight: One of `WEIGHTS`.
    """
    return sum(_advance(character, weight) for character in text) * size / POINTS_PER_INCH


def fitted(text: str, room: float, size: float, weight: str = "normal") -> str:
    """The literal text, with its middle replaced by an ellipsis where it is wider than the room.

    Both ends stay, since run names begin with the backbone and end with the seed and the digest.

    Args:
        text: Any string.
        room: Inches.
        size: Points.
        weight: One of `WEIGHTS`.
    """
    text = literal(text)
    if width(text, size, weight) <= room:
        return text
    for length in range(len(text) - 1, 0, -1):
        shorter = text[: (length + 1) // 2].rstrip() + ELLIPSIS + text[len(text) - length // 2 :].lstrip()
        if width(shorter, size, weight) <= room:
            return shorter
    return ELLIPSIS


def wrapped(text: str, room: float, size: float, most: int, weight: str = "normal") -> list[str]:
    """The literal text on several lines, broken at spaces and after hyphens; a line still too wide is shortened.

    Args:
        text: Any string.
        room: Inches.
        size: Points.
        most: Lines, at least 1; the last takes the rest of the text.
        weight: One of `WEIGHTS`.
    """
    lines: list[str] = []
    for part in re.split(r"(?<= )|(?<=\w[-_])(?=\w)", literal(text)):
        if lines and (len(lines) == most or width((lines[-1] + part).rstrip(), size, weight) <= room):
            lines[-1] += part
        else:
            lines.append(part)
    return [fitted(line, room, size, weight) for line in lines if line]


@functools.cache
def _font(weight: str) -> FT2Font:
    """The font file of a weight."""
    return font_manager.get_font(font_manager.findfont(font_manager.FontProperties(family=FONT, weight=weight)))


@functools.cache
def _glyphs() -> frozenset[int]:
    """The code points that every weight can draw."""
    return frozenset.intersection(*(frozenset(_font(weight).get_charmap()) for weight in WEIGHTS))


@functools.cache
def _drawable(character: str) -> str:
    """The character, or the replacement character where it cannot be drawn."""
    if ord(character) not in _glyphs() or unicodedata.category(character)[0] in "CM":
        return MISSING
    return character


@functools.cache
def _advance(character: str, weight: str) -> float:
    """How far a glyph moves the pen, ems."""
    font = _font(weight)
    return font.load_char(ord(character), LoadFlags.NO_SCALE).horiAdvance / font.units_per_EM
