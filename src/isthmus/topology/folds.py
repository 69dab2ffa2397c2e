"""Where an autoencoder tears the data: the worst case between samples, hunted."""

from __future__ import annotations

import dataclasses
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

from isthmus.core.door import real_number
from isthmus.core.errors import DataError, SearchWarning, ValueOutOfRange
from isthmus.topology.delaunay import delaunay_simplices
from isthmus.topology.fold_measures import (
    ErrorCurve,
    RequiredLipschitz,
    bad_components,
    collision_bound,
    error_curve,
    required_lipschitz,
    steepest,
)
from isthmus.topology.fold_search import Worst, errors_along, hunt
from isthmus.topology.neighbours import LEAST_POINTS, nearest_neighbours
from isthmus.topology.point_clouds import checked_cloud, distinct
from isthmus.topology.round_trip import RoundTrip, round_trip

if TYPE_CHECKING:
    from isthmus.topology.certificate import Certificate

_NEIGHBOURS = 12
_DELAUNAY_COLUMNS = 3
_BRIDGE = 1.5
_SHARE = 0.01  # of the edges, by stretch and by error, searched further
_LEAST = 32
_MOST_EDGES = 20_000
_COARSE = 17  # points on every edge


@dataclasses.dataclass(frozen=True, eq=False)
class FoldReport:
    """Errors of one autoencoder between samples, where its training never looked.

    All lengths are in input units. An error is the distance of a point from its
    reconstruction.

    Attributes:
        max_error: Largest error found on edges and small simplices between near samples:
            a lower bound of the largest there is.
        location: Where.
        vertices: Rows whose hull holds that point.
        weights: Its barycentric coordinates.
        max_at_samples: Largest error at the samples alone.
        median: Median error at the samples.
        curve: Share of samples above each error, with its upper bound.
        epsilon: Error above which a place counts as bad.
        components: Samples at the ends of bad edges, by connected part, largest first.
        lipschitz: Steepest slope of the whole map that was met, a lower bound of its
            Lipschitz constant.
        lipschitz_bound: A proven Lipschitz constant; None if none is known.
        required_lipschitz: How steep any autoencoder of this code length must be to fail
            as rarely as stated; empty without a certificate.
        collision_bound: Error that two samples of like codes force, from the decoder's
            Lipschitz constant; None if that or the codes are not known.
        certificate: What every continuous autoencoder of this code length must lose
            somewhere; None if not asked for or not applicable.
        found: Whether `max_error` reaches the certificate; None without one, or where it
            certifies nothing.
        n_edges: Edges between near samples that were looked at.
    """

    max_error: float
    location: Float[np.ndarray, " input"]
    vertices: tuple[int, ...]
    weights: tuple[float, ...]
    max_at_samples: float
    median: float
    curve: ErrorCurve
    epsilon: float
    components: tuple[int, ...]
    lipschitz: float
    lipschitz_bound: float | None
    required_lipschitz: tuple[RequiredLipschitz, ...]
    collision_bound: float | None
    certificate: Certificate | None
    found: bool | None
    n_edges: int


