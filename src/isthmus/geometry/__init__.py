"""What piecewise-affine networks look like, loaded on first use."""

from isthmus.core.lazy import lazy_attributes
from isthmus.geometry.counts import montufar_bound, zaslavsky_bound

_NEED_TORCH = {
    "DecoderSurface": "isthmus.geometry.surface",
    "LinePartition": "isthmus.geometry.line",
    "SliceCell": "isthmus.geometry.cells",
    "SlicePartition": "isthmus.geometry.cells",
    "SlicePlane": "isthmus.geometry.slice",
    "as_layers": "isthmus.geometry.layers",
    "decoder_surface": "isthmus.geometry.surface",
    "line_partition": "isthmus.geometry.line",
    "slice_partition": "isthmus.geometry.slice",
    "slice_through": "isthmus.geometry.slice",
}
__all__ = [
    "DecoderSurface",  # noqa: F822
    "LinePartition",  # noqa: F822
    "SliceCell",  # noqa: F822
    "SlicePartition",  # noqa: F822
    "SlicePlane",  # noqa: F822
    "as_layers",  # noqa: F822
    "decoder_surface",  # noqa: F822
    "line_partition",  # noqa: F822
    "montufar_bound",
    "slice_partition",  # noqa: F822
    "slice_through",  # noqa: F822
    "zaslavsky_bound",
]
__getattr__ = lazy_attributes(__name__, _NEED_TORCH, needs="torch")
