"""The transforms of Winograd's F(4 x 4, 3 x 3): images, kernels and gradients to tiles of products and back.

Each transform is a small matrix, applied down and then across; those of images are nothing but additions of whole rows
of many tiles at once. With A, B and G as in Lavin and Gray 2016 (https://arxiv.org/abs/1509.09308), section 4.3, whose
points 0, 1, -1, 2, -2 and infinity these are. Feature maps are (N, H, W, C) here, and all of it is float32.

Used by `retina.models.kernels.winograd` alone, which says where and what it gains. As additions of rows they took 17 ms
for 32 images of 56 pixels and 64 channels with two threads of an AMD EPYC, as products of 36 x 36 matrices 42 ms.
"""

from collections.abc import Iterator

import torch
from torch.nn import functional

TILE = 4
"""Side of a tile of outputs."""

POINTS = 6
"""Side of a tile of inputs, and of products: TILE + 3 - 1."""

G = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)
"""The matrix that takes three kernel weights to six."""


def of_kernel(kernel: torch.Tensor, *, turned: bool = False) -> torch.Tensor:
    """G g G' of (filters, C, 3, 3), turned by 180 degrees or not: (36, filters, C)."""
    matrix = kernel.new_tensor(G)
    grid = kernel.permute(2, 3, 0, 1).flatten(2)
    # To turn a kernel is to read its rows and columns backwards, so G's columns are turned in its place.
    return _both_ways(matrix.flip(1) if turned else matrix, grid).view(POINTS**2, *kernel.shape[:2])


def to_kernel(products: torch.Tensor) -> torch.Tensor:
    """G' m G of (36, filters, C): (filters, C, 3, 3) in channels_last memory."""
    grid = _both_ways(products.new_tensor(G).t(), products.view(POINTS, POINTS, -1))
    return grid.view(3, 3, *products.shape[1:]).permute(2, 3, 0, 1).contiguous(memory_format=torch.channels_last)


