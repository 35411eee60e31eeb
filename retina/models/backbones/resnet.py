"""ResNet18 and ResNet50 up to the last feature map (He et al. 2016, https://doi.org/10.1109/CVPR.2016.90).

The layers carry torchvision's module names with an underscore for each full stop (`layer1.0.conv1` becomes
`layer1_0_conv1`), so that its state dicts need no table of names. As in torchvision ("ResNet v1.5"), a bottleneck
halves the resolution in its 3 x 3 convolution.
"""

from collections.abc import Callable

import keras

from retina.models.layers.base import seed_of
from retina.models.layers.body import Add, BatchNormalization, Convolution, MaxPooling

STAGES = {"stem": ("conv1", "bn1"), **{f"layer{stage}": (f"layer{stage}",) for stage in range(1, 5)}}

Block = Callable[[keras.KerasTensor, str, int, int, int | None], keras.KerasTensor]


def resnet18(images: keras.KerasTensor, seed: int | None = None) -> keras.KerasTensor:
    """Normalized images (N, H, W, 3) to features (N, H/32, W/32, 512)."""
    return _resnet(images, _basic_block, (2, 2, 2, 2), seed)


def resnet50(images: keras.KerasTensor, seed: int | None = None) -> keras.KerasTensor:
    """Normalized images (N, H, W, 3) to features (N, H/32, W/32, 2048)."""
    return _resnet(images, _bottleneck, (3, 4, 6, 3), seed)


def _resnet(images: keras.KerasTensor, block: Block, depths: tuple[int, ...], seed: int | None) -> keras.KerasTensor:
    """The stem, then four stages; each after the first halves the resolution in its first block."""
    x = Convolution(64, 7, stride=2, padding=3, seed=seed_of(seed, "conv1"), name="conv1")(images)
    x = BatchNormalization(name="bn1")(x)
    # torchvision rectifies before it pools; `MaxPooling` says why the results are the same.
    x = MaxPooling(3, stride=2, padding=1, relu=True, name="maxpool")(x)
    for stage, depth in enumerate(depths, start=1):
        for index in range(depth):
            stride = 2 if stage > 1 and index == 0 else 1
            x = block(x, f"layer{stage}_{index}", 32 << stage, stride, seed)  # 64, 128, 256, 512 channels
    return x


def _basic_block(x: keras.KerasTensor, name: str, width: int, stride: int, seed: int | None) -> keras.KerasTensor:
    """Two 3 x 3 convolutions beside a shortcut; (N, H, W, C) to (N, H/stride, W/stride, width)."""
    branch = _convolve(x, name, 1, width, 3, seed=seed, stride=stride, relu=True)
    branch = _convolve(branch, name, 2, width, 3, seed=seed)
    return Add(relu=True, name=f"{name}_add")([branch, _shortcut(x, name, width, stride, seed)])


def _bottleneck(x: keras.KerasTensor, name: str, width: int, stride: int, seed: int | None) -> keras.KerasTensor:
    """1 x 1, 3 x 3 and 1 x 1 convolutions beside a shortcut; (N, H, W, C) to (N, H/stride, W/stride, 4 width)."""
    branch = _convolve(x, name, 1, width, 1, seed=seed, relu=True)
    branch = _convolve(branch, name, 2, width, 3, seed=seed, stride=stride, relu=True)
    branch = _convolve(branch, name, 3, 4 * width, 1, seed=seed)
    return Add(relu=True, name=f"{name}_add")([branch, _shortcut(x, name, 4 * width, stride, seed)])


def _convolve(
    x: keras.KerasTensor,
    block: str,
    index: int,
    filters: int,
    size: int,
    *,
    seed: int | None,
    stride: int = 1,
    relu: bool = False,
) -> keras.KerasTensor:
    """Convolution number `index` of a block with its batch normalization; the size changes by the stride only."""
    name = f"{block}_conv{index}"
    x = Convolution(filters, size, stride=stride, padding=size // 2, seed=seed_of(seed, name), name=name)(x)
    return BatchNormalization(relu=relu, name=f"{block}_bn{index}")(x)


def _shortcut(x: keras.KerasTensor, block: str, filters: int, stride: int, seed: int | None) -> keras.KerasTensor:
    """The block's input, projected by a 1 x 1 convolution where the shape changes."""
    if stride == 1 and x.shape[-1] == filters:
        return x
    name = f"{block}_downsample_0"
    x = Convolution(filters, 1, stride=stride, seed=seed_of(seed, name), name=name)(x)
    return BatchNormalization(name=f"{block}_downsample_1")(x)
