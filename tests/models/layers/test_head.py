"""The head: a mean over pixels and one logit, in float32 whatever surrounds it."""

import pytest
import torch
from layer_examples import EXAMPLES, inputs_for

from retina.models.layers import GlobalAveragePooling, Logit


@pytest.mark.parametrize("kind", [GlobalAveragePooling, Logit])
def test_the_head_computes_in_float32_under_autocast(kind):
    layer = kind(**EXAMPLES[kind])
    x = inputs_for(kind).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = layer(x)
    assert result.dtype == torch.float32
    assert torch.equal(result, layer(x.float()))


def test_the_pooled_gradient_keeps_its_memory_order():
    x = inputs_for(GlobalAveragePooling).requires_grad_()
    GlobalAveragePooling()(x).square().sum().backward()
    torch.testing.assert_close(x.grad, (2 * x.mean((1, 2), keepdim=True) / (9 * 11)).expand_as(x))
    assert x.grad.is_contiguous()


@pytest.mark.parametrize("kind", [GlobalAveragePooling, Logit])
def test_an_exported_head_holds_torch_s_own_operations_alone(kind):
    layer, x = kind(**EXAMPLES[kind]), inputs_for(kind)
    layer.build(x.shape)
    exported = torch.export.export(Alone(layer), (x,), strict=False)
    operations = [str(node.target) for node in exported.graph.nodes if node.op == "call_function"]
    assert operations
    assert all(name.startswith("aten.") for name in operations)


class Alone(torch.nn.Module):
    """A layer as torch's exporter wants it."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x, training=False)
