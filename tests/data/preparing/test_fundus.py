import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures_on_disk import GREY_16, HEIGHT, RGB, WHOLE, WIDTH, encode, picture
from PIL import Image

from retina.data.preparing import fundus
from retina.errors import ImageError


def png(values: np.ndarray, colour_type: int) -> bytes:
    """A 16-bit PNG made by hand, since Pillow writes grey ones only."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def grey_tiff(data: bytes, bits: int, photometric: int, width: int, height: int) -> bytes:
    """A TIFF of one uncompressed strip, made by hand."""
    fields = {256: width, 257: height, 258: bits, 259: 1, 262: photometric, 273: 0, 277: 1, 278: height, 279: len(data)}
    fields[273] = 8 + 2 + 12 * len(fields) + 4
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in fields.items())
    return b"II*\0" + struct.pack("<IH", 8, len(fields)) + entries + struct.pack("<I", 0) + data


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write bytes to a file."""

    def to(data: bytes, name: str = "eye.png") -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return to


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_lossless_colour_comes_back_exactly(kind: str, write: Callable[..., Path]) -> None:
    found = fundus.decode(write(encode(RGB, kind)))
    assert found.dtype == np.uint8
    assert found.flags.writeable
    np.testing.assert_array_equal(found, picture())


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_compressed_tiff_comes_back_exactly(compression: str, write: Callable[..., Path]) -> None:
    np.testing.assert_array_equal(fundus.decode(write(encode(RGB, "TIFF", compression=compression))), picture())


@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_comes_back_nearly(progressive: bool, write: Callable[..., Path]) -> None:
    found = fundus.decode(write(encode(RGB, "JPEG", quality=95, subsampling=0, progressive=progressive)))
    assert np.abs(found.astype(int) - picture()).max() <= 12


def test_the_content_and_not_the_extension_tells_the_format(write: Callable[..., Path]) -> None:
    assert fundus.decode(write(WHOLE["jpeg"], "eye.png")).shape == (HEIGHT, WIDTH, 3)
    np.testing.assert_array_equal(fundus.decode(write(WHOLE["png"], "eye.jpg")), picture())


def test_grey_and_black_and_white_become_three_equal_channels(write: Callable[..., Path]) -> None:
    grey = RGB.convert("L")
    expected = np.repeat(np.asarray(grey)[..., None], 3, axis=2)
    np.testing.assert_array_equal(fundus.decode(write(encode(grey, "PNG"))), expected)
    found = fundus.decode(write(encode(grey.convert("1"), "PNG")))
    assert set(np.unique(found)) == {0, 255}


def test_a_palette_becomes_its_colours(write: Callable[..., Path]) -> None:
    image = RGB.quantize(16)
    np.testing.assert_array_equal(fundus.decode(write(encode(image, "PNG"))), np.asarray(image.convert("RGB")))


def test_the_transparent_colour_of_a_palette_is_black(write: Callable[..., Path]) -> None:
    image = RGB.quantize(16)
    found = fundus.decode(write(encode(image, "PNG", transparency=3)))
    expected = np.asarray(image.convert("RGB")) * (np.asarray(image) != 3)[..., None]
    assert (np.asarray(image) == 3).any()
    np.testing.assert_array_equal(found, expected)


def test_transparency_lies_over_black(write: Callable[..., Path]) -> None:
    alpha = np.tile(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, 1))
    for kind in ("PNG", "TIFF"):
        found = fundus.decode(write(encode(Image.fromarray(np.dstack([picture(), alpha])), kind)))
        expected = picture() * (alpha[..., None] / 255)
        assert np.abs(found - expected).max() <= 1


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_becomes_rgb_and_not_its_negative(kind: str, write: Callable[..., Path]) -> None:
    options = {"quality": 95, "subsampling": 0} if kind == "JPEG" else {}
    found = fundus.decode(write(encode(RGB.convert("CMYK"), kind, **options)))
    assert np.abs(found.astype(int) - picture()).max() <= 12


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_and_not_clipped(kind: str, write: Callable[..., Path]) -> None:
    found = fundus.decode(write(encode(GREY_16, kind)))
    np.testing.assert_array_equal(found, np.repeat(picture()[..., :1], 3, axis=2))


def test_16_bit_grey_and_16_bit_colour_scale_alike(write: Callable[..., Path]) -> None:
    values = np.linspace(0, 65535, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.uint16)
    grey = fundus.decode(write(png(values, 0)))
    colour = fundus.decode(write(png(np.repeat(values[..., None], 3, axis=2).reshape(HEIGHT, -1, 3), 2)))
    np.testing.assert_array_equal(grey, colour)
    assert (grey[0, 0, 0], grey[-1, -1, 0]) == (0, 255)


