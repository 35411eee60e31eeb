"""Features of a frozen backbone: computed once for each image and kept, so that a head trains on vectors.

A backbone that is not trained gives the same features for an image in every epoch. Its pooled features are therefore
computed once for each augmented variant of an image, in a pass of their own, and kept on disk like prepared images:
epoch e trains on variant (e - 1) mod n + 1, so that n variants make n epochs differ. A file of features is
named by all that decides them; it holds its SHA-256, and features that are not as they were written are computed again.
"""

import hashlib
from pathlib import Path
from typing import Any

import keras
import numpy as np
import torch

from retina.data.feeding.augmentation import Augmentation
from retina.data.feeding.batches import EvaluationBatches, ShuffledBatches
from retina.errors import DataError, DivergedError
from retina.machine import device, files, kept, progress, provenance, sealed
from retina.models.backbones.interface import digest
from retina.models.kernels import dispatch
from retina.models.running import prediction
from retina.models.running.precision import MixedPrecision
from retina.training.plan import Plan

SCHEMA = "retina-feature-cache/1"
VECTORS = "vectors.f32"
MANIFEST = "manifest.json"


class Features:
    """The pooled features of a plan's images, computed when they are first asked for.

    Args:
        plan: The plan.
        backbone: Images (N, H, W, 3) to features (N, C) float32; see `retina.models.classifier.split`.
        folder: Where features are kept; the user's cache folder where it is None.

    Attributes:
        computed: How many images went through the backbone so far; 0 where all features were there.
    """

    def __init__(self, plan: Plan, backbone: keras.Model, *, folder: Path | None = None) -> None:
        self.plan = plan
        self.augmentation = plan.augmentation
        self.batch_size = prediction.batch_size()
        self.folder = kept.cache_folder() / "features" if folder is None else folder
        self.model = MixedPrecision(backbone, plan.experiment.precision)
        self.channels = backbone.output_shape[-1]
        self.weights = digest(backbone.layers)
        self.computed = 0

    @property
    def variants(self) -> list[int]:
        """The variants of a training image that the epochs need: from 1, or 0 alone for images as they are."""
        experiment = self.plan.experiment
        # Without augmentation all variants are the image itself.
        count = 0 if self.augmentation == Augmentation() else experiment.feature_variants
        return list(range(1, min(count, experiment.epochs) + 1)) or [0]

    def of(self, split: str, variant: int = 0) -> np.ndarray:
        """The features of a split's images, (N, C) float32, in their order: of the images as they are, or of a variant.

        Raises:
            DivergedError: a feature is not a finite number.
            RetinaError: the features cannot be written.
        """
        content = self._content(split, variant)
        key = files.json_sha256(content)
        home = self.folder / key[:16]
        vectors = kept.read_or_discard(home, lambda: _open(home, content))
        if vectors is not None:
            return vectors
        vectors = self._compute(split, variant)
        with files.atomic_folder(home) as temporary:
            (temporary / VECTORS).write_bytes(vectors.tobytes())
            manifest = content | {"sha256": hashlib.sha256(vectors.tobytes()).hexdigest()}
            (temporary / MANIFEST).write_text(sealed.seal(manifest), encoding="ascii")
        return vectors

    def _content(self, split: str, variant: int) -> dict[str, Any]:
        """All that decides features, as plain JSON values."""
        experiment, part = self.plan.experiment, self.plan.data.splits[split]
        return {
            "schema": SCHEMA,
            "backbone": experiment.backbone,
            "weights": self.weights,
            "data": self.plan.data.fingerprint,
            "split": split,
            "shape": [len(part.rows), self.channels],
            "image_size": experiment.image_size,
            "crop_disc": experiment.crop_disc,
            "variant": [variant, experiment.seed, vars(self.augmentation)] if variant else None,
            # Type, batch size, kernels, device, threads and versions decide the last digits.
            "precision": experiment.precision,
            "batch_size": self.batch_size,
            "kernels": dispatch.setting(),
            "device": device.device_name(),
            "threads": torch.get_num_threads(),
            "packages": {name: provenance.version(name) for name in ("retina", "torch", "pillow")}
            | self.plan.backbone.facts.versions(),
        }

    def _compute(self, split: str, variant: int) -> np.ndarray:
        """Send a split's images through the backbone, in their order and in batches of one size."""
        rows = self.plan.data.splits[split].rows
        variations = self.augmentation.draw(self.plan.experiment.seed, variant, len(rows)) if variant else None
        batches = EvaluationBatches(
            self.plan.data.images, rows, batch_size=self.batch_size, variations=variations, device=device.device()
        )
        words = f"Features of {split} images" + (f", variant {variant} of {len(self.variants)}" if variant else "")
        with progress.bar(words, batches.num_batches, quiet=self.plan.place.quiet, unit="batches") as advance:
            vectors = prediction.outputs(self.model, batches, advance=advance)
        if not np.isfinite(vectors).all():
            raise DivergedError(
                "the backbone's features are not finite numbers",
                found=f"others in the {split} split",
                advice="check the weights it starts from",
            )
        self.computed += len(rows)
        return np.ascontiguousarray(vectors, np.float32)


class FeatureBatches(ShuffledBatches):
    """One epoch of shuffled features (B, C) float32 of training images.

    Args:
        features: Where they come from.
        labels: (N,) 0 or 1.
        **kwargs: Those of `ShuffledBatches`.
    """

    def __init__(self, features: Features, labels: np.ndarray, **kwargs: Any) -> None:  # noqa: ANN401 - those above
        # Before the class above is initialized: that sets the epoch, which calls `prepare`.
        self.features = features
        super().__init__(labels, **kwargs)

    def prepare(self, epoch: int) -> None:
        """Read the epoch's variant: one is in memory at a time."""
        variants = self.features.variants
        self.vectors = self.to_device(self.features.of("train", variants[(epoch - 1) % len(variants)])[self.order])

    def gather(self, part: slice) -> torch.Tensor:
        """Some images' features."""
        return self.vectors[part]


def _open(home: Path, content: dict[str, Any]) -> np.ndarray:
    """Features from disk; a DataError where they are not as they were written."""
    try:
        manifest = sealed.read_sealed(home / MANIFEST)
        data = (home / VECTORS).read_bytes()
    except (OSError, ValueError) as error:
        raise DataError("kept features are damaged", found=error, where=home) from error
    if manifest != content | {"sha256": hashlib.sha256(data).hexdigest()}:
        raise DataError("kept features are damaged", found="other bytes than were written", where=home)
    # torch shares an array's memory and wants it writable, which that of bytes is not
    return np.frombuffer(bytearray(data), np.float32).reshape(content["shape"])
