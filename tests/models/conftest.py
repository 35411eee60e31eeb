"""What the tests of the models share."""

import pytest
import torch
import torch_reference

from retina.models.kernels import dispatch, unfolded


@pytest.fixture(scope="session", params=["resnet18", "resnet50", "vgg16"])
def published(request, tmp_path_factory):
    """A backbone's name, a reference network with random weights, and the file of its state dict."""
    network = torch_reference.build(request.param)
    path = tmp_path_factory.mktemp("weights") / f"{request.param}.pth"
    torch.save(torch_reference.state_dict(network), path)
    return request.param, network, path


@pytest.fixture(scope="session")
def eyes():
    """Two images (2, 64, 96, 3) uint8 of random bytes; not square, so that height and width cannot be confused."""
    return torch.randint(0, 256, (2, 64, 96, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(3))


@pytest.fixture
def avx2(monkeypatch):
    """Every processor counts as one with AVX2 but not AVX-512."""
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")


@pytest.fixture
def amx(monkeypatch):
    """Every processor counts as one with AMX."""
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
    unfolded.multiplies_tiles.cache_clear()
    yield
    unfolded.multiplies_tiles.cache_clear()


@pytest.fixture
def entered(monkeypatch):
    """The names of retina's own kernels, in the order in which they are entered."""
    names = []
    for name, kernel in dispatch.KERNELS.items():
        monkeypatch.setitem(
            dispatch.KERNELS,
            name,
            lambda *given, _kernel=kernel, _name=name, **how: names.append(_name) or _kernel(*given, **how),
        )
    return names