def test_12_bit_grey_is_scaled_by_its_own_white(write: Callable[..., Path]) -> None:
    levels = picture()[..., 0].astype(int) * 16 + 15
    even, odd = levels.ravel()[::2], levels.ravel()[1::2]
    packed = np.stack([even >> 4, (even & 15) << 4 | odd >> 8, odd & 255], axis=1).astype(np.uint8).tobytes()
    found = fundus.decode(write(grey_tiff(packed, 12, 1, WIDTH, HEIGHT)))
    np.testing.assert_array_equal(found[..., 0], picture()[..., 0])


def test_16_bit_grey_whose_zero_is_white_is_turned_round(write: Callable[..., Path]) -> None:
    data = (picture()[..., 0].astype("<u2") * 257).tobytes()
    found = fundus.decode(write(grey_tiff(data, 16, 0, WIDTH, HEIGHT)))
    np.testing.assert_array_equal(found[..., 0], 255 - picture()[..., 0])


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_pixels_without_a_defined_white_are_refused(dtype: type, write: Callable[..., Path]) -> None:
    with pytest.raises(ImageError, match="without a defined white"):
        fundus.decode(write(encode(Image.fromarray(picture()[..., 0].astype(dtype)), "TIFF")))


UPRIGHT = {
    1: lambda image: image,
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.swapaxes(0, 1),
    6: lambda image: np.rot90(image, -1),
    7: lambda image: image[::-1, ::-1].swapaxes(0, 1),
    8: lambda image: np.rot90(image, 1),
}


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG"])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_exif_orientation_is_applied_once(kind: str, orientation: int, write: Callable[..., Path]) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95, "subsampling": 0} if kind == "JPEG" else {}
    found = fundus.decode(write(encode(RGB, kind, exif=exif, **options)))
    expected = UPRIGHT[orientation](picture())
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected).max() <= (12 if kind == "JPEG" else 0)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_several_pictures_in_one_file_are_refused_by_name(kind: str, write: Callable[..., Path]) -> None:
    path = write(encode(RGB, kind, save_all=True, append_images=[RGB.rotate(180)]))
    with pytest.raises(ImageError, match="animated or multi-page") as caught:
        fundus.decode(path)
    assert caught.value.where == path


@pytest.mark.parametrize("data", [b"", b"not an image", b"GIF89a", WHOLE["png"][:8], encode(RGB, "GIF"), b"%PDF-1.7"])
def test_what_is_no_picture_is_an_image_error_that_names_the_file(data: bytes, write: Callable[..., Path]) -> None:
    path = write(data)
    with pytest.raises(ImageError) as caught:
        fundus.decode(path)
    assert caught.value.where == path
    assert "\n" not in str(caught.value)
    assert "object at 0x" not in str(caught.value)


def test_errors_of_pillow_that_are_no_oserror_are_image_errors(write: Callable[..., Path]) -> None:
    """A TIFF whose list of tags is cut short, and a PNG whose comment would unpack to megabytes."""
    short = bytearray(WHOLE["tiff16"])
    short[8] = 6
    bloated = WHOLE["png"][:33] + chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(3 << 20))) + WHOLE["png"][33:]
    for data, cause in ((bytes(short), TypeError), (bloated, ValueError)):
        with pytest.raises(ImageError) as caught:
            fundus.decode(write(data))
        assert isinstance(caught.value.__cause__, cause)


def test_a_missing_file_and_a_folder_are_image_errors(tmp_path: Path) -> None:
    for path in (tmp_path / "none.png", tmp_path):
        with pytest.raises(ImageError, match="cannot read"):
            fundus.decode(path)


