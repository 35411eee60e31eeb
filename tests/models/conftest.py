"""What the tests of the models share."""

import pytest
import torch
import torch_reference


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
