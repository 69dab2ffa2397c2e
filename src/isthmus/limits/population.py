"""Exact risk and exact best decoder of a two-layer autoencoder on Gaussian data."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from isthmus.core.activations import Activation, resolve_activation
from isthmus.core.door import real_array
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.linalg import check_covariance, descending_eigh, solve_gram
from isthmus.core.tolerance import CORRELATION_GAP, UNIT_VARIANCE
from isthmus.core.typing import Matrix


def population_risk(
    encoder_weight: Matrix,
    decoder_weight: Matrix,
    covariance: Matrix,
    *,
    activation: object = "sign",
) -> float:
    r"""Mean squared error per coordinate on centred Gaussian data, without sampling.

    .. math:: \tfrac1d E \|x - A s(Bx)\|^2 = \tfrac1d \left[ \mathrm{tr}\, \Sigma
        - 2\, \mathrm{tr}(A^\top E[x y^\top]) + \mathrm{tr}(A^\top A\, E[y y^\top])
        \right], \qquad y = s(Bx)

    Args:
        encoder_weight: B, "code input", one row per code symbol.
        decoder_weight: A, "input code".
        covariance: Of the input, "input input", symmetric positive semi-definite.
        activation: Name, odd function or :class:`~isthmus.core.Activation` with a
            kernel. If it is not homogeneous (tanh, a quantiser of several bits),
            pre-activations must have unit variance.

    Returns:
        Risk in input units squared. Exact to rounding, about 1e-13 of the variance.

    Raises:
        ValueOutOfRange: If shapes disagree, the covariance is not one, or an encoder
            row sees no variance.

    Examples:
        >>> eye = np.eye(4)
        >>> round(population_risk(eye, np.sqrt(2 / np.pi) * eye, eye), 6)
        0.36338

    References:
        [shevchenko:23]
    """
    b, sigma, act = checked("population_risk", encoder_weight, covariance, activation)
    shape = (sigma.shape[0], b.shape[0])
    a = checked_decoder("population_risk", decoder_weight, shape)
    cross, gram = code_moments(b, sigma, act)
    total = np.trace(sigma) - 2.0 * np.sum(a * cross) + np.sum((a @ gram) * a)
    return float(total / sigma.shape[0])


def optimal_decoder(
    encoder_weight: Matrix,
    covariance: Matrix,
    *,
    activation: object = "sign",
) -> Float[np.ndarray, "input code"]:
    r"""Linear decoder of least risk for an encoder, Gaussian data.

    .. math:: A^* = E[x y^\top]\, E[y y^\top]^{-1}, \qquad y = s(Bx)

    For orthonormal rows on white data it is also the posterior mean.

    Args:
        encoder_weight: B, "code input", one row per code symbol.
        covariance: Of the input, "input input".
        activation: As for :func:`population_risk`.

    Returns:
        A*, "input code". One Cholesky solve; where rows repeat, the least-norm one.

    Raises:
        ValueOutOfRange: As for :func:`population_risk`.

    Warns:
        DataWarning: If encoder rows repeat each other.

    Examples:
        >>> np.round(optimal_decoder(np.eye(2), np.eye(2)), 4).tolist()
        [[0.7979, 0.0], [0.0, 0.7979]]

    References:
        [shevchenko:23]
    """
    b, sigma, act = checked("optimal_decoder", encoder_weight, covariance, activation)
    cross, gram = code_moments(b, sigma, act)
    # A linear code longer than its input repeats itself by nature: nothing to warn of.
    what = None if act.alpha == 0.0 else "Encoder rows"
    return solve_gram(gram, cross.T, what=what).T


def tied_decoder(
    encoder_weight: Matrix,
    covariance: Matrix,
    *,
    activation: object = "sign",
) -> Float[np.ndarray, "input code"]:
    r"""Decoder of least risk among the scaled transposes of the whitened encoder.

    .. math:: A = \beta \tilde B^\top, \qquad
        \tilde B = \mathrm{diag}(1/\nu) B \Sigma^{1/2}, \qquad
        \beta = \frac{c_1 \mathrm{tr}(\Sigma^{1/2} \tilde B^\top \tilde B)}
        {\mathrm{tr}(M f(M))}, \qquad M = \tilde B \tilde B^\top

    The family in which the limit is attained for any covariance. On white data A is a
    multiple of the transposed unit rows; on others it is not one of B itself. With an
    activation of degree p, column i is also divided by :math:`\nu_i^p`.

    Args:
        encoder_weight: B, "code input", one row per code symbol.
        covariance: Of the input, "input input".
        activation: As for :func:`population_risk`.

    Returns:
        A, "input code". Nothing is solved: exact for repeated rows as well. Its risk is
        :func:`population_risk`.

    Raises:
        ValueOutOfRange: As for :func:`population_risk`.

    Examples:
        >>> np.round(tied_decoder(2 * np.eye(2), np.eye(2)), 4).tolist()
        [[0.7979, 0.0], [0.0, 0.7979]]

    References:
        [shevchenko:23]
    """
    b, sigma, act = checked("tied_decoder", encoder_weight, covariance, activation)
    cross, gram = code_moments(b, sigma, act)
    lam, basis = descending_eigh(sigma)
    root = (basis * np.sqrt(lam)) @ basis.T
    rows, nu = unit_rows(b @ root)
    free = rows.T / nu**act.degree if act.degree else rows.T
    beta = np.sum(free * cross) / np.sum((free @ gram) * free)
    return np.asarray(beta * free)


def code_moments(
    encoder_weight: Float[np.ndarray, "code input"],
    covariance: Float[np.ndarray, "input input"] | Float[np.ndarray, " input"],
    activation: Activation,
) -> tuple[Float[np.ndarray, "input code"], Float[np.ndarray, "code code"]]:
    """E[x y^T] and E[y y^T] of the code y = s(Bx) on Gaussian data; checks nothing.

    A covariance of one dimension is the diagonal of a diagonal one.

    With nu_i the standard deviation of pre-activation i and s of degree p,
    y_i = nu_i^p s(u_i) for a standard Gaussian u_i. The diagonal of the kernel is set
    to f(1) and not computed: arcsin(1 - 1e-16) would lose eight digits.
    """
    if activation.kernel is None:
        raise ValueOutOfRange(
            f"`activation={activation.name}` must carry a kernel for exact risks; pass "
            "isthmus.core.Activation(..., kernel=...), or the function itself."
        )
    if covariance.ndim == 1:
        seen, total = encoder_weight * covariance, float(covariance.sum())
    else:
        seen, total = encoder_weight @ covariance, float(np.trace(covariance))
    variance = np.einsum("ij,ij->i", seen, encoder_weight)
    floor = 1e-14 * total
    size = np.einsum("ij,ij->i", encoder_weight, encoder_weight)
    dark = np.flatnonzero(variance <= floor * np.maximum(size, 1e-300))
    if dark.size:
        raise ValueOutOfRange(
            "`encoder_weight` must see some variance with every row; row "
            f"{dark[0]} is zero or lies where the data have none. Leave it out."
        )
    nu = np.sqrt(variance)
    if activation.degree is None and np.abs(nu - 1.0).max() > UNIT_VARIANCE:
        raise ValueOutOfRange(
            "`encoder_weight` must give pre-activations unit variance for "
            f"{activation.name}, which is not homogeneous; row {np.abs(nu - 1).argmax()} "
            f"has standard deviation {nu[np.abs(nu - 1).argmax()]:.6g}. Divide the rows "
            "by theirs, and put the gain into the activation: tanh:2 is tanh(2u)."
        )
    kernel = _kernel(activation, seen, encoder_weight, nu)
    scale = nu ** (activation.degree or 0)
    kernel *= scale
    kernel *= scale[:, None]
    cross = seen.T * (activation.c1 * scale / nu)
    return cross, kernel


def _kernel(
    activation: Activation, seen: np.ndarray, rows: np.ndarray, nu: np.ndarray
) -> Float[np.ndarray, "code code"]:
    """Second moments of the code of pre-activations over nu, in few arrays."""
    correlation = seen @ rows.T
    correlation /= nu
    correlation /= nu[:, None]
    close = np.flatnonzero(np.abs(correlation) >= 1.0 - CORRELATION_GAP)
    signs = np.sign(correlation.flat[close])
    np.clip(correlation, -1.0, 1.0, out=correlation)
    kernel = np.array(activation.kernel(correlation), dtype=np.float64)  # type: ignore[misc]
    del correlation
    kernel.flat[close] = signs * activation.f1
    np.fill_diagonal(kernel, activation.f1)
    kernel += kernel.T
    kernel *= 0.5
    return kernel


def unit_rows(
    rows: Float[np.ndarray, "code input"],
) -> tuple[Float[np.ndarray, "code input"], Float[np.ndarray, " code"]]:
    """Rows divided by their lengths, and the lengths."""
    length = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    return rows / length[:, None], length


def checked(
    call: str, encoder_weight: object, covariance: object, activation: object
) -> tuple[np.ndarray, np.ndarray, Activation]:
    """Encoder, covariance and activation, or an error that says what is wrong."""
    sigma = check_covariance(f"{call}(covariance=...)", covariance)
    b = real_array(f"{call}(encoder_weight=...)", encoder_weight)
    if b.ndim != 2 or b.shape[0] == 0 or b.shape[1] != sigma.shape[0]:
        raise ValueOutOfRange(
            f"`{call}(encoder_weight=...)` must have shape (code, {sigma.shape[0]}); "
            f"got {b.shape}."
        )
    if not np.all(np.isfinite(b)):
        raise ValueOutOfRange(f"`{call}(encoder_weight=...)` must be finite.")
    return b, sigma, resolve_activation(activation)


def checked_decoder(
    call: str, decoder_weight: object, shape: tuple[int, int]
) -> Float[np.ndarray, "input code"]:
    """Finite decoder of the shape (input, code), or an error that says what is wrong."""
    a = real_array(f"{call}(decoder_weight=...)", decoder_weight)
    if a.shape != shape:
        raise ValueOutOfRange(
            f"`{call}(decoder_weight=...)` must have shape (input, code) = {shape}; "
            f"got {a.shape}."
        )
    if not np.all(np.isfinite(a)):
        raise ValueOutOfRange(f"`{call}(decoder_weight=...)` must be finite.")
    return a