@pytest.mark.parametrize("tenth", range(10))
@pytest.mark.parametrize("kind", [kind for kind in WHOLE if kind != "palette"])
def test_a_truncated_file_is_an_image_error(kind: str, tenth: int, write: Callable[..., Path]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    image = Image.fromarray(noise if "16" not in kind else noise[..., 0].astype(np.uint16) * 257)
    options = {"progressive": {"progressive": True}, "tiff lzw": {"compression": "tiff_lzw"}}.get(kind, {})
    image = image.convert("CMYK") if kind == "cmyk" else image
    format_ = {"png": "PNG", "tif": "TIFF"}.get(kind[:3], "JPEG")
    whole = encode(image, format_, **options)
    with pytest.raises(ImageError):
        fundus.decode(write(whole[: len(whole) * tenth // 10]))


def test_a_png_with_a_flipped_bit_in_its_pixels_is_never_a_picture(write: Callable[..., Path]) -> None:
    """Its checksum tells, even where the pixels could still be inflated."""
    stored = encode(RGB, "PNG", compress_level=0)
    for place in range(stored.index(b"IDAT") + 4, len(stored) - 12, 97):
        damaged = bytearray(stored)
        damaged[place] ^= 1
        with pytest.raises(ImageError):
            fundus.decode(write(bytes(damaged)))


@pytest.mark.parametrize("side", [10_001, 16_000, 60_000, 2**31 - 1])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(side: int, write: Callable[..., Path]) -> None:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    path = write(WHOLE["png"][:8] + header + WHOLE["png"][33:])
    with pytest.raises(ImageError) as caught:
        fundus.decode(path)
    assert "pixels" in str(caught.value)
    assert caught.value.where == path


@pytest.mark.parametrize("size", [(1, 10_001), (20_000, 3)])
def test_a_long_strip_is_refused_since_its_square_would_be_a_bomb(
    size: tuple[int, int], write: Callable[..., Path]
) -> None:
    path = write(encode(Image.new("RGB", size), "PNG"))
    with pytest.raises(ImageError, match="10000 a side"):
        fundus.prepare(path, 16)


def decodes_or_refuses(data: bytes) -> None:
    """Check the only two outcomes there may be."""
    try:
        found = fundus.prepare_bytes(data, Path("eye.png"), 16)
    except ImageError:
        return
    assert (found.shape, found.dtype) == ((16, 16, 3), np.uint8)


@given(
    st.binary(max_size=200), st.sampled_from([b"", WHOLE["png"][:33], WHOLE["jpeg"][:20], WHOLE["tiff"][:8], b"MM\0*"])
)
def test_random_bytes_decode_or_are_an_image_error(data: bytes, start: bytes) -> None:
    decodes_or_refuses(start + data)


@given(
    st.sampled_from(sorted(WHOLE)),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=4),
    st.booleans(),
)
def test_damaged_files_decode_or_are_an_image_error(kind: str, flips: list[tuple[float, int]], in_header: bool) -> None:
    data = bytearray(WHOLE[kind])
    reach = min(len(data), 200) if in_header else len(data)
    for place, mask in flips:
        data[int(place * reach)] ^= mask
    decodes_or_refuses(bytes(data))


def eye(
    height: int = 300, width: int = 450, radius: float = 130, centre: tuple[float, float] = (210.0, 140.0)
) -> np.ndarray:
    """A disc of even colour on black; centre is (x, y)."""
    y, x = np.mgrid[:height, :width] + 0.5
    inside = np.hypot(x - centre[0], y - centre[1]) < radius
    return (inside[..., None] * np.array([180, 90, 40])).astype(np.uint8)


def test_the_prepared_disc_fills_the_square(write: Callable[..., Path]) -> None:
    found = fundus.prepare(write(encode(Image.fromarray(eye()), "PNG")), 100)
    assert found.shape == (100, 100, 3)
    lit = found.max(axis=2) > 90
    for profile in (lit.any(axis=0), lit.any(axis=1)):
        reached = np.flatnonzero(profile)
        assert reached[0] <= 1
        assert reached[-1] >= 98
    y, x = np.mgrid[:100, :100] - 49.5
    assert lit[np.hypot(x, y) < 48].all()
    assert not lit[np.hypot(x, y) > 52].any()


def test_a_disc_cut_by_the_picture_stays_round_with_black_where_nothing_was_seen(write: Callable[..., Path]) -> None:
    cut = eye(height=200, centre=(225.0, 100.0))
    found = fundus.prepare(write(encode(Image.fromarray(cut), "PNG")), 130)
    lit = found.max(axis=2) > 90
    assert np.flatnonzero(lit.any(axis=0))[[0, -1]] == pytest.approx([0, 129], abs=1)
    assert np.flatnonzero(lit.any(axis=1))[[0, -1]] == pytest.approx([15, 114], abs=1)


def test_without_cropping_the_whole_picture_keeps_its_aspect(write: Callable[..., Path]) -> None:
    white = Image.new("RGB", (200, 100), "white")
    found = fundus.prepare(write(encode(white, "PNG")), 64, crop=False)
    assert (found[18:46] == 255).all()
    assert not found[:14].any()
    assert not found[50:].any()


def test_where_no_disc_is_seen_nothing_is_cut_away(write: Callable[..., Path]) -> None:
    path = write(WHOLE["png"])
    np.testing.assert_array_equal(fundus.prepare(path, 32), fundus.prepare(path, 32, crop=False))


@pytest.mark.parametrize("image_size", [1, 7, 224])
@pytest.mark.parametrize("shape", [(1, 1), (1, 90), (3, 2), (50, 60)])
def test_any_picture_gives_a_square_of_any_size(
    shape: tuple[int, int], image_size: int, write: Callable[..., Path]
) -> None:
    path = write(encode(Image.new("RGB", shape, (9, 9, 9)), "PNG"))
    assert fundus.prepare(path, image_size).shape == (image_size, image_size, 3)


def test_preparing_a_photograph_keeps_its_light(shared: Path) -> None:
    """The reducing gap and the filter move the mean of a real photograph by less than a level."""
    path = shared / "data/fundus/Training_Set/Training/1.jpg"
    image, box = fundus.decode(path), fundus.find_disc(fundus.decode(path))
    square = Image.fromarray(image).crop((box.left, box.top, box.left + box.size, box.top + box.size))
    slow = np.asarray(square.resize((96, 96), Image.Resampling.BICUBIC)).astype(int)
    fast = fundus.prepare(path, 96).astype(int)
    assert abs(slow.mean() - fast.mean()) < 1
    assert np.abs(slow - fast).max() <= 8
