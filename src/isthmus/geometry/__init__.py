"""What piecewise-affine networks look like. What needs torch is loaded on first use."""

from isthmus.core.lazy import lazy_attributes
from isthmus.geometry.orbits import (
    Determination,
    is_determined,
    orbit_curvature,
    orbit_gap_bound,
    phi,
    theorem2_sum_bound,
)
from isthmus.geometry.tangents import local_tangents

_NEED_TORCH = {
    "as_layers": "isthmus.geometry.layers",
}
__all__ = [
    "Determination",
    "as_layers",  # noqa: F822
    "is_determined",
    "local_tangents",
    "orbit_curvature",
    "orbit_gap_bound",
    "phi",
    "theorem2_sum_bound",
]
__getattr__ = lazy_attributes(__name__, _NEED_TORCH, needs="torch")
