"""From an image file to the pixels that a network takes: decode, find the fundus disc, crop it to a square, resize.

Every array here is uint8, (height, width, 3), RGB. Embedded colour profiles are ignored. Decode in processes, not in
threads: Python 3.11 can silence Pillow's warnings only for the whole process.
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

from retina.data.preparing.disc import Box, enclosing_square, find_disc, find_disc_in
from retina.errors import ImageError
from retina.machine import files

__all__ = ["FORMATS", "MAX_PIXELS", "PREPARATION", "Box", "decode", "find_disc", "prepare", "prepare_bytes"]

PREPARATION = "1"
"""The version of the pixels that `prepare` returns. It is part of a cache's key: raise it when the pixels change."""

FORMATS = ("PNG", "JPEG", "TIFF")
"""The formats that are opened. A file's content decides its format, not its extension."""

EXPECTED = f"one whole {', '.join(FORMATS[:-1])} or {FORMATS[-1]}"

MAX_SIDE = 10_000
"""A picture with a longer side is refused: the square around a long strip is as large as its length."""

MAX_PIXELS = 100_000_000
"""A picture with more pixels is refused before it is decoded (the limit is eight times RFMiD's largest picture)."""

LARGEST_FILE = 1 << 30
"""The most bytes of a file: no picture of `MAX_PIXELS` needs more."""

DECODER_ERRORS = (
    OSError,  # truncated and unidentified files, codecs' refusals
    EOFError,
    SyntaxError,  # what Pillow raises for a broken header or a wrong PNG checksum
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

    EXIF orientation is applied; grey, palette, CMYK and 16-bit pictures become 8-bit RGB; transparency is put on
    black.

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
        crop: Crop to the fundus disc first; otherwise keep the whole picture. In both cases the aspect is kept, and
            what is outside of the picture is black.

    Returns:
        (image_size, image_size, 3) uint8, RGB.

    Raises:
        ImageError: as `decode`.
    """
    return prepare_bytes(_read(path), path, image_size, crop=crop)


def prepare_bytes(data: bytes, where: Path, image_size: int, *, crop: bool = True) -> np.ndarray:
    """`prepare` from the bytes of the file `where`."""
    image = _open(data, where)
    with _image_errors(data, where):
        box = find_disc_in(image) if crop else enclosing_square(image.size)
        return np.array(_crop_and_resize(image, box, image_size))


def _read(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        ImageError: it cannot be read, or is larger than `LARGEST_FILE`.
    """
    try:
        return files.read_bounded(path, LARGEST_FILE)
    except OSError as error:
        raise ImageError("cannot read the image file", found=error.strerror or str(error), where=path) from error


def _open(data: bytes, where: Path) -> Image.Image:
    """Decode a file's bytes to an upright RGB picture."""
    if not data:
        raise ImageError("the image file is empty", expected=EXPECTED, found="0 bytes", where=where)
    with _image_errors(data, where):
        return _upright_rgb(data, where)


@contextlib.contextmanager
def _image_errors(data: bytes, where: Path) -> Iterator[None]:
    """Turn what Pillow raises into an `ImageError`.

    Pillow's warnings are ignored: they are about sizes, which are checked here, or about metadata.
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
    """Decode to upright 8-bit RGB; damaged bytes raise Pillow's own errors."""
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
    # Read after `load`, which turns a TIFF itself and removes its tag.
    turn = TURNS.get(image.getexif().get(ORIENTATION, 1))
    return _rgb(image) if turn is None else _rgb(image).transpose(turn)


def _rgb(image: Image.Image) -> Image.Image:
    """Convert a decoded picture to 8-bit RGB; of 16 bits the upper eight are kept, as Pillow does for colour."""
    if image.mode.startswith("I;16"):
        tags = getattr(image, "tag_v2", {})
        bits, white_is_zero = tags.get(BITS_PER_SAMPLE, (16,))[0], tags.get(PHOTOMETRIC) == 0
        levels = (np.asarray(image) >> (bits - 8)).astype(np.uint8)
        return Image.fromarray(~levels if white_is_zero else levels).convert("RGB")
    if image.has_transparency_data:
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        return Image.alpha_composite(black, image.convert("RGBA")).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")  # convert would copy 12 MB


def _crop_and_resize(image: Image.Image, box: Box, image_size: int) -> Image.Image:
    """Crop to a square, black where it reaches beyond the picture, and resize it.

    Bicubic with antialiasing is sharper on vessels and microaneurysms than a box filter, and has no rings at the disc's
    rim as Lanczos has. With the reducing gap Pillow first averages whole blocks, which is three times faster at RFMiD's
    size and changes pixels by at most 4 of 255.
    """
    square = image.crop((box.left, box.top, box.left + box.size, box.top + box.size))
    return square.resize((image_size, image_size), Image.Resampling.BICUBIC, reducing_gap=2.0)
