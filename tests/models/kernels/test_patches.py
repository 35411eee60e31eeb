"""The weight gradient by products of patches: the same sums as torch's, held against float64."""

import pytest
import torch
from convolutions import cases, in_float64, tensors
from hypothesis import example, given

from retina.models.kernels import patches


@pytest.mark.parametrize("buffer", [1, 3000, patches.BUFFER])
def test_the_weight_gradient_is_that_of_float64_whatever_the_buffer(buffer):
    """One row at a time, a few rows, and many images at a time."""

    @given(cases())
    @example((3, 6, 5, 2, 4, 3, 2, 1))
    def check(case):
        x, _, _, error = tensors(case)
        found = patches.weight_gradient(x, error, *case[-3:])
        assert found.is_contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(found.double(), in_float64(case)[2], rtol=1e-4, atol=1e-4)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(patches, "BUFFER", buffer)
        check()
