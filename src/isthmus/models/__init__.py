"""Networks in torch, loaded on first use."""

from isthmus.core.lazy import lazy_attributes

_NEED_TORCH = {
    "ConvolutionalAutoencoder": "isthmus.models.convolutional",
    "DenseAutoencoder": "isthmus.models.dense",
    "TwoLayerAutoencoder": "isthmus.models.two_layer",
}
__all__ = [  # noqa: F822
    "ConvolutionalAutoencoder",
    "DenseAutoencoder",
    "TwoLayerAutoencoder",
]
__getattr__ = lazy_attributes(__name__, _NEED_TORCH, needs="torch")
