"""What the pieces of an autoencoder tell of rows that it was not trained on."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

N_STARTS, MAX_DESCENT = 2, 15
"""Codes to search for the nearest point from, the row's own among them; steps from each."""
NEAR_ROWS = 5000
"""Training rows that tangents are taken from."""


@dataclasses.dataclass(frozen=True)
class Part:
    """NMSE over some rows, with its standard error."""

    nmse: float
    standard_error: float


@dataclasses.dataclass(frozen=True)
class Regions:
    """How many held-out rows lie in a region that holds a training row.

    Attributes:
        of: ``"encoder"``, ``"decoder"`` or ``"autoencoder"``.
        n_units: Entries of a region's code.
        n_regions: Different regions of training rows.
        test: Share of the held-out rows.
        test_error: Its standard error.
        train: Share of training rows whose region holds another one.
    """

    of: str
    n_units: int
    n_regions: int
    test: float
    test_error: float
    train: float


@dataclasses.dataclass(frozen=True)
class Slopes:
    """Medians over held-out rows; lengths in input units.

    Attributes:
        dim: Tangents taken at each row.
        deviation: Of the product of the slopes from 1, over all code numbers.
        restricted: Of the same along what the tangents need.
        tangent: Of the autoencoder's slope from 1 along the tangents.
        explained: As much of `tangent` as the row's error over its region's length allows.
        angle: Largest angle between tangents and the decoder's image, degrees.
        radius: Distance to the boundary of the row's region: 5, 50 and 95 %.
        nearest: Distance to the nearest training row, median.
    """

    dim: int
    deviation: float
    restricted: float
    tangent: float
    explained: float
    angle: float
    radius: tuple[float, float, float]
    nearest: float


def look_into(
    encoder: Any,
    decoder: Any,
    old: np.ndarray,
    new: np.ndarray,
    *,
    dim: int,
    unit: float = 1.0,
) -> dict[str, Any]:
    """Split the error of new rows; regions and slopes where the networks have any.

    Args:
        encoder: Torch module in eval.
        decoder: Of its codes.
        old: Rows that they were trained on, as the encoder takes them.
        new: Rows that they were not.
        dim: Tangents to take at each row, of flat rows alone; at most as many as codes have
            numbers.
        unit: Of the networks' rows, in input units.

    Returns:
        `n_code`, `manifold_gap`, `encoder_gap`, `regions` and `slopes`.
    """
    from isthmus.geometry import generalisation

    found = generalisation(
        encoder, decoder, old, new, n_starts=N_STARTS - 1, max_steps=MAX_DESCENT
    )
    regions = tuple(
        Regions(
            name,
            one.n_units,
            one.n_regions,
            one.test.value,
            one.test.standard_error,
            one.train.value,
        )
        for name, one in (found.regions or {}).items()
    )
    n_code = found.codes.shape[1]
    dim = min(dim, n_code)
    flat = old.ndim == 2 and len(old) > 3 * dim + 10
    return {
        "n_code": n_code,
        "manifold_gap": Part(found.manifold_gap.value, found.manifold_gap.standard_error),
        "encoder_gap": Part(found.encoder_gap.value, found.encoder_gap.standard_error),
        "regions": regions,
        "slopes": _slopes(encoder, decoder, old, new, dim, unit)
        if regions and flat
        else None,
    }


def _slopes(
    encoder: Any, decoder: Any, old: np.ndarray, new: np.ndarray, dim: int, unit: float
) -> Slopes:
    from sklearn.neighbors import NearestNeighbors

    from isthmus.geometry import (
        as_layers,
        biorthogonality,
        boundary_distance,
        local_tangents,
    )

    some = old[:: -(-len(old) // NEAR_ROWS)]
    tangents = local_tangents(some, new, dim=dim)
    found = biorthogonality(encoder, decoder, new, tangents=tangents)
    whole = (*as_layers(encoder), *as_layers(decoder))
    radius = boundary_distance(whole, new).distance
    low, middle, high = unit * np.quantile(radius, (0.05, 0.5, 0.95), method="lower")
    nearest = NearestNeighbors(n_neighbors=1).fit(old).kneighbors(new)[0]
    return Slopes(
        dim=dim,
        deviation=float(np.median(found.deviation)),
        restricted=float(np.median(found.restricted)),
        tangent=float(np.median(found.tangent_deviation)),
        explained=float(np.median(found.explained)),
        angle=float(np.degrees(np.median(found.angles[:, 0]))),
        radius=(float(low), float(middle), float(high)),
        nearest=unit * float(np.median(nearest)),
    )
