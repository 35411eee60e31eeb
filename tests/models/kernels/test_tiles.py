"""The transforms of Winograd's F(4 x 4, 3 x 3) are the matrices of Lavin and Gray."""

import pytest
import torch

from retina.models.kernels import tiles


def test_the_matrix_is_that_of_lavin_and_gray():
    """G interpolates: row by row the values of a polynomial of degree 2 at a point, over the product of differences."""
    points = [0, 1, -1, 2, -2]
    for row, point in zip(tiles.G, points, strict=False):
        others = [point - other for other in points if other != point]
        scale = torch.tensor(others, dtype=torch.float64).prod().item()
        assert row == pytest.approx([1 / scale, point / scale, point**2 / scale])
    assert tiles.G[-1] == (0, 0, 1)


B = torch.tensor(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ],
    dtype=torch.float64,
)
A = torch.tensor([[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]]).double()
"""B' and A' of F(4 x 4, 3 x 3) as Lavin and Gray print them."""


def draw(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(7))


def close(ours, exact):
    torch.testing.assert_close(ours.double(), exact, rtol=1e-5, atol=1e-5)


def test_kernels_go_to_products_by_g_turned_or_not_and_back_by_its_transpose():
    kernel, matrix = draw(2, 3, 3, 3), torch.tensor(tiles.G, dtype=torch.float64)
    for turned in (False, True):
        exact = matrix @ (kernel.flip(2, 3) if turned else kernel).double() @ matrix.T
        close(tiles.of_kernel(kernel, turned=turned), exact.permute(2, 3, 0, 1).reshape(36, 2, 3))
    products = draw(36, 2, 3)
    exact = matrix.T @ products.view(6, 6, 2, 3).permute(2, 3, 0, 1).double() @ matrix
    close(tiles.to_kernel(products), exact)
    assert tiles.to_kernel(products).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("limit", [1, 10**9])
def test_images_are_cut_into_tiles_that_overlap_by_two_pixels_with_a_border_of_zeros(limit):
    images = draw(3, 5, 8, 2)
    padded = torch.zeros(3, 10, 10, 2, dtype=torch.float64)
    padded[:, 1:6, 1:9] = images
    seen = []
    for where, ours in tiles.of_images(images, limit):
        seen += range(*where.indices(3))
        assert ours.shape == (6, 6, where.stop - where.start, 2, 2, 2)
        for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
            tile = padded[where, 4 * row : 4 * row + 6, 4 * column : 4 * column + 6].permute(0, 3, 1, 2)
            close(ours[:, :, :, row, column].permute(2, 3, 0, 1), B @ tile @ B.T)
    assert seen == [0, 1, 2]


def test_gradients_are_spread_and_products_combined_by_a():
    errors = draw(2, 5, 4, 3)
    padded = torch.zeros(2, 8, 4, 3, dtype=torch.float64)
    padded[:, :5] = errors
    spread = tiles.of_errors(errors).view(6, 6, 2, 2, 1, 3)
    products = draw(6, 6, 2, 2, 1, 3)
    whole = torch.empty(2, 8, 4, 3, dtype=torch.float64)
    for row in range(2):
        tile = padded[:, 4 * row : 4 * row + 4].permute(0, 3, 1, 2)
        close(spread[:, :, :, row, 0].permute(2, 3, 0, 1), A.T @ tile @ A)
        combined = A @ products[:, :, :, row, 0].permute(2, 3, 0, 1).double() @ A.T
        whole[:, 4 * row : 4 * row + 4] = combined.permute(0, 2, 3, 1)
    y = torch.empty(2, 5, 4, 3)
    tiles.to_images(products, y)
    close(y, whole[:, :5])
