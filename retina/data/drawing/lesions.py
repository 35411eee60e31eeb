"""Lesions, drawn: the signs of thirteen of RFMiD's diseases on a fundus, each with its place and size.

A disease changes the disc before it is drawn (`DISC`), is painted beneath the vessels (`BENEATH`) or above them
(`ABOVE`), or clouds the finished picture (`CLOUDS`). Lesions imitate the textbook look of each disease at the size of a
thumbnail and mean nothing clinically.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from scipy import ndimage

from retina.data.drawing.anatomy import Eye, distance, enlarge, noise, show_choroid, sigmoid
from retina.data.drawing.spots import Lesion, Painter, Scene, anywhere, scatter, spot

BLOOD = np.array([0.55, 1.5, 1.2], np.float32)
MELANIN = np.array([0.9, 1.0, 1.0], np.float32)
EXUDATE = np.array([1.0, 0.86, 0.4], np.float32)
DRUSE = np.array([0.98, 0.76, 0.4], np.float32)
COTTON = np.array([0.95, 0.88, 0.74], np.float32)
SCLERA = np.array([0.98, 0.86, 0.58], np.float32)


def blood(scene: Scene, kind: str, at: tuple[float, float], size: float, **shape: float) -> Lesion:
    """Paint one spot of blood."""
    return spot(scene, kind, at, size, (-scene.rng.uniform(0.75, 1.15), BLOOD), **shape)


def diabetic_retinopathy(scene: Scene) -> Iterator[Lesion]:
    """Microaneurysms, dot and blot haemorrhages, clustered hard exudates, a few cotton-wool spots."""
    rng, much = scene.rng, scene.severity
    for _ in range(int(rng.uniform(14, 22) + 18 * much)):
        yield blood(scene, "microaneurysm", anywhere(scene, 6), rng.uniform(1.8, 2.8))
    for _ in range(int(rng.uniform(6, 10) + 12 * much)):
        yield blood(scene, "haemorrhage", anywhere(scene, 10), rng.uniform(3.5, 6.5 + 2 * much), ragged=0.3)
    for _ in range(int(rng.uniform(1.0, 2.4) + 1.5 * much)):
        centre = scatter(scene, scene.eye.fovea, 0.45 * scene.eye.unit, 20)
        spread = rng.uniform(8, 18)
        for _ in range(int(rng.uniform(8, 16) + 14 * much)):
            yield spot(scene, "hard exudate", scatter(scene, centre, spread, 6), rng.uniform(1.6, 3.2), (0.88, EXUDATE))
    for _ in range(int(rng.uniform(0, 1) + 2.5 * much)):
        yield cotton_wool(scene, anywhere(scene, 16))


def cotton_wool(scene: Scene, at: tuple[float, float]) -> Lesion:
    """Paint one cotton-wool spot: a fluffy pale infarct of the nerve fibres."""
    size, angle = scene.rng.uniform(4, 7), scene.rng.uniform(0, math.pi)
    return spot(
        scene, "cotton-wool spot", at, size, (0.65, COTTON), softness=0.75, stretch=1.4, angle=angle, ragged=0.3
    )


def drusen(scene: Scene) -> Iterator[Lesion]:
    """Many small hard drusen about the macula and along the arcades."""
    rng, much = scene.rng, scene.severity
    for _ in range(int(rng.uniform(45, 65) + 60 * much)):
        at = scatter(scene, scene.eye.fovea, rng.choice((0.3, 0.6)) * scene.eye.unit, 6)
        yield spot(scene, "druse", at, rng.uniform(1.9, 3.5), (rng.uniform(0.6, 0.85), DRUSE))


def macular_degeneration(scene: Scene) -> Iterator[Lesion]:
    """Large soft drusen, clumps of pigment, sometimes a sharp patch of geographic atrophy."""
    rng, much, unit = scene.rng, scene.severity, scene.eye.unit
    if rng.random() < 0.35 + 0.3 * much:
        at, size = scatter(scene, scene.eye.fovea, 0.08 * unit, 40), rng.uniform(0.14, 0.24) * unit
        yield spot(scene, "geographic atrophy", at, size, (0.6, SCLERA), softness=0.1, stretch=1.2, ragged=0.2)
    for _ in range(int(rng.uniform(14, 22) + 22 * much)):
        at = scatter(scene, scene.eye.fovea, 0.26 * unit, 12)
        yield spot(scene, "soft druse", at, rng.uniform(3.5, 7.5), (rng.uniform(0.45, 0.7), DRUSE), softness=0.45)
    for _ in range(int(rng.uniform(3, 6) + 6 * much)):
        at = scatter(scene, scene.eye.fovea, 0.2 * unit, 10)
        yield spot(scene, "pigment clump", at, rng.uniform(2.0, 4.5), (-0.9, MELANIN), ragged=0.4)


def flame(scene: Scene, at: tuple[float, float]) -> Lesion:
    """Paint one flame haemorrhage, drawn out along the nerve fibres, away from the disc."""
    angle = math.atan2(at[1] - scene.eye.disc[1], at[0] - scene.eye.disc[0]) + scene.rng.normal(0, 0.2)
    stretch = scene.rng.uniform(1.8, 3.5)
    return blood(scene, "flame haemorrhage", at, scene.rng.uniform(1.8, 3.6), stretch=stretch, angle=angle, ragged=0.3)


def branch_occlusion(scene: Scene) -> Iterator[Lesion]:
    """Flame haemorrhages and cotton-wool spots over the territory of one temporal vein."""
    rng, eye, upper = scene.rng, scene.eye, bool(scene.rng.integers(2))
    # The first trunk of each half is the temporal one.
    vein = next(v for v in scene.vessels if v.trunk and v.vein and v.upper == upper)
    first, last = int(0.25 * len(vein.points)), max(int(0.9 * len(vein.points)), 1)
    for _ in range(int(rng.uniform(40, 60) + 50 * scene.severity)):
        x, y = vein.points[rng.integers(first, last)]
        at = scatter(scene, (float(x), float(y)), 0.17 * eye.unit, 12)
        yield flame(scene, at)
    for _ in range(int(rng.uniform(0, 2) + 2 * scene.severity)):
        x, y = vein.points[rng.integers(first, last)]
        yield cotton_wool(scene, scatter(scene, (float(x), float(y)), 0.2 * eye.unit, 16))


def central_occlusion(scene: Scene) -> Iterator[Lesion]:
    """Flame and blot haemorrhages in all four quadrants."""
    rng = scene.rng
    for _ in range(int(rng.uniform(60, 90) + 70 * scene.severity)):
        yield flame(scene, scatter(scene, scene.eye.disc, 0.75 * scene.eye.unit, 12))
    for _ in range(int(rng.uniform(10, 20) + 10 * scene.severity)):
        yield blood(scene, "haemorrhage", anywhere(scene, 10), rng.uniform(2.5, 5.0), ragged=0.3)


def laser_scars(scene: Scene) -> Iterator[Lesion]:
    """Rows of pale round burns with a pigmented middle, outside the macula."""
    rng, eye, pitch = scene.rng, scene.eye, scene.rng.uniform(17, 22)
    keep, turn = rng.uniform(0.45, 0.7) + 0.25 * scene.severity, rng.uniform(0, 1.5)
    for row, column in np.ndindex(28, 28):
        u, v = ((value - 13.5) * pitch + rng.normal(0, 2.2) for value in (column + 0.5 * (row % 2), row))
        x, y = (
            eye.centre[0] + u * math.cos(turn) - v * math.sin(turn),
            eye.centre[1] + u * math.sin(turn) + v * math.cos(turn),
        )
        far = math.dist((x, y), eye.fovea) > 0.62 * eye.unit and math.dist((x, y), eye.disc) > 0.5 * eye.unit
        if far and eye.shows(x, y, 8) and rng.random() < keep:
            size = rng.uniform(3.6, 5.6)
            yield spot(scene, "laser scar", (x, y), size, (rng.uniform(0.5, 0.75), SCLERA))
            spot(
                scene, "pigment", (x, y), rng.uniform(0.2, 0.5) * size, (-rng.uniform(0.2, 0.8), MELANIN), softness=0.75
            )


def serous_retinopathy(scene: Scene) -> Iterator[Lesion]:
    """A round serous blister at the macula with a dark rim and yellow points."""
    rng, unit = scene.rng, scene.eye.unit
    at, size = scatter(scene, scene.eye.fovea, 0.07 * unit, 30), unit * rng.uniform(0.28, 0.42)
    ink = 0.36 + 0.25 * scene.severity
    yield spot(scene, "serous detachment", at, size, (-ink, MELANIN), softness=0.12, ragged=0.06)
    spot(
        scene, "blister", at, 0.84 * size, (1.4 * ink, 1.3 * np.asarray(scene.eye.pigment)), softness=0.12, ragged=0.06
    )
    for _ in range(int(rng.uniform(5, 14))):
        yield spot(scene, "yellow point", scatter(scene, at, 0.4 * size, 4), rng.uniform(1.2, 2.2), (0.7, EXUDATE))


def tessellation(scene: Scene) -> Iterator[Lesion]:
    """The choroidal vessels show through a thin pigment layer over the whole fundus."""
    eye = scene.eye
    away = distance(*eye.centre) / eye.radius
    strength = (0.75 + 0.6 * scene.severity) * sigmoid((0.92 - away) / 0.06)
    show_choroid(scene.picture, scene.choroid, strength)
    yield Lesion("tessellation", *eye.centre, eye.radius)


def myopic_crescent(scene: Scene) -> Iterator[Lesion]:
    """Peripapillary atrophy: a pale crescent with a dark rim on the disc's temporal side."""
    rng, eye = scene.rng, scene.eye
    growth = rng.uniform(1.55, 1.75) + 0.5 * scene.severity
    shift = eye.temporal * eye.disc_radius * (growth - 1.0) * rng.uniform(0.6, 0.95)
    x, y = eye.disc[0] + shift, eye.disc[1] + rng.normal(0, 0.1) * eye.disc_radius
    size = growth * eye.disc_radius
    # The darker rim is the outermost, so its circle covers the whole crescent.
    yield spot(scene, "peripapillary atrophy", (x, y), size * 1.08, (-0.35, MELANIN), softness=0.12, ragged=0.08)
    spot(scene, "sclera", (x, y), size, (0.7, SCLERA), softness=0.09, ragged=0.08)


