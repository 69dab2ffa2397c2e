"""faiss's codecs at a budget of bits: product quantisers and rotations with few bits."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from isthmus.core.lazy import needed_module
from isthmus.core.lloyd_max import lloyd_max_distortion
from isthmus.core.protocol import measure_errors, row_errors
from isthmus.core.random import as_rng, random_normal
from isthmus.estimators.codec_fits import (
    NORM,
    Fit,
    Fitted,
    Ground,
    LeftOut,
    half_norms,
    room_for_norm,
    too_few,
    with_norm,
)

RABITQ_SIDE = 64
WIDEST_OPQ = 1024
"""Columns up to which a rotation is learnt: fifty decompositions of that size."""
_CLUSTER_BITS, _OPQ_STEPS = 8, 5
_EDEN, _TURBOQUANT = (1, 2, 3, 4, 5, 6, 7, 8), (1, 2, 3, 4, 8)
_TRIED_ROWS = 2000


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let faiss, if it is there, use one thread meanwhile."""
    if importlib.util.find_spec("faiss") is None:
        yield
        return
    faiss = needed_module("faiss", "faiss")
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


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
    inside = wide.T @ _axes(ground, wide.shape[0])  # places of no column come last
    outside = np.eye(width)[:, ~wide.any(axis=0)]
    order = dealt(variance, parts)
    rotation = faiss.OPQMatrix(width, parts)
    rotation.niter, rotation.niter_pq_0 = _OPQ_STEPS, _OPQ_STEPS
    rotation.pq = _quantiser(faiss, width, parts, quantiser.nbits, ground.seed)
    parametric = np.hstack([inside, outside])[:, order].T.astype(np.float32)
    rows = np.ascontiguousarray(ground.train @ wide)

    def loss(start: np.ndarray) -> float:
        turned = rows @ start.T
        quantiser.train(turned)
        back = quantiser.decode(quantiser.compute_codes(turned))
        return float(row_errors(turned, back).sum())

    start = min((parametric, np.eye(width, dtype=np.float32)), key=loss)
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


