"""Clouds of more than four dimensions, projected so that certificates survive."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float

from isthmus.topology.alpha import AlphaComplex, alpha_complex
from isthmus.topology.components import longest_gap
from isthmus.topology.point_clouds import Span, distinct, lengths

MOST_DIM = 4
"""Dimensions that an alpha complex can have at acceptable cost."""

BIRTH_FACTOR = 3.5
"""Default largest birth, in deaths of the last component."""

QUANTILE = 0.1
"""The longest lifted edge must be below this quantile of all distances."""


@dataclasses.dataclass(frozen=True)
class Polyhedron:
    r"""The alpha complex of a cloud or of its projection, and its lift.

    With P the projection to the first principal axes and s the map that is affine on
    every simplex and sends each projected point back to its own sample, a class (b, d) of
    the projected cloud of degree j >= n_code certifies an error of d - b somewhere on the
    lifted polyhedron s(K_b): P does not lengthen, and P G F s would otherwise contradict
    the certificate of the projected cloud.

    Attributes:
        alpha: Complex of the projected points.
        original: The same points before projection.
        max_birth: Largest birth radius of a class that counts.
        projected: Whether dimensions were left out.
    """

    alpha: AlphaComplex
    original: Float[np.ndarray, "sample rank"]
    max_birth: float
    projected: bool

    @property
    def dim(self) -> int:
        """Dimension of the space that the complex triangulates."""
        return int(self.alpha.points.shape[1])

    def longest_edge(self, radius: float) -> float:
        """Longest lifted edge of the polyhedron at a radius, in input units."""
        return float(lengths(self.original, self.alpha.edges(radius)[0]).max(initial=0.0))

    def quantile_of(self, length: float) -> float:
        """Share of all pairwise distances of the samples that are below a length."""
        return float(np.mean(pairwise(self.original) < length))


def polyhedron(
    span: Span, n_code: int, max_birth: float | None, alpha: AlphaComplex | None = None
) -> Polyhedron:
    """Alpha complex of a cloud, projected by a rule fixed in advance if it must be.

    Up to four dimensions nothing is projected. Otherwise the smallest k is taken with
    n_code + 1 <= k <= 4 for which the longest lifted edge of the polyhedron at the
    largest birth is below the 10 % quantile of all distances between samples, and 4 if
    there is none. Points that coincide after projection are counted once.

    Args:
        span: Distinct points in their affine span, at least two.
        n_code: Latent dimension, at most 3 if the cloud has more than four dimensions.
        max_birth: Largest birth; None for 3.5 times the last death of a component.
        alpha: Complex of the points in their span, if it is known already.
    """
    rank = span.points.shape[1]
    if rank <= MOST_DIM:
        alpha = alpha_complex(span.points) if alpha is None else alpha
        return Polyhedron(alpha, span.points, _largest_birth(alpha, max_birth), False)
    limit = float(np.quantile(pairwise(span.points), QUANTILE))
    for dim in range(min(max(n_code + 1, 2), MOST_DIM), MOST_DIM + 1):
        points, kept = distinct(span.points[:, :dim])
        alpha = alpha_complex(points)
        largest = _largest_birth(alpha, max_birth)
        made = Polyhedron(alpha, span.points[kept], largest, True)
        if made.longest_edge(largest) < limit:
            break
    return made


def pairwise(
    points: Float[np.ndarray, "sample dim"], most: int = 2000
) -> Float[np.ndarray, " pair"]:
    """Distances of all pairs; of every m-th point where there are more than `most`."""
    from scipy.spatial.distance import pdist

    distances: np.ndarray = pdist(points[:: -(-points.shape[0] // most)])
    return distances


def _largest_birth(alpha: AlphaComplex, max_birth: float | None) -> float:
    if max_birth is not None:
        return max_birth
    return 0.5 * BIRTH_FACTOR * longest_gap(alpha.points, alpha.edges()[0])