def fold_report(
    autoencode: Any,
    X: Any,
    *,
    encode: Any = None,
    certificate: Certificate | None = None,
    decoder_lipschitz: float | None = None,
    epsilon: float | None = None,
) -> FoldReport:
    """Hunt the worst reconstruction between samples and say what it means.

    The training loss cannot show a latent space that is too small: the tear can run
    between all samples. Edges to the twelve nearest samples are looked along, and
    triangles and tetrahedra on those that are stretched most or answered worst; up to
    three columns also Delaunay's edges across gaps.

    Args:
        autoencode: Callable from rows to rows, torch module, estimator with `transform`
            and `inverse_transform`, or pair (encoder, decoder).
        X: Rows, "sample input", finite, at least 10 different ones; best such that were
            not trained on, since the bounds of `curve` hold for these.
        encode: The encoder alone, where `autoencode` is the whole.
        certificate: As :func:`isthmus.topology.certificate` gives it for the same rows and
            the autoencoder's code length. It speaks of continuous maps alone.
        decoder_lipschitz: Lipschitz constant of the decoder, for the collision bound; None
            to take the product of spectral norms, where the decoder is known.
        epsilon: Error above which a place is bad; None for half the certificate, or half
            of the largest error found without one.

    Returns:
        The report.

    Warns:
        SearchWarning: If the largest error found is below a certificate: the worst place
            was missed, or the map is not continuous.

    Raises:
        DataError: If the rows are too few, or not finite.
        ValueOutOfRange: If `autoencode` does not return rows like those it is given, or
            `certificate` is for fewer latent dimensions than the encoder has.

    Examples:
        >>> angle = np.linspace(0, 2 * np.pi, 300, endpoint=False)
        >>> circle = np.column_stack([np.cos(angle), np.sin(angle)])
        >>> def encode(x):
        ...     return np.arctan2(x[:, 1], x[:, 0])[:, None]
        >>> def decode(z):
        ...     return np.column_stack([np.cos(z[:, 0]), np.sin(z[:, 0])])
        >>> fold_report((encode, decode), circle).max_error < 0.01  # not continuous
        True

    References:
        [kvalheim:24], [clopper:34]
    """
    x, kept = distinct(checked_cloud("fold_report(X=...)", X))
    if x.shape[0] < LEAST_POINTS:
        raise DataError(
            f"`fold_report(X=...)` must have at least {LEAST_POINTS} different rows; got "
            f"{x.shape[0]}. Draw more."
        )
    trip = round_trip(autoencode, encode=encode, n_input=x.shape[1])
    _check_certificate(certificate, trip, x)
    at_samples = trip.errors(x)
    birth = None if certificate is None else certificate.birth
    edges = _edges(x, 0.0 if birth is None else 2.0 * float(birth))
    searched, worst = _search(trip, x, edges)
    shown = Worst(*_sample(at_samples, x))
    best = worst if worst.error > shown.error else shown
    bound = None if certificate is None else float(certificate.bound)
    if epsilon is None:
        half = bound if bound else best.error
        epsilon = half / 2.0
    else:
        epsilon = _not_negative("epsilon", epsilon)
    found = bool(best.error >= bound) if bound else None
    if found is False:
        warnings.warn(
            f"The largest error found, {best.error:.4g}, is below {bound:.4g}, which every "
            "continuous autoencoder of this code length has somewhere: the search missed "
            "the place, or this autoencoder is not continuous.",
            SearchWarning,
            stacklevel=2,
        )
    return FoldReport(
        best.error,
        best.location,
        tuple(int(kept[i]) for i in best.vertices),
        best.weights,
        shown.error,
        float(np.median(at_samples)),
        error_curve(at_samples),
        float(epsilon),
        bad_components(edges[searched.edges], searched.top > epsilon, x.shape[0]),
        steepest(
            trip.reconstruct,
            x,
            edges[searched.edges][searched.worst],
            rounding=trip.rounding,
        ),
        trip.lipschitz_bound,
        required_lipschitz(x, bound or 0.0, _reach(certificate)),
        _collision(trip, x, decoder_lipschitz),
        certificate,
        found,
        int(searched.edges.size),
    )


@dataclasses.dataclass(frozen=True, eq=False)
class _Searched:
    edges: Int[np.ndarray, " searched"]
    top: Float[np.ndarray, " searched"]
    worst: Int[np.ndarray, " candidate"]


def _search(trip: RoundTrip, x: np.ndarray, edges: np.ndarray) -> tuple[_Searched, Worst]:
    """Look along edges, the most stretched first, and hunt where it is worst."""
    jumps = trip.reconstruct if trip.encode is None else trip.encode
    image = jumps(x)
    first, second = edges.T
    apart = np.linalg.norm(x[first] - x[second], axis=1)
    stretch = np.linalg.norm(image[first] - image[second], axis=1) / apart
    chosen = np.argsort(-stretch, kind="stable")[:_MOST_EDGES]
    top = errors_along(trip.errors, x, edges[chosen], _COARSE).max(axis=1)
    n_most = max(_LEAST, round(_SHARE * chosen.size))
    by_error = np.argsort(-top, kind="stable")
    # In turn the most stretched and the worst: what is cut off later are the least.
    worst = np.column_stack([np.arange(chosen.size), by_error])[:n_most].ravel()
    worst = worst[np.sort(np.unique(worst, return_index=True)[1])]
    found = hunt(trip.errors, x, edges, chosen[worst], jumps)
    return _Searched(chosen, top, by_error[:_LEAST]), found


