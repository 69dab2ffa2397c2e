"""What iterates. Names that need torch are loaded on first use."""

from isthmus.core.lazy import lazy_attributes

_NEED_TORCH = {
    "StraightThrough": "isthmus.training.sgd",
    "train_straight_through": "isthmus.training.sgd",
}
__all__ = ["StraightThrough", "train_straight_through"]  # noqa: F822
__getattr__ = lazy_attributes(__name__, _NEED_TORCH, needs="torch")