def fit_rabitq(ground: Ground, budget: int, norm: bool) -> Fitted | LeftOut:
    """One bit per direction and two numbers; decoded to least error, not without bias."""
    faiss = needed_module("faiss", "faiss")
    d = ground.train.shape[1]
    size = min(d, budget - RABITQ_SIDE)
    if size < 1:
        return too_few(budget, RABITQ_SIDE)
    turn = random_axes(ground, size)
    index = faiss.IndexRaBitQ(size, faiss.METRIC_L2)
    index.train(ground.train @ turn)
    scale = np.float32(2.0 / np.pi)

    def encode(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        z = x @ turn
        return index.sa_encode(z), np.linalg.norm(z, axis=1)  # one of its two numbers

    def unbiased(codes: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        return np.asarray(index.sa_decode(codes[0]) @ turn.T)

    return Fitted(
        payload_bits=size,
        side_bits=RABITQ_SIDE,
        encode=encode,
        decode=lambda codes: scale * unbiased(codes),
        norms=lambda codes: codes[1],
        estimate=unbiased,
        predicted=_predicted(ground, size, 1),
        note=_directions(size, d),
    )


def fit_rotation(kind: str) -> Fit:
    """EDEN or TurboQuant: a random rotation, a few bits per direction, a norm."""

    def fit(ground: Ground, budget: int, norm: bool) -> Fitted | LeftOut:
        d = ground.train.shape[1]
        if budget <= NORM:
            return too_few(budget)
        depths = _EDEN if kind == "eden" else _TURBOQUANT
        wanted = max(round((budget - NORM) / d), 1)
        bits = max(depth for depth in depths if depth <= wanted)
        if budget - NORM < bits:
            return too_few(budget)
        return _scalar(ground, kind, bits, min(d, (budget - NORM) // bits))

    return fit


def fit_best_axes(ground: Ground, budget: int, norm: bool) -> Fitted | LeftOut:
    """Principal directions, randomly rotated, with EDEN's bits: the best number of each.

    Training rows choose, of which nothing but their axes was fitted.
    """
    d = ground.train.shape[1]
    if budget <= NORM:
        return too_few(budget)
    rows = ground.train[:_TRIED_ROWS]
    sizes = {bits: min(d, (budget - NORM) // bits) for bits in _EDEN}
    tried = [_scalar(ground, "eden", bits, size) for bits, size in sizes.items() if size]
    energy = row_errors(rows, np.zeros_like(rows))

    def loss(one: Fitted) -> float:
        error = row_errors(rows, one.decode(one.encode(rows)))
        return measure_errors(error, energy).value

    return min(tried, key=loss)


def _scalar(ground: Ground, kind: str, bits: int, size: int) -> Fitted:
    """Rotated directions, scaled as the quantiser wants them, and a norm."""
    faiss = needed_module("faiss", "faiss")
    name = f"QT_{bits}bit_{'eden' if kind == 'eden' else 'tqmse'}"
    quantiser = faiss.IndexScalarQuantizer(
        size, getattr(faiss.ScalarQuantizer, name), faiss.METRIC_L2
    )
    turn = random_axes(ground, size)
    length = np.float32(np.sqrt(size) if kind == "eden" else 1.0)

    def directions(x: np.ndarray) -> np.ndarray:
        z = x @ turn
        norms = np.linalg.norm(z, axis=1, keepdims=True)
        return z * np.divide(length, norms, out=np.zeros_like(norms), where=norms > 0)

    quantiser.train(directions(ground.train))

    def encode(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return quantiser.sa_encode(directions(x)), half_norms(x)

    def whole(codes: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        norms = codes[1].astype(np.float32)[:, None] / length
        return np.asarray((quantiser.sa_decode(codes[0]) * norms) @ turn.T)

    # How much of the length the code explains, and of the code the row: two numbers.
    back = whole(encode(ground.train))
    both = float(np.einsum("ij,ij->", ground.train, back, dtype=np.float64))
    scale = np.float32(both / np.einsum("ij,ij->", back, back, dtype=np.float64))
    square = float(np.einsum("ij,ij->", ground.train, ground.train, dtype=np.float64))
    even = np.float32(square / both)
    return Fitted(
        payload_bits=bits * size,
        side_bits=NORM,
        encode=encode,
        decode=lambda codes: scale * whole(codes),
        norms=lambda codes: codes[1].astype(np.float32),
        estimate=lambda codes: even * whole(codes),
        predicted=_predicted(ground, size, bits),
        note=f"{bits} bit{'s' * (bits > 1)} each, {_directions(size, len(turn))}",
    )


def random_axes(ground: Ground, size: int) -> Float[np.ndarray, "input size"]:
    """A random rotation of the strongest principal directions: of all, if all fit."""
    gaussian = random_normal(as_rng(ground.seed), size, size)
    rotation, upper = np.linalg.qr(gaussian)
    rotation = rotation * np.where(np.diag(upper) < 0, -1.0, 1.0)
    return np.ascontiguousarray(_axes(ground, size) @ rotation, dtype=np.float32)


def _axes(ground: Ground, size: int) -> Float[np.ndarray, "input size"]:
    """The strongest principal directions; any others where there are no more of them."""
    basis = ground.principal.basis[:, :size]
    if basis.shape[1] == size:
        return np.asarray(basis)
    full, _ = np.linalg.qr(np.hstack([basis, np.eye(basis.shape[0])]))
    return np.asarray(full[:, :size])


def _predicted(ground: Ground, size: int, bits: int) -> float:
    values = ground.principal.all_eigenvalues
    kept = float(values[:size].sum() / values.sum())
    return 1.0 - kept * (1.0 - lloyd_max_distortion(bits))


def _directions(size: int, d: int) -> str:
    return "rotated at random" if size == d else f"{size} of {d} directions"