def media_haze(scene: Scene) -> Iterator[Lesion]:
    """A cloudy medium: a veil of scattered light over most of the photograph, behind which vessels blur."""
    rng, eye, picture = scene.rng, scene.eye, scene.picture
    radius = eye.radius * rng.uniform(1.1, 1.6)
    angle, offset = rng.uniform(0, 2 * math.pi), rng.uniform(0.0, 0.4) * eye.radius
    x, y = eye.centre[0] + offset * math.cos(angle), eye.centre[1] + offset * math.sin(angle)
    away = distance(x, y) / np.float32(radius) * (1.0 + 0.04 * noise(rng, 60.0))
    alpha = np.clip((1.06 - away) / 0.38, 0.0, 1.0)
    level = float(picture[:, ::4, ::4].mean())
    veil = level * np.array([1.5, 1.05, 0.62], np.float32)
    sigma = 4.0 + 3.0 * scene.severity
    for channel, shade in enumerate(veil):
        sharp = picture[channel]
        blurred = enlarge(ndimage.gaussian_filter(sharp[::2, ::2], sigma / 2), smooth=False)
        scattered = (0.38 + 0.25 * scene.severity) * (np.float32(shade) - blurred)
        picture[channel] += alpha * (0.9 * (blurred - sharp) + scattered)
    yield Lesion("media haze", x, y, 1.25 * radius)


