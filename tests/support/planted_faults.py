"""Sets with planted faults, and what an audit says of them."""

import numpy as np
from PIL import Image, ImageFilter
from sets_on_disk import (
    LABELS,
    copy_image,
    image_of,
    table_of,
    table_text,
    write_image,
)

from retina.data.auditing import audit
from retina.data.sources import labels, rfmid


def checked(root, **options):
    return audit.check(labels.read(root), quiet=True, **options)


def found(result, rule):
    return [problem for problem in result.problems if problem.rule == rule]


def photograph(seed, size=200):
    """A disc with a random texture of vessel-like detail, as a picture."""
    noise = np.random.default_rng(seed).normal(size=(size, size))
    image = Image.fromarray(np.uint8(np.clip(128 + 40 * noise, 0, 255))).filter(ImageFilter.GaussianBlur(3))
    texture = np.asarray(image, dtype=float)
    light = 110 + (texture - texture.mean()) / texture.std() * 25
    offset = np.arange(size) - (size - 1) / 2
    disc = np.hypot(offset[:, None], offset) < 0.48 * size
    return Image.fromarray(np.uint8(np.clip(light * disc, 0, 255))).convert("RGB")


def relabel(root, text, split="train"):
    table_of(root, split).write_text(text, encoding="utf-8")


def label_two(root):
    relabel(root, "ID,Disease_Risk\n1,1\n2,0\n3,2\n4,\n5,0\n6,yes\n")


def list_twice(root):
    relabel(root, "ID,Disease_Risk\n1,1\n2,0\n3,1\n4,1\n5,0\n6,1\n2,0\n")


def contradict(root):
    rows = [[row, label, *[label] * 45] for row, label in enumerate(LABELS["train"], 1)]
    rows[0][1], rows[1][1] = 0, 1
    relabel(root, table_text(["ID", "Disease_Risk", *rfmid.DISEASES], rows))


def lose(root):
    for name in ("2.png", "4.png"):
        image_of(root, "train", name).unlink()


def empty(root):
    image_of(root, "train", "2.png").write_bytes(b"")


def scramble(root):
    image_of(root, "train", "2.png").write_bytes(b"this is no picture")


def stranger(root):
    write_image(image_of(root, "test", "77.png"), 77)


def copy_across(root):
    copy_image(root, ("train", "1.png"), ("test", "3.png"))


def copy_within(root):
    copy_image(root, ("train", "1.png"), ("train", "3.png"))
