"""From an image file to pixels a network can take: decode, find the fundus disc, crop it to a square, resize.

Every array here is uint8, (height, width, 3), RGB. Embedded colour profiles are ignored. Decode in
processes, not in threads: Python 3.11 can silence Pillow's warnings for the whole process only.
"""

import contextlib
import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from retina.data.preparing.disc import Box, find_disc, find_disc_in, whole
from retina.errors import ImageError
from retina.machine import files

__all__ = ["FORMATS", "MAX_PIXELS", "PREPARATION", "Box", "decode", "find_disc", "prepare", "prepare_bytes"]

PREPARATION = "1"
"""The version of the pixels that `prepare` gives. It is part of the cache's key: raise it when they change."""

FORMATS = ("PNG", "JPEG", "TIFF")
"""The formats that are opened, told by content: a file's extension has no say."""

EXPECTED = f"one whole {', '.join(FORMATS[:-1])} or {FORMATS[-1]}"

MAX_SIDE = 10_000
"""A picture of more pixels a side is refused too: the square around a long strip would be as large as its length."""

MAX_PIXELS = 100_000_000
"""A picture of more pixels is refused before it is decoded (eight times the largest of RFMiD)."""

LARGEST_FILE = 1 << 30
"""Bytes of a file at most: no picture of `MAX_PIXELS` needs more."""

DECODER_ERRORS = (
    OSError,  # truncated and unidentified files, codecs' refusals
    EOFError,
    SyntaxError,  # Pillow's own word for a broken header or a wrong PNG checksum
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    RuntimeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
"""All that Pillow raises on damaged bytes; each becomes an `ImageError`."""

TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The turn that undoes each EXIF orientation (tag 0x0112; 1 is upright)."""

ORIENTATION = 0x0112
BITS_PER_SAMPLE = 258
PHOTOMETRIC = 262


def is_too_large(width: int, height: int) -> bool:
    """Whether a picture of this size is refused."""
    return width * height > MAX_PIXELS or max(width, height) > MAX_SIDE


def decode(path: Path) -> np.ndarray:
    """Read an image file.

    EXIF orientation is applied; grey, palette, CMYK and 16-bit pictures become 8-bit RGB; transparency lies over black.

    Args:
        path: A PNG, JPEG or TIFF file of one picture, whatever its extension.

    Returns:
        (height, width, 3) uint8, RGB.

    Raises:
        ImageError: the file cannot be read or decoded whole, holds several pictures, or is larger than `MAX_PIXELS`.
    """
    return np.array(_open(_read(path), path))


def prepare(path: Path, image_size: int, *, crop: bool = True) -> np.ndarray:
    """Read an image file as a network takes it.

    Args:
        path: A PNG, JPEG or TIFF file.
        image_size: The side of the result, in pixels.
        crop: Crop to the fundus disc first; else the whole picture is kept. Either way the aspect is kept, and what
            lies beyond the picture is black.

    Returns:
        (image_size, image_size, 3) uint8, RGB.

    Raises:
        ImageError: as `decode`.
    """
    return prepare_bytes(_read(path), path, image_size, crop=crop)


def prepare_bytes(data: bytes, where: Path, image_size: int, *, crop: bool = True) -> np.ndarray:
    """Do as `prepare`, from the bytes of the file `where`."""
    image = _open(data, where)
    with _in_words(data, where):
        box = find_disc_in(image) if crop else whole(image.size)
        return np.array(_cut(image, box, image_size))


def _read(path: Path) -> bytes:
    """The bytes of a file, where the operating system gives them."""
    try:
        return files.read_bounded(path, LARGEST_FILE)
    except OSError as error:
        raise ImageError("cannot read the image file", found=error.strerror or str(error), where=path) from error


def _open(data: bytes, where: Path) -> Image.Image:
    """Decode a file's bytes to an upright RGB picture."""
    if not data:
        raise ImageError("the image file is empty", expected=EXPECTED, found="0 bytes", where=where)
    with _in_words(data, where):
        return _upright_rgb(data, where)


@contextlib.contextmanager
def _in_words(data: bytes, where: Path) -> Iterator[None]:
    """Turn what Pillow raises into one helpful line.

    What it merely warns of is either refused (size) or does not touch the pixels (metadata).
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except UnidentifiedImageError as error:
        found = f"a file that starts with {data[:8]!r}"
        raise ImageError("cannot decode the image", expected=EXPECTED, found=found, where=where) from error
    except DECODER_ERRORS as error:
        found = f"{type(error).__name__}: {error}"
        raise ImageError("cannot decode the image", expected=EXPECTED, found=found, where=where) from error


def _upright_rgb(data: bytes, where: Path) -> Image.Image:
    """Decode, with Pillow's own errors where the bytes are damaged."""
    image = Image.open(io.BytesIO(data), formats=FORMATS)
    frames = getattr(image, "n_frames", 1)
    if is_too_large(*image.size):
        expected, found = f"at most {MAX_PIXELS} pixels, {MAX_SIDE} a side", f"{image.width} x {image.height}"
        raise ImageError("the image is too large", expected=expected, found=found, where=where)
    if frames > 1:
        raise ImageError("an animated or multi-page image", expected="one picture", found=f"{frames}", where=where)
    image.load()
    if image.mode in {"I", "F"}:
        raise ImageError("an image without a defined white", expected="8 or 16 bits", found=image.mode, where=where)
    # Pillow has already turned a TIFF and taken its tag away, hence only now.
    turn = TURNS.get(image.getexif().get(ORIENTATION, 1))
    return _rgb(image) if turn is None else _rgb(image).transpose(turn)


def _rgb(image: Image.Image) -> Image.Image:
    """Convert a decoded picture to 8-bit RGB; of more bits the upper eight are kept, as Pillow does for colour."""
    if image.mode.startswith("I;16"):
        tags = getattr(image, "tag_v2", {})
        bits, white_is_zero = tags.get(BITS_PER_SAMPLE, (16,))[0], tags.get(PHOTOMETRIC) == 0
        levels = (np.asarray(image) >> (bits - 8)).astype(np.uint8)
        return Image.fromarray(~levels if white_is_zero else levels).convert("RGB")
    if image.has_transparency_data:
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        return Image.alpha_composite(black, image.convert("RGBA")).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")  # Pillow would copy 12 MB for nothing


def _cut(image: Image.Image, box: Box, image_size: int) -> Image.Image:
    """Cut a square out, black where it reaches beyond the picture, and resize it.

    Bicubic, antialiased: sharper on vessels and microaneurysms than a box, without Lanczos' rings at the disc's rim.
    The reducing gap averages whole blocks first: three times faster at RFMiD's size; pixels moved by 4 of 255 at most.
    """
    square = image.crop((box.left, box.top, box.left + box.size, box.top + box.size))
    return square.resize((image_size, image_size), Image.Resampling.BICUBIC, reducing_gap=2.0)
