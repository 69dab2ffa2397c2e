"""Networks in torch, loaded on first use."""

from isthmus.core.lazy import lazy_attributes

_NEED_TORCH = {
    "TwoLayerAutoencoder": "isthmus.models.two_layer",
}
__all__ = ["TwoLayerAutoencoder"]  # noqa: F822
__getattr__ = lazy_attributes(__name__, _NEED_TORCH, needs="torch")
