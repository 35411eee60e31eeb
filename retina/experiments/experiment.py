"""An experiment: the frozen, typed description of one run."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from retina.errors import ExperimentError
from retina.experiments.settings import ADDED, DEPENDS_ON, Setting, check, effective, meaningful, setting
from retina.experiments.target import DISEASE_RISK, Target, binary
from retina.machine import files


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One run: what is trained, how, and from which random seed. It is validated on construction.

    Raises:
        ExperimentError: a value has the wrong type or is out of range.
    """

    backbone: str = setting(
        "backbone",
        str,
        choices=("vgg16", "resnet18", "resnet50"),
        prefixes=("keras", "keras_cv", "keras_hub"),
        in_file=False,
    )
    params: str = setting("name of the parameter set", str, in_file=False, plain=True)
    loss: str = setting("loss", str, "ce", choices=("ce", "focal"), in_file=False)
    seed: int = setting("random seed", int, 0, low=0, high=2**31 - 1, in_file=False)

    target: str = setting(
        "what is predicted: a column of the label table that holds 0 and 1", str, DISEASE_RISK, column=True
    )

    batch_size: int = setting("images in one training step", int, low=1, high=4096)
    learning_rate: float = setting("step size of the optimizer", float, low=1e-8, high=10.0)
    epochs: int = setting("passes over the training images at most", int, low=1, high=10_000)
    early_stopping: bool = setting("stop when validation loss no longer falls", bool, default=True)
    patience: int = setting(
        "epochs without a lower validation loss before stopping; not those of a warm-up or of the head alone",
        int,
        3,
        low=1,
        high=10_000,
    )

    weights: str = setting("imagenet, random, a state-dict file, or an earlier run", str, "imagenet")
    fine_tune: str = setting("what is trained", str, "full", choices=("head", "last", "full"))
    head_start: str = setting(
        "first weights of the logit: random, or prior: zero, with the bias at the log-odds of the training prevalence",
        str,
        "random",
        choices=("random", "prior"),
    )
    freeze_epochs: int = setting("first epochs, in which the head alone is trained", int, 0, low=0, high=10_000)
    layer_decay: float = setting(
        "factor of the learning rate from each stage of the backbone to the one before it",
        float,
        1.0,
        low=0.01,
        high=1.0,
    )
    optimizer: str = setting(
        "how gradients become steps; sgd has Nesterov's momentum of 0.9",
        str,
        "adam",
        choices=("adam", "adamw", "sgd"),
    )
    weight_decay: float = setting(
        "adamw and sgd: share of each kernel taken off at a step, times the rate (decoupled)",
        float,
        0.0,
        low=0.0,
        high=10.0,
    )
    schedule: str = setting(
        "course of the learning rate after its warm-up", str, "constant", choices=("constant", "cosine", "plateau")
    )
    plateau_patience: int = setting(
        "plateau: epochs without a lower validation loss before the rate is reduced", int, 1, low=1, high=10_000
    )
    plateau_factor: float = setting("plateau: what the rate is multiplied by", float, 0.5, low=0.001, high=0.999)
    warmup_epochs: float = setting(
        "epochs over which the learning rate rises to its value; parts of one count", float, 0.0, low=0.0, high=10_000.0
    )
    clip_norm: float = setting(
        "largest norm of all gradients of a step together; 0: any", float, 0.0, low=0.0, high=1e6
    )
    ema: float = setting(
        "share of the weights' running average that each step keeps; the average is what is validated. 0: none",
        float,
        0.0,
        low=0.0,
        high=0.99999,
    )
    dropout: float = setting("share of pooled features dropped before the logit", float, 0.2, low=0.0, high=0.95)
    focal_gamma: float = setting("focal loss: how strongly easy images are discounted", float, 2.0, low=0.0, high=10.0)
    focal_alpha: float | None = setting(
        "focal loss: weight of positives, 1 - alpha for negatives",
        float,
        None,
        low=0.0,
        high=1.0,
        optional=True,
    )
    class_weight: str = setting(
        "how much an image counts in the loss: all alike, or balanced: both classes alike as wholes",
        str,
        "none",
        choices=("none", "balanced"),
    )
    label_smoothing: float = setting(
        "e: the loss takes labels as 1 - e/2 and e/2; 0: as they are", float, 0.0, low=0.0, high=0.99
    )

    image_size: int = setting("side of the square image in pixels", int, 224, low=64, high=1024)
    crop_disc: bool = setting("crop to the fundus disc before resizing", bool, default=True)
    horizontal_flip: bool = setting("augmentation: mirror left and right, every second time", bool, default=True)
    vertical_flip: bool = setting("augmentation: mirror top and bottom, every second time", bool, default=False)
    rotation: float = setting("augmentation: largest rotation in degrees", float, 10.0, low=0.0, high=180.0)
    brightness: float = setting("augmentation: largest relative change of brightness", float, 0.1, low=0.0, high=0.9)
    contrast: float = setting("augmentation: largest relative change of contrast", float, 0.1, low=0.0, high=0.9)

    feature_variants: int = setting(
        "fine-tuning the head: augmented variants of an image that its features are computed of; 0: as it is",
        int,
        4,
        low=0,
        high=1000,
    )

    precision: str = setting("arithmetic", str, "auto", choices=("auto", "float32", "bfloat16"))
    deterministic: bool = setting("only kernels that repeat to the last bit; slower on a GPU", bool, default=False)

    def __post_init__(self) -> None:
        check(SETTINGS, {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}, where="the options")
        for item in dataclasses.fields(self):
            # A whole number is allowed for a float; 10 and 10.0 must give one digest, and so must 0.0 and -0.0.
            if SETTINGS[item.name].kind is float and getattr(self, item.name) is not None:
                object.__setattr__(self, item.name, float(getattr(self, item.name)) + 0.0)
        self._refuse_contradictions()

    def _refuse_contradictions(self) -> None:
        """Refuse settings that together are not what their names say."""
        if self.optimizer == "adamw" and not self.weight_decay:
            raise ExperimentError(
                "optimizer adamw without weight_decay is adam",
                expected="a weight_decay above 0",
                advice="add --weight-decay 0.01, or take --optimizer adam",
            )
        if self.schedule == "plateau" and self.early_stopping and self.plateau_patience >= self.patience:
            lower = "lower --plateau-patience, " if self.patience > 1 else ""
            raise ExperimentError(
                "early stopping ends the run before the plateau lowers its rate",
                expected=f"a plateau_patience below the patience of {self.patience}",
                found=self.plateau_patience,
                advice=f"{lower}raise --patience, or add --no-early-stopping",
            )
        if self.fine_tune != "head" and self.freeze_epochs >= self.epochs:
            raise ExperimentError(
                f"freeze_epochs {self.freeze_epochs} leave no epoch for the backbone",
                expected=f"fewer than the {self.epochs} epochs",
                advice="lower --freeze-epochs or raise --epochs; for the head alone take --fine-tune head in its place",
            )

    @property
    def frozen_epochs(self) -> int:
        """First epochs in which the head alone is trained and the rest follows; 0 where the head is all that is."""
        return 0 if self.fine_tune == "head" else self.freeze_epochs

    @property
    def opening_epochs(self) -> int:
        """First epochs, which early stopping does not judge: of the head alone, and all that the warm-up reaches."""
        return self.frozen_epochs + math.ceil(self.warmup_epochs)

    @property
    def unread(self) -> dict[str, str]:
        """Settings of which a value was chosen that has no effect here -> the setting because of which it has none."""
        values = self.to_dict()
        kept = effective(values)
        chosen = [name for name, value in ADDED.items() if values[name] != value]
        return {name: DEPENDS_ON[name][0] for name in chosen if name not in kept}

    @property
    def declared_target(self) -> Target:
        """The target of the column that `target` names: its classes, which of them is positive, its metric."""
        return binary(self.target)

    def to_dict(self) -> dict[str, Any]:
        """The experiment as plain JSON values, in the order of the fields."""
        return dataclasses.asdict(self)

    def digest(self, *, data: str, weights: str) -> str:
        """The SHA-256 (64 hexadecimal digits) of the experiment, its data and its starting weights.

        Args:
            data: The fingerprint of the data set.
            weights: What training starts from: `random`, or the SHA-256 of the weights' file.
        """
        content = {"experiment": meaningful(self.to_dict()) | {"weights": weights}, "data": data}
        return files.json_sha256(content)


SETTINGS: dict[str, Setting] = {item.name: item.metadata["setting"] for item in dataclasses.fields(Experiment)}
