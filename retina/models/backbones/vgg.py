"""VGG16 up to the last feature map (Simonyan and Zisserman 2015, https://arxiv.org/abs/1409.1556, configuration D).

The layers carry the names of torchvision's `features` with an underscore for the full stop, so that its state dict
needs no table of names.
"""

import keras

from retina.models.layers.base import seed_of
from retina.models.layers.body import Convolution, MaxPooling

# Filters of a block, then torchvision's numbers of its convolutions and of the pooling that ends it. The numbers have
# gaps because torchvision counts each rectifier too.
BLOCKS = (
    (64, (0, 2), 4),
    (128, (5, 7), 9),
    (256, (10, 12, 14), 16),
    (512, (17, 19, 21), 23),
    (512, (24, 26, 28), 30),
)

STAGES = {
    f"block{number}": tuple(f"features.{index}" for index in convolutions)
    for number, (_, convolutions, _) in enumerate(BLOCKS, start=1)
}


def vgg16(images: keras.KerasTensor, seed: int | None = None) -> keras.KerasTensor:
    """Normalized images (N, H, W, 3) to features (N, H/32, W/32, 512)."""
    x = images
    for filters, convolutions, pooling in BLOCKS:
        for index in convolutions:
            name = f"features_{index}"
            last = index == convolutions[-1]  # its rectifier follows the pooling
            options = {"use_bias": True, "relu": not last, "pooled": last, "seed": seed_of(seed, name), "name": name}
            x = Convolution(filters, 3, padding=1, **options)(x)
        x = MaxPooling(2, stride=2, relu=True, name=f"features_{pooling}")(x)
    return x
