from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageDraw, ImageFilter

from retina.data.preparing import disc, fundus
from retina.data.preparing.disc import Box, enclosing_square, find_disc

HEIGHT, WIDTH, RADIUS = 300, 440, 130.0
CENTRE = (225.0, 148.0)


def draw(
    *,
    height: int = HEIGHT,
    width: int = WIDTH,
    centre: tuple[float, float] = CENTRE,
    radius: float = RADIUS,
    level: float = 150.0,
    black: float = 2.0,
    noise: float = 3.0,
    rim: float = 0.7,
    seed: int = 0,
) -> np.ndarray:
    """A disc of red-orange on black that darkens to `rim` of its level at the rim, under noise; centre is (x, y)."""
    y, x = np.mgrid[:height, :width] + 0.5
    away = np.hypot(x - centre[0], y - centre[1])
    inside = np.clip(radius - away + 0.5, 0, 1)
    light = level * (1 - (1 - rim) * np.minimum(away / radius, 1) ** 2)
    picture = (black + inside * (light - black))[..., None] * np.array([1, 0.55, 0.3])
    return np.clip(picture + np.random.default_rng(seed).normal(0, noise, picture.shape), 0, 255).astype(np.uint8)


def assert_finds(box: Box, centre: tuple[float, float], radius: float, tolerance: float) -> None:
    found = (box.left + box.size / 2, box.top + box.size / 2, box.size / 2)
    assert found == pytest.approx((*centre, radius), abs=tolerance)


@settings(max_examples=50)
@given(
    x=st.floats(0.42, 0.58),
    y=st.floats(0.42, 0.58),
    radius=st.floats(0.3, 0.65),
    level=st.floats(25, 255),
    black=st.floats(0, 8),
    noise=st.floats(0, 12),
    seed=st.integers(0, 99),
)
def test_a_disc_is_found_wherever_it_lies(
    *, x: float, y: float, radius: float, level: float, black: float, noise: float, seed: int
) -> None:
    """Its centre and radius, cut at top and bottom or not, dark or bright, to 2 % of the radius."""
    centre, radius = (x * WIDTH, y * HEIGHT), radius * HEIGHT
    noise = min(noise, level / 6)
    assume(radius < centre[0] < WIDTH - radius)
    image = draw(centre=centre, radius=radius, level=level, black=black, noise=noise, seed=seed)
    assert_finds(find_disc(image), centre, radius, max(2.0, 0.02 * radius))


def test_a_lifted_black_level_is_black() -> None:
    assert_finds(find_disc(draw(black=40, level=110, noise=8)), CENTRE, RADIUS, 3)


def test_a_disc_as_dark_as_the_border_of_another_picture_is_found() -> None:
    assert_finds(find_disc(draw(black=2, level=14, noise=2, rim=1)), CENTRE, RADIUS, 3)


@pytest.mark.parametrize("seed", range(8))
def test_noise_of_half_the_fundus_light_in_a_small_picture_does_not_hide_the_disc(seed: int) -> None:
    image = draw(height=180, width=240, centre=(118.0, 92.0), radius=75.0, level=20, noise=8, rim=1, seed=seed)
    assert_finds(find_disc(image), (118.0, 92.0), 75, 2)


def test_text_in_a_corner_is_no_part_of_the_disc() -> None:
    image = Image.fromarray(draw(level=60))
    write = ImageDraw.Draw(image)
    write.text((2, 2), "PATIENT 0042\nRIGHT EYE", fill="white", font_size=22)
    write.text((330, 270), "2020-01-01", fill="yellow", font_size=20)
    assert_finds(find_disc(np.asarray(image)), CENTRE, RADIUS, 1.5)


def test_a_bright_optic_disc_does_not_hide_a_dark_fundus() -> None:
    image = Image.fromarray(draw(level=40))
    ImageDraw.Draw(image).ellipse((290, 120, 335, 165), fill=(255, 240, 190))
    assert_finds(find_disc(np.asarray(image)), CENTRE, RADIUS, 3)


def test_the_circle_is_fitted_to_all_that_lies_on_it() -> None:
    """So its centre is known to a fifth of the reduced picture's pixel, which is seven of the picture's."""
    misses = []
    for seed in range(6):
        image = Image.fromarray(draw(height=1200, width=1760, centre=(900.0, 592.0), radius=520.0, seed=seed))
        ImageDraw.Draw(image).pieslice((360, 40, 1440, 1160), 200, 300, fill=(3, 2, 1))
        top, left, size = find_disc(np.asarray(image))
        misses.append(max(abs(left + size / 2 - 900), abs(top + size / 2 - 592)))
    assert np.mean(misses) < 1.5


def test_a_sector_without_light_is_still_the_disc() -> None:
    image = Image.fromarray(draw())
    ImageDraw.Draw(image).pieslice((90, 10, 360, 290), 200, 300, fill=(3, 2, 1))
    assert_finds(find_disc(np.asarray(image)), CENTRE, RADIUS, 1.5)


def test_large_and_small_pictures_of_one_eye_give_one_square() -> None:
    small, large = draw(), draw(height=4 * HEIGHT, width=4 * WIDTH, centre=(900.0, 592.0), radius=4 * RADIUS)
    assert [4 * length for length in find_disc(small)] == pytest.approx(list(find_disc(large)), abs=12)


