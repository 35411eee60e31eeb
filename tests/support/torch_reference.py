"""The three networks in plain torch, written from the papers and torchvision's public names, to compare retina's with.

Nothing here imports Keras or retina. Attributes have torchvision's names, so that `state_dict()` has them too.
"""

import functools

import torch
from torch import nn

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
DEVIATION = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


@functools.cache
def statistics(device):
    """Mean and deviation on a device; kept, since a copy to a GPU in every step would cost time there."""
    return MEAN.to(device), DEVIATION.to(device)


def preprocess(images):
    """RGB images (N, H, W, 3), 0 to 255, to standardized (N, 3, H, W) in channels_last memory."""
    images = images.permute(0, 3, 1, 2).to(torch.float32).contiguous(memory_format=torch.channels_last)
    mean, deviation = statistics(images.device)
    return (images / 255 - mean) / deviation


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = projection(inputs, width, stride)

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(x)) + shortcut)


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = projection(inputs, 4 * width, stride)

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        return self.relu(self.bn3(self.conv3(x)) + shortcut)


def projection(inputs, outputs, stride):
    """A 1 x 1 convolution with batch normalization where a shortcut changes shape."""
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


class ResNet(nn.Module):
    def __init__(self, block, depths):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        inputs = 64
        for stage, depth in enumerate(depths):
            width = 64 * 2**stage
            strides = [1 if stage == 0 else 2] + [1] * (depth - 1)
            blocks = []
            for stride in strides:
                blocks.append(block(inputs, width, stride))
                inputs = width * block.expansion
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(inputs, 1000)

    def features(self, images):
        """RGB images (N, H, W, 3) to the last feature map (N, H/32, W/32, C)."""
        return self.body(preprocess(images))

    def body(self, x):
        """Standardized images (N, 3, H, W) to the last feature map (N, H/32, W/32, C)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return x.permute(0, 2, 3, 1)


class VGG16(nn.Module):
    def __init__(self):
        super().__init__()
        modules = []
        inputs = 3
        for width in (64, 64, "pool", 128, 128, "pool", *3 * (256,), "pool", *3 * (512,), "pool", *3 * (512,), "pool"):
            if width == "pool":
                modules.append(nn.MaxPool2d(2, 2))
            else:
                modules += [nn.Conv2d(inputs, width, 3, 1, 1), nn.ReLU(inplace=True)]
                inputs = width
        self.convolutions = nn.Sequential(*modules)

    def features(self, images):
        """RGB images (N, H, W, 3) to the last feature map (N, H/32, W/32, C)."""
        return self.body(preprocess(images))

    def body(self, x):
        """Standardized images (N, 3, H, W) to the last feature map (N, H/32, W/32, C)."""
        return self.convolutions(x).permute(0, 2, 3, 1)


BUILD = {
    "vgg16": VGG16,
    "resnet18": lambda: ResNet(BasicBlock, (2, 2, 2, 2)),
    "resnet50": lambda: ResNet(Bottleneck, (3, 4, 6, 3)),
}


def build(name, seed=0):
    """A network with random kernels of healthy scale and random batch-norm statistics, in channels_last memory."""
    generator = torch.Generator().manual_seed(seed)
    network = BUILD[name]().to(memory_format=torch.channels_last)
    with torch.no_grad():
        for tensor_name, tensor in network.state_dict().items():
            fill(tensor_name, tensor, generator)
    return network


def fill(name, tensor, generator):
    """Fill one tensor of a state dict with random numbers that keep activations near 1."""
    if name.endswith("num_batches_tracked"):
        tensor.fill_(7)
    elif name.endswith("running_var") or (tensor.ndim == 1 and name.endswith("weight")):
        tensor.uniform_(0.5, 1.5, generator=generator)
    elif tensor.ndim == 1:
        tensor.normal_(0, 0.1, generator=generator)
    else:
        fan_in = tensor[0].numel()
        tensor.normal_(0, (2 / fan_in) ** 0.5, generator=generator)


def state_dict(network):
    """A network's state dict under torchvision's names; VGG16's huge classifier is one stretched number per tensor."""
    state = {name.replace("convolutions.", "features."): tensor for name, tensor in network.state_dict().items()}
    if isinstance(network, VGG16):
        for index, outputs, inputs in ((0, 4096, 512 * 7 * 7), (3, 4096, 4096), (6, 1000, 4096)):
            state[f"classifier.{index}.weight"] = torch.zeros(1).expand(outputs, inputs)
            state[f"classifier.{index}.bias"] = torch.zeros(1).expand(outputs)
    return state


def relative_error(found, expected):
    """The largest difference as a share of the largest expected magnitude."""
    return ((found - expected).abs().max() / expected.abs().max()).item()
