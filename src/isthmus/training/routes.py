"""Encoders that need no descent: orthonormal rows and tight frames."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from isthmus.core.door import real_array, real_number, whole_number
from isthmus.core.errors import NotConverged, ValueOutOfRange
from isthmus.core.random import as_rng, random_normal
from isthmus.core.typing import Matrix
from isthmus.frames.sizes import check_sizes
from isthmus.limits.population import unit_rows

_METHODS = ("qr", "newton-schulz")
_DARK = 1e-12


def random_rows(
    n_code: int, n_input: int, *, rng: np.random.Generator
) -> Float[np.ndarray, "code input"]:
    """Rows drawn independently and uniformly on the unit sphere."""
    return unit_rows(random_normal(rng, n_code, n_input))[0]


def orthonormal_rows(
    weight: Matrix, *, method: str = "qr", rtol: float = 1e-14, max_steps: int = 60
) -> Float[np.ndarray, "code input"]:
    r"""Orthonormal rows that span what the given rows span.

    On white data, at most one code symbol per coordinate, they attain the limit exactly.

    .. math:: X \leftarrow \tfrac32 X - \tfrac12 X X^\top X

    is the Newton-Schulz iteration: products of matrices alone, and its fixed point is
    the nearest orthonormal matrix (the polar factor). QR turns the rows one by one.

    Args:
        weight: Linearly independent rows, "code input", no more than columns.
        method: ``"qr"`` or ``"newton-schulz"``.
        rtol: Newton-Schulz: largest entry of X X^T - I at which it stops, relative to
            the square root of the number of rows.
        max_steps: Newton-Schulz: steps after which it gives up.

    Returns:
        Orthonormal rows. Accurate to 1e-14 (QR) or `rtol` times the root of the rows.

    Raises:
        ValueOutOfRange: If there are more rows than columns, an entry is not finite or
            `method` is not known.
        NotConverged: If rows depend on each other, or nearly so.

    Examples:
        >>> w = orthonormal_rows(np.array([[3.0, 4.0], [0.0, 2.0]]), method="newton-schulz")
        >>> bool(np.allclose(w @ w.T, np.eye(2), atol=1e-13))
        True

    References:
        [higham:08]
    """
    w = real_array("orthonormal_rows(weight=...)", weight)
    if w.ndim != 2 or not 0 < w.shape[0] <= w.shape[1] or not np.all(np.isfinite(w)):
        raise ValueOutOfRange(
            "`orthonormal_rows(weight=...)` must be finite with at most as many rows as "
            f"columns; got shape {w.shape}. For more rows use tight_frame."
        )
    if method not in _METHODS:
        raise ValueOutOfRange(
            f"`orthonormal_rows(method=...)` must be one of {', '.join(_METHODS)}; "
            f"got {method!r}."
        )
    if method == "newton-schulz":
        rtol = real_number("orthonormal_rows(rtol=...)", rtol)
        name = "orthonormal_rows(max_steps=...)"
        return _newton_schulz(w, rtol, whole_number(name, max_steps, least=1))
    q, r = np.linalg.qr(w.T)
    diagonal = np.diag(r)
    if np.abs(diagonal).min() <= _DARK * np.abs(diagonal).max():
        raise NotConverged(
            "`orthonormal_rows(weight=...)` must have linearly independent rows; row "
            f"{int(np.argmin(np.abs(diagonal)))} depends on the ones before it."
        )
    return np.ascontiguousarray((q * np.where(diagonal >= 0, 1.0, -1.0)).T)


def tight_frame(
    n_code: int,
    n_input: int,
    *,
    rng: np.random.Generator | int | None,
    rtol: float = 1e-6,
    max_steps: int = 200,
) -> Float[np.ndarray, "code input"]:
    r"""Unit rows with W^T W near (n_code / n_input) I, from a random start.

    .. math:: W \leftarrow \mathrm{rownorm}(\sqrt r\, U V^\top), \qquad
        W = U D V^\top, \qquad r = n / d

    alternates the nearest tight frame and unit rows. With more rows than columns such a
    frame approaches the limit on white data as the dimension grows; with as many or
    fewer it is orthonormal after one step.

    Args:
        n_code: Rows.
        n_input: Columns.
        rng: Seed or generator of the random start.
        rtol: Frame error, ||W^T W / r - I||_F / sqrt(d) (for fewer rows than columns
            that of W W^T), at which it stops.
        max_steps: Alternations after which it stops in any case: the last per mille of
            frame error hardly change a risk.

    Returns:
        W, "code input".

    Raises:
        ValueOutOfRange: If a size is not a whole number of at least 1.

    Examples:
        >>> w = tight_frame(12, 5, rng=0)
        >>> bool(np.allclose(w.T @ w, 2.4 * np.eye(5), atol=1e-5))
        True

    References:
        [shevchenko:23], [tropp:05]
    """
    n_code, n_input = check_sizes("tight_frame", n_code, n_input)
    rtol = real_number("tight_frame(rtol=...)", rtol)
    max_steps = whole_number("tight_frame(max_steps=...)", max_steps, least=0)
    rows = random_rows(n_code, n_input, rng=as_rng(rng))
    for _ in range(max_steps):
        u, _, vt = np.linalg.svd(rows, full_matrices=False)
        rows = unit_rows(u @ vt)[0]  # unit rows are blind to the factor sqrt(r)
        if frame_error(rows) <= rtol:
            break
    return rows


def frame_error(rows: Float[np.ndarray, "code input"]) -> float:
    """Relative distance of the frame operator from a multiple of the identity.

    Examples:
        >>> frame_error(np.eye(3))
        0.0
    """
    n_code, n_input = rows.shape
    gram = rows @ rows.T if n_code < n_input else rows.T @ rows * (n_input / n_code)
    gram.flat[:: gram.shape[0] + 1] -= 1.0
    return float(np.linalg.norm(gram) / np.sqrt(gram.shape[0]))


def _newton_schulz(w: np.ndarray, rtol: float, max_steps: int) -> np.ndarray:
    n_code = w.shape[0]
    largest = float(np.abs(w).max())
    w = w / largest if largest > 0 else w  # so that no square overflows
    gram = w @ w.T
    scale = np.abs(gram).sum(axis=1).max()
    if not scale > 0:
        raise NotConverged("`orthonormal_rows(weight=...)` must not be zero.")
    # Powers bring the bound on the largest singular value near the value itself.
    power = gram / scale
    for k in range(3):
        power = power @ power
        bound = np.abs(power).sum(axis=1).max() ** (0.5 ** (k + 2))
    x = w / (np.sqrt(scale) * bound)
    eye, tolerance = np.eye(n_code), rtol * np.sqrt(n_code)
    for _ in range(max_steps):
        gram = x @ x.T
        gap = float(np.abs(gram - eye).max())
        x = 1.5 * x - 0.5 * (gram @ x)
        if gap <= np.sqrt(tolerance):  # the step just made squares the gap
            return np.asarray(x)
    raise NotConverged(
        f"`orthonormal_rows(weight=...)` must have linearly independent rows; Newton-"
        f"Schulz stands {gap:.2g} from orthonormal after {max_steps} steps. Use "
        "method='qr', which names the row."
    )