def of_images(images: torch.Tensor, limit: int) -> Iterator[tuple[slice, torch.Tensor]]:
    """B' d B of some images at a time.

    Args:
        images: (N, H, W, C).
        limit: Bytes of tiles at a time, but at least one image.

    Yields:
        Which images, and (6, 6, n, tiles down, tiles across, C) in a buffer that is used again.
    """
    count, height, width, channels = images.shape
    down, across = -(-height // TILE), -(-width // TILE)
    one = POINTS**2 * down * across * channels
    together = max(1, min(count, limit // (one * images.element_size())))
    padded = images.new_empty(together, TILE * down + 2, TILE * across + 2, channels)
    # Once is enough: the loop below overwrites what is within the border and nothing else.
    for border in (padded[:, :1], padded[:, height + 1 :], padded[:, :, :1], padded[:, :, width + 1 :]):
        border.zero_()
    half = images.new_empty(POINTS + 1, together, down, TILE * across + 2, channels)
    whole = images.new_empty(one * together)
    spare = images.new_empty(together, down, across, channels)
    for first in range(0, count, together):
        source = images[first : first + together]
        number = len(source)
        padded[:number, 1 : height + 1, 1 : width + 1].copy_(source)
        *parts, free = half[:, :number]
        # From `row` on every fourth, `down` of them: the slice ends one behind the last, which is row + 4 (down - 1).
        _transform([padded[:number, row : row + TILE * down - 3 : TILE] for row in range(POINTS)], parts, free)
        tiles = whole[: one * number].view(POINTS, POINTS, number, down, across, channels)
        for part, out in zip(parts, tiles, strict=True):
            columns = [part[:, :, column : column + TILE * across - 3 : TILE] for column in range(POINTS)]
            _transform(columns, list(out), spare[:number])
        yield slice(first, first + number), tiles


def of_errors(errors: torch.Tensor) -> torch.Tensor:
    """A e A' of (n, H, W, filters): (36, tiles, filters)."""
    count, height, width, filters = errors.shape
    below, beside = -height % TILE, -width % TILE
    e = functional.pad(errors, (0, 0, 0, beside, 0, below)) if below or beside else errors
    down, across = e.shape[1] // TILE, e.shape[2] // TILE
    half = errors.new_empty(POINTS + 2, count, down, e.shape[2], filters)
    whole = errors.new_empty(POINTS, POINTS, count, down, across, filters)
    *parts, first, second = half
    _spread([e[:, row::TILE] for row in range(TILE)], parts, (first, second))
    spare = errors.new_empty(2, count, down, across, filters)
    for part, out in zip(parts, whole, strict=True):
        _spread([part[:, :, column::TILE] for column in range(TILE)], list(out), tuple(spare))
    return whole.view(POINTS**2, -1, filters)


def to_images(products: torch.Tensor, y: torch.Tensor) -> None:
    """A' m A of (6, 6, n, tiles down, tiles across, filters), which are overwritten, into y (n, H, W, filters)."""
    _, _, count, down, _, filters = products.shape
    width = y.shape[2]
    half = y.new_empty(POINTS, count, down, width, filters)
    for part, out in zip(products, half, strict=True):
        _combine(list(part), [out[:, :, column::TILE] for column in range(TILE)], 2)
    _combine(list(half), [y[:, row::TILE] for row in range(TILE)], 1)


def _both_ways(matrix: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
    """A matrix (n, m) applied down and across a grid (m, m, values): (n, n, values)."""
    down = torch.mm(matrix, grid.reshape(len(grid), -1))
    return torch.matmul(matrix, down.view(len(matrix), *grid.shape[1:]))


def _transform(d: list[torch.Tensor], out: list[torch.Tensor], spare: torch.Tensor) -> None:
    """B' d, six to six, into `out`.

    out = 4 d0 - 5 d2 + d4, (d4 - 4 d2) + (d3 - 4 d1), (d4 - 4 d2) - (d3 - 4 d1), (d4 - d2) + 2 (d3 - d1),
    (d4 - d2) - 2 (d3 - d1), 4 d1 - 5 d3 + d5.
    """
    # The order counts: out[0] and `spare` hold parts of other results until the last two lines.
    even, odd = out[0], spare
    torch.sub(d[4], d[2], alpha=4, out=even)
    torch.sub(d[3], d[1], alpha=4, out=odd)
    torch.add(even, odd, out=out[1])
    torch.sub(even, odd, out=out[2])
    torch.sub(d[4], d[2], out=even)
    torch.sub(d[3], d[1], out=odd)
    torch.add(even, odd, alpha=2, out=out[3])
    torch.sub(even, odd, alpha=2, out=out[4])
    torch.sub(d[5], d[3], out=out[5]).sub_(odd, alpha=4)
    torch.sub(d[0], d[2], out=odd)
    even.add_(odd, alpha=4)


def _combine(m: list[torch.Tensor], y: list[torch.Tensor], axis: int) -> None:
    """A' m, six, which are overwritten, to four, into `y`; where `y` is shorter along the axis the rest is left out.

    y = m0 + (m1 + m2) + (m3 + m4), (m1 - m2) + 2 (m3 - m4), (m1 + m2) + 4 (m3 + m4), (m1 - m2) + 8 (m3 - m4) + m5.
    """
    # New tensors, since the next line overwrites two of the four.
    low, high = m[1] + m[2], m[3] + m[4]
    difference, steep = m[1].sub_(m[2]), m[3].sub_(m[4])
    m[0].add_(low)
    m[5].add_(difference)
    terms = ((m[0], high, 1), (difference, steep, 2), (low, high, 4), (m[5], steep, 8))
    for target, (first, second, factor) in zip(y, terms, strict=True):
        present = target.shape[axis]
        torch.add(first.narrow(axis, 0, present), second.narrow(axis, 0, present), alpha=factor, out=target)


def _spread(e: list[torch.Tensor], out: list[torch.Tensor], spare: tuple[torch.Tensor, torch.Tensor]) -> None:
    """A e, four to six, into `out`.

    out = e0, (e0 + e2) + (e1 + e3), (e0 + e2) - (e1 + e3), (e0 + 4 e2) + 2 (e1 + 4 e3), (e0 + 4 e2) - 2 (e1 + 4 e3),
    e3.
    """
    even, odd = spare
    out[0].copy_(e[0])
    out[5].copy_(e[3])
    torch.add(e[0], e[2], out=even)
    torch.add(e[1], e[3], out=odd)
    torch.add(even, odd, out=out[1])
    torch.sub(even, odd, out=out[2])
    torch.add(e[0], e[2], alpha=4, out=even)
    torch.add(e[1], e[3], alpha=4, out=odd)
    torch.add(even, odd, alpha=2, out=out[3])
    torch.sub(even, odd, alpha=2, out=out[4])
