"""faiss's rotations with few bits per direction, at a budget of bits."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

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
    strongest_axes,
    too_few,
)

RABITQ_SIDE = 64
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
        learnt=False,
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
        learnt=False,
        note=f"{bits} bit{'s' * (bits > 1)} each, {_directions(size, len(turn))}",
    )


def random_axes(ground: Ground, size: int) -> Float[np.ndarray, "input size"]:
    """A random rotation of the strongest principal directions: of all, if all fit."""
    gaussian = random_normal(as_rng(ground.seed), size, size)
    rotation, upper = np.linalg.qr(gaussian)
    rotation = rotation * np.where(np.diag(upper) < 0, -1.0, 1.0)
    return np.ascontiguousarray(strongest_axes(ground, size) @ rotation, dtype=np.float32)


def _predicted(ground: Ground, size: int, bits: int) -> float:
    values = ground.principal.all_eigenvalues
    kept = float(values[:size].sum() / values.sum())
    return 1.0 - kept * (1.0 - lloyd_max_distortion(bits))


def _directions(size: int, d: int) -> str:
    return "rotated at random" if size == d else f"{size} of {d} directions"
