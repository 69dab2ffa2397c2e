"""What piecewise-affine networks are around a point, loaded on first use."""

from isthmus.core.lazy import lazy_attributes
from isthmus.geometry.counts import montufar_bound, zaslavsky_bound
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
    "AffineFactors": "isthmus.geometry.affine",
    "AffineMap": "isthmus.geometry.affine",
    "Biorthogonality": "isthmus.geometry.tangent_check",
    "BoundaryDistance": "isthmus.geometry.boundary",
    "DecoderSurface": "isthmus.geometry.surface",
    "ExitTime": "isthmus.geometry.exits",
    "Generalisation": "isthmus.geometry.error_split",
    "LinePartition": "isthmus.geometry.line",
    "LocalGeneralisation": "isthmus.geometry.radius",
    "RegionShare": "isthmus.geometry.region_shares",
    "SliceCell": "isthmus.geometry.cells",
    "SlicePartition": "isthmus.geometry.cells",
    "SlicePlane": "isthmus.geometry.slice",
    "affine_factors": "isthmus.geometry.affine",
    "affine_map": "isthmus.geometry.affine",
    "affine_maps": "isthmus.geometry.affine",
    "as_layers": "isthmus.geometry.layers",
    "biorthogonality": "isthmus.geometry.tangent_check",
    "boundary_distance": "isthmus.geometry.boundary",
    "count_regions": "isthmus.geometry.switching",
    "decoder_surface": "isthmus.geometry.surface",
    "exit_time": "isthmus.geometry.exits",
    "generalisation": "isthmus.geometry.error_split",
    "hash_code": "isthmus.geometry.switching",
    "line_partition": "isthmus.geometry.line",
    "local_generalisation_radius": "isthmus.geometry.radius",
    "region_code": "isthmus.geometry.switching",
    "slice_partition": "isthmus.geometry.slice",
    "slice_through": "isthmus.geometry.slice",
    "split_at": "isthmus.geometry.bottleneck",
}
__all__ = [
    "AffineFactors",  # noqa: F822
    "AffineMap",  # noqa: F822
    "Biorthogonality",  # noqa: F822
    "BoundaryDistance",  # noqa: F822
    "DecoderSurface",  # noqa: F822
    "Determination",
    "ExitTime",  # noqa: F822
    "Generalisation",  # noqa: F822
    "LinePartition",  # noqa: F822
    "LocalGeneralisation",  # noqa: F822
    "RegionShare",  # noqa: F822
    "SliceCell",  # noqa: F822
    "SlicePartition",  # noqa: F822
    "SlicePlane",  # noqa: F822
    "affine_factors",  # noqa: F822
    "affine_map",  # noqa: F822
    "affine_maps",  # noqa: F822
    "as_layers",  # noqa: F822
    "biorthogonality",  # noqa: F822
    "boundary_distance",  # noqa: F822
    "count_regions",  # noqa: F822
    "decoder_surface",  # noqa: F822
    "exit_time",  # noqa: F822
    "generalisation",  # noqa: F822
    "hash_code",  # noqa: F822
    "is_determined",
    "line_partition",  # noqa: F822
    "local_generalisation_radius",  # noqa: F822
    "local_tangents",
    "montufar_bound",
    "orbit_curvature",
    "orbit_gap_bound",
    "phi",
    "region_code",  # noqa: F822
    "slice_partition",  # noqa: F822
    "slice_through",  # noqa: F822
    "split_at",  # noqa: F822
    "theorem2_sum_bound",
    "zaslavsky_bound",
]
__getattr__ = lazy_attributes(__name__, _NEED_TORCH, needs="torch")
