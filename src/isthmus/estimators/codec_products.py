"""faiss's product quantisers at a budget of bits, without and with a learnt rotation."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Int

from isthmus.core.lazy import needed_module
from isthmus.core.protocol import row_errors
from isthmus.estimators.codec_fits import (
    Fit,
    Fitted,
    Ground,
    LeftOut,
    room_for_norm,
    strongest_axes,
    too_few,
    with_norm,
)

WIDEST_OPQ = 1024
"""Columns up to which a rotation is learnt: decompositions of that size."""
_CLUSTER_BITS, _OPQ_STEPS = 8, 5
_START_STEPS = 4
"""Steps of the clusterings that starts of OPQ are compared by: no more than faiss takes."""


def product_shape(n_input: int, n_bits: int, n_rows: int) -> tuple[int, int]:
    """Subquantisers and bits of each that spend most of the bits.

    Eight bits each, as is usual; fewer where rows or bits are few. There are no more
    subquantisers than columns.

    Examples:
        >>> product_shape(128, 64, 3500), product_shape(64, 5, 3500)
        ((8, 8), (1, 5))
        >>> product_shape(64, 64, 50), product_shape(3, 36, 9000)
        ((12, 5), (3, 12))
    """
    most = max(int(np.log2(max(n_rows, 2))), 1)
    each = min(_CLUSTER_BITS, most, n_bits)
    if n_bits // each > n_input:
        each = min(n_bits // n_input, most, 12)
    return min(n_bits // each, n_input), each


def spread_columns(n_input: int, parts: int) -> Int[np.ndarray, " column"]:
    """Where columns go so that each part has as many places, empty ones among them.

    Examples:
        >>> spread_columns(5, 2).tolist()
        [0, 1, 2, 3, 4]
        >>> spread_columns(5, 3).tolist()
        [0, 1, 2, 3, 4]
        >>> spread_columns(4, 3).tolist()
        [0, 1, 2, 4]
    """
    width = -(-n_input // parts)
    pieces = np.array_split(np.arange(n_input), parts)
    return np.concatenate(
        [i * width + np.arange(piece.size) for i, piece in enumerate(pieces)]
    )


def fit_product(learn_rotation: bool) -> Fit:
    """PQ, or OPQ where the rotation before it is learnt.

    OPQ starts from no rotation, or from its authors' parametric solution, principal
    directions dealt out so that the products of their variances are level: whichever
    leaves less of the training rows. From faiss's random start it can end above plain PQ
    (0.172 against 0.155 on SIFT at one bit per column; from here 0.130).
    """

    def fit(ground: Ground, budget: int, norm: bool) -> Fitted | LeftOut:
        faiss = needed_module("faiss", "faiss")
        n_bits = room_for_norm(budget, norm)
        if n_bits < 1:
            return too_few(budget)
        rows, d = ground.train, ground.train.shape[1]
        if learn_rotation and d > WIDEST_OPQ:
            return LeftOut(f"takes long beyond {WIDEST_OPQ:,} columns")
        parts, each = product_shape(d, n_bits, rows.shape[0])
        places = spread_columns(d, parts)
        width = -(-d // parts) * parts
        turn = np.eye(width, dtype=np.float32)[places]
        quantiser = _quantiser(faiss, width, parts, each, ground.seed)
        if learn_rotation:
            turn = _learnt(faiss, ground, turn, quantiser)

        def turned(x: np.ndarray) -> np.ndarray:
            return np.ascontiguousarray(x @ turn if learn_rotation or width > d else x)

        def decode(codes: np.ndarray) -> np.ndarray:
            found = quantiser.decode(codes)
            return np.asarray(found @ turn.T if learn_rotation else found[:, places])

        quantiser.train(turned(rows))
        fitted = Fitted(
            payload_bits=parts * each,
            side_bits=0,
            encode=lambda x: quantiser.compute_codes(turned(x)),
            decode=decode,
            uses_axes=learn_rotation,
            note=f"{parts} x {each} bits",
        )
        return with_norm(fitted, ground) if norm else fitted

    return fit


def _learnt(faiss: Any, ground: Ground, wide: np.ndarray, quantiser: Any) -> np.ndarray:
    """Rotation of OPQ, "input place", from the better of two starts on."""
    width, parts = wide.shape[1], quantiser.M
    variance = np.zeros(width)
    variance[: ground.principal.eigenvalues.size] = ground.principal.eigenvalues
    inside = wide.T @ strongest_axes(ground, wide.shape[0])  # places of no column come last
    outside = np.eye(width)[:, ~wide.any(axis=0)]
    order = dealt(variance, parts)
    rotation = faiss.OPQMatrix(width, parts)
    rotation.niter, rotation.niter_pq_0 = _OPQ_STEPS, _OPQ_STEPS
    rotation.pq = _quantiser(faiss, width, parts, quantiser.nbits, ground.seed)
    parametric = np.hstack([inside, outside])[:, order].T.astype(np.float32)
    rows = np.ascontiguousarray(ground.train @ wide)
    quick = _quantiser(faiss, width, parts, quantiser.nbits, ground.seed)
    quick.cp.niter = _START_STEPS

    def loss(start: np.ndarray) -> float:
        turned = rows @ start.T
        quick.train(turned)
        back = quick.decode(quick.compute_codes(turned))
        return float(row_errors(turned, back).sum())

    start = min((parametric, np.eye(width, dtype=np.float32)), key=loss)
    if len(rows) < width:  # faiss 1.15 writes outside its memory there
        return np.ascontiguousarray(wide @ start.T)
    faiss.copy_array_to_vector(np.ascontiguousarray(start).ravel(), rotation.A)
    rotation.train(rows)
    matrix = faiss.vector_to_array(rotation.A).reshape(width, width)
    return np.ascontiguousarray(wide @ matrix.T)


def dealt(variance: Float[np.ndarray, " place"], parts: int) -> Int[np.ndarray, " place"]:
    """Directions in parts of equal size and level products of variances.

    The largest goes to the part of least product so far that is not full.

    Examples:
        >>> dealt(np.array([8.0, 4.0, 2.0, 1.0]), 2).tolist()
        [0, 3, 1, 2]
    """
    least = max(float(variance.max()) * 1e-6, np.finfo(float).tiny)
    weight = np.log(np.maximum(variance, least) / least)
    members: list[list[int]] = [[] for _ in range(parts)]
    total = np.zeros(parts)
    for place in np.argsort(-variance, kind="stable"):
        free = [i for i in range(parts) if len(members[i]) < variance.size // parts]
        least_filled = min(free, key=lambda i: (total[i], len(members[i])))
        members[least_filled].append(int(place))
        total[least_filled] += weight[place]
    return np.concatenate([np.array(one, dtype=np.int64) for one in members])


def _quantiser(faiss: Any, width: int, parts: int, each: int, seed: int) -> Any:
    found = faiss.ProductQuantizer(width, parts, each)
    found.cp.min_points_per_centroid = 1  # faiss would warn on standard error
    found.cp.seed = seed % (2**31 - 1)
    return found
