"""The rival: plain torch as its documentation advises, channels_last, autocast where it pays, fused Adam. No retina.

Its batches are ready: float images in memory, nothing to decode, gather or augment.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

import torch_reference

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
CHANNELS = {"resnet18": 512, "resnet50": 2048, "vgg16": 512}


class Network(nn.Module):
    """A backbone with global average pooling, dropout and one logit."""

    def __init__(self, name: str, dropout: float = 0.2) -> None:
        super().__init__()
        self.backbone = torch_reference.BUILD[name]()
        self.dropout = nn.Dropout(dropout)
        self.logit = nn.Linear(CHANNELS[name], 1)
        self.to(DEVICE, memory_format=torch.channels_last)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """RGB images (N, H, W, 3), 0-255, to logits (N, 1) float32."""
        features = self.backbone.features(images).permute(0, 3, 1, 2)
        pooled = functional.adaptive_avg_pool2d(features.float(), 1).flatten(1)
        return self.logit(self.dropout(pooled)).float()


def has_bfloat16() -> bool:
    """Whether the device multiplies bfloat16 in hardware."""
    if DEVICE == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    path = Path("/proc/cpuinfo")
    flags = set(path.read_text(encoding="utf-8").split()) if path.is_file() else set()
    return bool({"amx_bf16", "avx512_bf16"} & flags)


def step(
    network: nn.Module, optimizer: torch.optim.Optimizer, images: torch.Tensor, labels: torch.Tensor, *, autocast: bool
) -> None:
    """One training step."""
    with torch.autocast(DEVICE, torch.bfloat16, enabled=autocast):
        logits = network(images)
    optimizer.zero_grad()
    functional.binary_cross_entropy_with_logits(logits, labels).backward()
    optimizer.step()


def wait() -> None:
    """Wait until the device has done all that it was given."""
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def training(backbone: str, batch: int, steps: int, side: int) -> Callable[[], float]:
    """Some training steps."""
    network = Network(backbone).train()
    optimizer = torch.optim.Adam(network.parameters(), 1e-4, fused=True)
    images = torch.randint(0, 256, (steps, batch, side, side, 3), device=DEVICE).float()
    labels = (torch.arange(batch, device=DEVICE)[:, None] % 2).float()
    autocast = has_bfloat16()

    def turn() -> float:
        began = time.perf_counter()
        for part in images:
            step(network, optimizer, part, labels, autocast=autocast)
        wait()
        return time.perf_counter() - began

    return turn


def evaluation(backbone: str, batch: int, steps: int, side: int) -> Callable[[], float]:
    """A pass over some batches without gradients."""
    network = Network(backbone).eval()
    images = torch.randint(0, 256, (steps, batch, side, side, 3), dtype=torch.uint8, device=DEVICE)
    autocast = has_bfloat16()

    def turn() -> float:
        began = time.perf_counter()
        with torch.inference_mode(), torch.autocast(DEVICE, torch.bfloat16, enabled=autocast):
            torch.cat([network(part) for part in images]).tolist()
        return time.perf_counter() - began

    return turn


def stock_keras(backbone: str, batch: int, steps: int, side: int) -> Callable[[], float]:
    """The same backbone from keras.applications, or ResNet18 from KerasHub, under stock `compile` and `fit`."""
    import keras
    import numpy as np

    if backbone == "resnet18":
        from keras_hub.models import ResNetBackbone

        features = ResNetBackbone(
            input_conv_filters=[64],
            input_conv_kernel_sizes=[7],
            stackwise_num_filters=[64, 128, 256, 512],
            stackwise_num_blocks=[2, 2, 2, 2],
            stackwise_num_strides=[1, 2, 2, 2],
            block_type="basic_block",
            image_shape=(side, side, 3),
        )
    else:
        make = {"resnet50": keras.applications.ResNet50, "vgg16": keras.applications.VGG16}[backbone]
        features = make(include_top=False, weights=None, input_shape=(side, side, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(features.output)
    logit = keras.layers.Dense(1)(keras.layers.Dropout(0.2)(pooled))
    model = keras.Model(features.input, logit)
    model.compile(
        keras.optimizers.Adam(1e-4),
        keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)],
    )
    images = np.random.default_rng(0).integers(0, 256, (steps * batch, side, side, 3)).astype(np.float32)
    labels = (np.arange(len(images)) % 2).astype(np.float32)[:, None]

    def turn() -> float:
        began = time.perf_counter()
        model.fit(images, labels, batch_size=batch, epochs=1, verbose=0)
        return time.perf_counter() - began

    return turn
