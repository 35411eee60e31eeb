"""A picture's perceptual hash: near for copies, far for other photographs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance
from planted_faults import photograph

from retina.data.auditing.duplicates import BITS, NEAR, SIDE, near_groups, near_pairs, perceptual_hash

SEEDS = st.integers(0, 2**32 - 1)


def prepared(image):
    return np.asarray(image.resize((SIDE, SIDE)))


def distance(first, second):
    return int(np.bitwise_count(perceptual_hash(first) ^ perceptual_hash(second)).sum())


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, gain=st.floats(0.6, 1.3))
def test_a_brighter_or_darker_copy_keeps_its_hash_nearly(seed, gain):
    image = photograph(seed)
    assert distance(prepared(image), prepared(ImageEnhance.Brightness(image).enhance(gain))) <= NEAR // 2


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, side=st.integers(80, 400))
def test_a_rescaled_copy_keeps_its_hash_nearly(seed, side):
    image = photograph(seed)
    assert distance(prepared(image), prepared(image.resize((side, side)))) <= NEAR // 2


@settings(max_examples=25, deadline=None)
@given(first=SEEDS, second=SEEDS)
def test_different_and_mirrored_photographs_are_far_apart(first, second):
    image = photograph(first)
    assert distance(prepared(image), prepared(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT))) > NEAR
    assert (distance(prepared(image), prepared(photograph(second))) > NEAR) == (first != second)


def test_the_negative_of_a_photograph_is_not_its_copy():
    image = prepared(photograph(3))
    assert distance(image, 220 - np.minimum(image, 220)) > BITS // 2


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, number=st.integers(2, 40), most=st.integers(0, 60), tile=st.integers(1, 50))
def test_the_pairs_found_are_those_of_comparing_every_two(seed, number, most, tile):
    rng = np.random.default_rng(seed)
    bits = rng.random((number, BITS)) < 0.5
    bits[number // 2 :] = bits[: number - number // 2] ^ (rng.random((number - number // 2, BITS)) < 0.1)
    hashes = np.packbits(bits, axis=1)
    expected = {
        (i, j): int((bits[i] != bits[j]).sum())
        for i in range(number)
        for j in range(i + 1, number)
        if (bits[i] != bits[j]).sum() <= most
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("retina.data.auditing.duplicates._TILE", tile)
        tiles = list(near_pairs(hashes, most))
        gathered = near_groups(hashes, most)
    assert {
        tuple(pair): length for pairs, lengths in tiles for pair, length in zip(pairs.tolist(), lengths, strict=True)
    } == expected
    together = {frozenset(members) for members, _ in gathered}
    assert all(any({i, j} <= members for members in together) for i, j in expected)
    assert sum(map(len, together)) == len({row for pair in expected for row in pair})
    assert max((widest for _, widest in gathered), default=0) == max(expected.values(), default=0)


def test_a_group_joined_by_a_middle_member_keeps_its_largest_near_distance():
    bits = np.zeros((4, BITS), dtype=bool)
    bits[1, :40] = True
    bits[2, :30] = True
    bits[3, 200:] = True
    assert near_groups(np.packbits(bits, axis=1), 35) == [([0, 1, 2], 30)]