def disc_lesion(kind: str, eye: Eye) -> Lesion:
    """The lesion that a changed disc is: the circle around the disc as it is drawn, its soft edge included."""
    edge = 1.15 + 1.0 * eye.swelling
    return Lesion(kind, *eye.disc, edge * eye.disc_height * eye.disc_radius)


def large_cup(eye: Eye, severity: float) -> Eye:
    """Glaucoma's excavated disc: a cup-to-disc ratio of 0.76-0.92."""
    return replace(eye, cup=0.76 + 0.16 * severity)


def pale_disc(eye: Eye, severity: float) -> Eye:
    """Atrophy of the optic nerve: the whole disc turns chalk-white."""
    return replace(eye, pallor=1.0 + 0.5 * severity, cup=min(eye.cup, 0.4))


def swollen_disc(eye: Eye, severity: float) -> Eye:
    """Oedema of the disc: larger, without cup or edge."""
    return replace(eye, swelling=0.7 + 0.5 * severity, pallor=0.0)


DISC: dict[str, tuple[str, Callable[[Eye, float], Eye]]] = {
    "ODC": ("large cup", large_cup),
    "ODP": ("pale disc", pale_disc),
    "ODE": ("swollen disc", swollen_disc),
}
BENEATH: dict[str, Painter] = {
    "DN": drusen,
    "TSLN": tessellation,
    "MYA": myopic_crescent,
    "ARMD": macular_degeneration,
    "LS": laser_scars,
    "CSR": serous_retinopathy,
}
ABOVE: dict[str, Painter] = {"DR": diabetic_retinopathy, "BRVO": branch_occlusion, "CRVO": central_occlusion}
CLOUDS: dict[str, Painter] = {"MH": media_haze}
