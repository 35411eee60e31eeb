"""The same picture as the bytes of files of every format."""

import io

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 40, 56


def picture() -> np.ndarray:
    """Smooth colours without any symmetry, so that JPEG keeps them and every turn shows."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([60 + 3 * x, 40 + 4 * y, 200 - 2 * x - y], axis=2).astype(np.uint8)


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    """The bytes of an image file."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


RGB = Image.fromarray(picture())


GREY_16 = Image.fromarray(picture()[..., 0].astype(np.uint16) * 257)


WHOLE = {
    "png": encode(RGB, "PNG"),
    "png16": encode(GREY_16, "PNG"),
    "palette": encode(RGB.quantize(16), "PNG", transparency=3),
    "jpeg": encode(RGB, "JPEG", quality=95),
    "progressive": encode(RGB, "JPEG", quality=95, progressive=True),
    "cmyk": encode(RGB.convert("CMYK"), "JPEG", quality=95),
    "tiff": encode(RGB, "TIFF"),
    "tiff lzw": encode(RGB, "TIFF", compression="tiff_lzw"),
    "tiff16": encode(GREY_16, "TIFF"),
}
