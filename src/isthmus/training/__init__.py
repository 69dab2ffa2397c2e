"""What iterates. Names that need torch are loaded on first use."""

from isthmus.core.lazy import lazy_attributes
from isthmus.training.descend import Descent, descend
from isthmus.training.itq import ItqFit, itq
from isthmus.training.masked import MaskedRisk, masked_gradient, masked_risk
from isthmus.training.masked_descent import MaskedDescent, descend_masked
from isthmus.training.rotation import RotationAdvice, should_rotate
from isthmus.training.routes import orthonormal_rows, tight_frame
from isthmus.training.water_filled import (
    WaterFilled,
    water_filled,
    water_filled_rows,
)

_NEED_TORCH = {
    "TrainedAutoencoder": "isthmus.training.deep_training",
    "train_autoencoder": "isthmus.training.deep_training",
    "train_bit_network": "isthmus.training.bit_network",
    "StraightThrough": "isthmus.training.sgd",
    "train_straight_through": "isthmus.training.sgd",
    "train_with_layers": "isthmus.training.unrolled_sgd",
}
__all__ = [
    "Descent",
    "ItqFit",
    "MaskedDescent",
    "MaskedRisk",
    "RotationAdvice",
    "StraightThrough",  # noqa: F822
    "TrainedAutoencoder",  # noqa: F822
    "WaterFilled",
    "descend",
    "descend_masked",
    "itq",
    "masked_gradient",
    "masked_risk",
    "orthonormal_rows",
    "should_rotate",
    "tight_frame",
    "train_autoencoder",  # noqa: F822
    "train_bit_network",  # noqa: F822
    "train_straight_through",  # noqa: F822
    "train_with_layers",  # noqa: F822
    "water_filled",
    "water_filled_rows",
]
__getattr__ = lazy_attributes(__name__, _NEED_TORCH, needs="torch")
