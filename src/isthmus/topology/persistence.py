"""Births and deaths of holes, in radii of balls around the points."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float

from isthmus.core.errors import ValueOutOfRange
from isthmus.topology.alpha import AlphaComplex
from isthmus.topology.simplex_tree import filled_tree, persistence

Intervals = dict[int, list[Float[np.ndarray, "_ 2"]]]
"""Field -> degree -> births and deaths, radii in input units."""

_STEPS = 20
_MARGIN = 1.0 + 1e-6
_ROUNDING = 1.0 + 1e-9


def alpha_intervals(
    alpha: AlphaComplex, fields: Iterable[int] = (2,), *, n_degrees: int | None = None
) -> Intervals:
    r"""Persistence intervals of the union of balls of growing radius.

    Simplices whose value exceeds a radius R such that one ball of radius R holds all
    points are left out: the balls of that radius about the points all contain its
    centre, so that their union is star-shaped and every hole is filled.

    Args:
        alpha: An alpha complex.
        fields: Primes of the coefficient fields; 2 sees holes of surfaces without
            orientation, 3 tells them from others.
        n_degrees: Degrees from 0 to one below it; by default all that the space has.

    Returns:
        Intervals over each field, sorted by length, longest first. Those that rounding
        or the jitter may have made are left out: d <= b (1 + 1e-9) + 2 jitter. Degree 0
        has one interval that never ends.

    Raises:
        MissingDependency: If gudhi is not installed.
        ValueOutOfRange: If a field is not a prime below 46337.

    Examples:
        >>> from isthmus.topology.alpha import alpha_complex
        >>> angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        >>> circle = alpha_complex(np.stack([np.cos(angle), np.sin(angle)], axis=1))
        >>> alpha_intervals(circle)[2][1].round(3).tolist()
        [[0.078, 1.0]]
    """
    fields = tuple(fields)
    _check_fields(fields)
    dim = alpha.points.shape[1]
    degrees = dim if n_degrees is None else n_degrees
    limit = enclosing_radius(alpha.points)
    cut = limit * limit * _MARGIN
    kept = [values <= cut for values in alpha.values]
    tree = filled_tree(
        [np.compress(k, s, axis=1) for k, s in zip(kept, alpha.simplices, strict=True)],
        [values[k] for k, values in zip(kept, alpha.values, strict=True)],
    )
    squared = persistence(tree, fields, degrees)
    return {
        field: [
            _radii(found, limit if degree else np.inf, 2.0 * alpha.jitter)
            for degree, found in enumerate(each)
        ]
        for field, each in squared.items()
    }


def enclosing_radius(points: Float[np.ndarray, "sample dim"]) -> float:
    """Radius of a ball that holds all points, within a few per cent of the least.

    Steps of the farthest-point rule of Badoiu and Clarkson; any centre gives a bound.

    Examples:
        >>> enclosing_radius(np.array([[-1.0, 0.0], [1.0, 0.0]]))
        1.0
    """
    centre = points.mean(axis=0)
    best = np.inf
    for step in range(_STEPS):
        distance = np.linalg.norm(points - centre, axis=1)
        far = int(distance.argmax())
        best = min(best, float(distance[far]))
        centre = centre + (points[far] - centre) / (step + 2)
    return best


def _radii(squared: np.ndarray, limit: float, noise: float) -> np.ndarray:
    radii = np.minimum(np.sqrt(squared), limit)
    radii = radii[radii[:, 1] > radii[:, 0] * _ROUNDING + noise]
    by_length = np.argsort(radii[:, 0] - radii[:, 1], kind="stable")
    return np.take(radii, by_length, axis=0)


def _check_fields(fields: tuple[int, ...]) -> None:
    for field in fields:
        if not 2 <= field <= 46337 or any(
            field % k == 0 for k in range(2, int(field**0.5) + 1)
        ):
            raise ValueOutOfRange(
                f"`alpha_intervals(fields=...)` must be primes from 2 to 46337; got {field}"
                ". Take 2, and 3 to tell torsion."
            )