def _collision(trip: RoundTrip, x: np.ndarray, lipschitz: float | None) -> float | None:
    lipschitz = trip.decoder_lipschitz if lipschitz is None else lipschitz
    if lipschitz is None or trip.encode is None:
        return None
    lipschitz = _not_negative("decoder_lipschitz", lipschitz)
    return collision_bound(x, trip.encode(x), lipschitz)[0]


def _not_negative(argument: str, value: object) -> float:
    number = real_number(f"fold_report({argument}=...)", value)
    if not 0.0 <= number < np.inf:
        raise ValueOutOfRange(
            f"`fold_report({argument}=...)` must be finite and not negative; got {number}. "
            "Leave it out to have it chosen."
        )
    return number


def _check_certificate(
    certificate: Certificate | None, trip: RoundTrip, x: np.ndarray
) -> None:
    """Refuse what certifies nothing, or fewer latent numbers than the encoder has."""
    if certificate is None:
        return
    if not hasattr(certificate, "bound"):
        raise ValueOutOfRange(
            "`fold_report(certificate=...)` must be what `certificate(X, n_code)` returns; "
            f"got {type(certificate).__name__}."
        )
    width = 0 if trip.encode is None else trip.encode(x[:2]).shape[1]
    if width > certificate.n_code:
        raise ValueOutOfRange(
            "`fold_report(certificate=...)` must be for at least as many latent dimensions "
            f"as the encoder has, {width}; got one for {certificate.n_code}. Take "
            f"certificate(X, {width})."
        )


def _sample(
    error: np.ndarray, x: np.ndarray
) -> tuple[float, np.ndarray, tuple[int], tuple[float]]:
    top = int(np.argmax(error))
    return float(error[top]), x[top], (top,), (1.0,)


def _edges(x: np.ndarray, least: float) -> np.ndarray:
    """Pairs of rows of which one is among the other's nearest, or across a gap from it.

    The nearest rows of a row at the edge of a gap lie all on its own side, and a gap is
    where training can hide a tear. Up to three columns Delaunay's edges bridge it, those no
    longer than one and a half times the longest to a near row, or than `least`.
    """
    near = nearest_neighbours(x, _NEIGHBOURS).indices
    first = np.repeat(np.arange(x.shape[0]), near.shape[1])
    pairs = np.sort(np.column_stack([first, near.ravel()]), axis=1)
    if 2 <= x.shape[1] <= _DELAUNAY_COLUMNS:
        pairs = np.concatenate(
            [pairs, _bridges(x, max(_BRIDGE * _length(x, pairs).max(), least))]
        )
    return np.unique(pairs, axis=0)


def _bridges(x: np.ndarray, longest: float) -> np.ndarray:
    """Edges of the Delaunay triangulation up to a length; none where there is no such."""
    cells = delaunay_simplices(x)
    if cells is None:
        return np.zeros((0, 2), dtype=np.int64)
    size = len(cells)
    pairs = np.concatenate(
        [cells[[i, j]].T for i in range(size) for j in range(i + 1, size)]
    ).astype(np.int64)
    return pairs[_length(x, pairs) <= longest]


def _length(x: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.norm(x[pairs[:, 0]] - x[pairs[:, 1]], axis=1))


def _reach(certificate: Certificate | None) -> float:
    """Largest distance of a point of its polyhedron from the samples."""
    if certificate is None or certificate.birth is None:
        return 0.0
    if certificate.kind == "alpha":
        return certificate.birth
    return certificate.longest_edge