def test_a_disc_cut_on_one_side_keeps_its_centre() -> None:
    box = find_disc(draw(centre=(100.0, 150.0)))
    assert_finds(box, (100.0, 150.0), RADIUS, 3)
    assert box.left < -20


def test_a_disc_cut_on_all_sides_needs_no_more_than_the_picture() -> None:
    """Only its corners are black: a square of the whole diameter would waste pixels."""
    box = find_disc(draw(height=260, width=300, centre=(160.0, 140.0), radius=168.0))
    assert box == pytest.approx(Box(-10, 0, 300), abs=2)


def test_a_disc_cut_by_a_corner_needs_no_more_than_its_visible_part() -> None:
    assert find_disc(draw(centre=(80.0, 80.0))) == pytest.approx(Box(0, 0, 210), abs=2)


def test_the_square_turns_with_the_picture() -> None:
    image = draw(height=200, centre=(190.0, 105.0))
    box = find_disc(image)
    height, width = image.shape[:2]
    right, bottom = width - box.left - box.size, height - box.top - box.size
    expected = {
        "left to right": (image[:, ::-1], (box.top, right)),
        "top to bottom": (image[::-1], (bottom, box.left)),
        "half a turn": (image[::-1, ::-1], (bottom, right)),
        "transposed": (image.swapaxes(0, 1), (box.left, box.top)),
        "quarter turn": (np.rot90(image), (right, box.top)),
    }
    for name, (turned, corner) in expected.items():
        found = find_disc(np.ascontiguousarray(turned))
        assert found == pytest.approx(Box(*corner, box.size), abs=2), name


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((30, 40, 3), np.uint8),
        np.full((300, 200, 3), 255, np.uint8),
        np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8),
        np.random.default_rng(1).integers(0, 6, (300, 400, 3), np.uint8),
        np.tile(np.linspace(0, 255, 400).astype(np.uint8)[None, :, None], (300, 1, 3)),
        np.repeat(np.repeat(np.arange(400)[None, :, None] > 200, 300, 0), 3, 2).astype(np.uint8) * 200,
        np.zeros((1, 1, 3), np.uint8),
        np.full((1, 700, 3), 7, np.uint8),
        draw()[90:210, 160:290],
        np.kron(np.random.default_rng(2).random((20, 24, 1)) < 0.5, np.full((5, 5, 3), 200)).astype(np.uint8),
        np.kron(np.random.default_rng(3).random((20, 24, 1)) < 0.5, np.full((9, 9, 3), 200)).astype(np.uint8),
        np.pad(np.full((200, 200, 3), 150, np.uint8), ((40, 40), (60, 60), (0, 0))),
    ],
    ids=[
        "black",
        "white",
        "noise",
        "faint noise",
        "ramp",
        "halves",
        "one pixel",
        "one row",
        "no border",
        "specks",
        "patches",
        "a bright square",
    ],
)
def test_where_there_is_no_disc_the_square_holds_the_whole_picture(image: np.ndarray) -> None:
    height, width = image.shape[:2]
    side = max(height, width)
    assert find_disc(image) == enclosing_square((width, height)) == Box((height - side) // 2, (width - side) // 2, side)


@settings(max_examples=40)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 9))
def test_any_small_picture_has_a_square_that_touches_it(height: int, width: int, seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    top, left, size = find_disc(image)
    assert 1 <= size <= max(height, width) + 1
    assert -size < top < height
    assert -size < left < width


def test_the_same_pixels_give_the_same_square() -> None:
    image = draw(noise=15)
    assert find_disc(image) == find_disc(image.copy())


def test_every_real_photograph_has_its_disc(shared: Path) -> None:
    """All were taken with one camera, whose disc is cut at top and bottom: about 500 pixels across."""
    photographs = sorted((shared / "data/fundus/Test_Set/Test").glob("*.jpg"))[::2]
    boxes = np.array([find_disc(fundus.decode(path)) for path in photographs])
    assert len(boxes) == 38
    assert boxes[:, 2].min() >= 485
    assert boxes[:, 2].max() <= 570
    assert (np.abs(boxes[:, 1] + boxes[:, 2] / 2 - 290) < 20).all()


def test_a_real_photograph_without_its_border_is_kept_whole(shared: Path) -> None:
    photographs = sorted((shared / "data/fundus/Test_Set/Test").glob("*.jpg"))[::2]
    assert photographs
    for path in photographs:
        inner = fundus.decode(path)[60:368, 150:490]
        assert find_disc(inner) == enclosing_square((340, 308)), path


GREY = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(0, 255))


@given(GREY)
def test_smoothing_is_the_median_filter_of_pillow(light: np.ndarray) -> None:
    expected = np.asarray(Image.fromarray(light).filter(ImageFilter.MedianFilter(3)))
    np.testing.assert_array_equal(disc.median_filter(light), expected)


@given(GREY, st.floats(0, 1))
def test_a_quantile_of_counts_is_that_of_the_numbers(light: np.ndarray, share: float) -> None:
    distances = np.abs(np.arange(256) - 99.5)
    found = disc.quantile(distances, np.bincount(light.ravel(), minlength=256), share)
    assert found == pytest.approx(np.quantile(distances[light], share))
