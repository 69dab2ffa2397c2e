"""What piecewise-affine networks look like, loaded on first use."""

from isthmus.core.lazy import lazy_attributes

_NEED_TORCH = {
    "as_layers": "isthmus.geometry.layers",
}
__all__ = [
    "as_layers",  # noqa: F822
]
__getattr__ = lazy_attributes(__name__, _NEED_TORCH, needs="torch")
