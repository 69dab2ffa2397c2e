"""Why a two-layer autoencoder is not at the Gaussian reference, term by term."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
from jaxtyping import Float

from isthmus.core.activations import Activation
from isthmus.core.blas import inner
from isthmus.core.door import real_number
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.linalg import check_covariance, solve_gram
from isthmus.core.typing import Matrix
from isthmus.limits.covariance import covariance_limit
from isthmus.limits.population import checked, checked_decoder, code_moments


@dataclasses.dataclass(frozen=True)
class GapSplit:
    """Terms that add up to measured error minus reference; each may be negative.

    Attributes:
        reference: Gaussian reference at the training covariance.
        spectrum: The encoder spends its code on the wrong directions.
        coherence: Its code symbols say the same more often than their overlap demands.
        decoder: The decoder is not the best linear one for the encoder.
        shift: The held-out covariance differs from the training covariance.
        non_gaussianity: The rows are not Gaussian with the held-out covariance.
        measured: The error itself.
    """

    reference: float
    spectrum: float
    coherence: float
    decoder: float
    shift: float
    non_gaussianity: float
    measured: float

    @property
    def gap(self) -> float:
        """Measured minus reference: the sum of the five terms."""
        return self.measured - self.reference

    @property
    def terms(self) -> dict[str, float]:
        """The five terms by name."""
        names = ("spectrum", "coherence", "decoder", "shift", "non_gaussianity")
        return {name: float(getattr(self, name)) for name in names}

    def as_nmse(self, training_variance: float, test_variance: float) -> GapSplit:
        """The same in NMSE: each risk over the variance that it belongs to.

        What is exact at the training covariance is divided by the mean variance there,
        what belongs to the held-out rows by theirs, so that `reference` is the limit's
        NMSE and `measured` the measured one, and the terms still add up.

        Args:
            training_variance: Mean variance of a coordinate over the training rows.
            test_variance: Mean square of a held-out coordinate about the training mean.

        Returns:
            Terms in NMSE.
        """
        reference = self.reference / training_variance
        linear = (self.reference + self.spectrum) / training_variance
        best = linear + self.coherence / training_variance
        given = best + self.decoder / training_variance
        at_training = self.reference + self.spectrum + self.coherence + self.decoder
        at_test = (at_training + self.shift) / test_variance
        measured = self.measured / test_variance
        return _from_risks(reference, linear, best, given, at_test, measured)


def gap_split(
    encoder_weight: Matrix,
    decoder_weight: Matrix,
    training_covariance: Matrix,
    measured: float,
    *,
    test_covariance: Matrix | None = None,
    activation: object = "sign",
) -> GapSplit:
    r"""Split measured error minus Gaussian reference into five exact terms.

    With R_S the exact Gaussian risk at covariance S, R* that of the best decoder and
    R_lin what R* would be if f(M) were c1^2 M + (f(1) - c1^2) I,

    .. math::
        [R_{lin} - \mathrm{limit}] + [R^* - R_{lin}] + [R(A, B) - R^*]
        + [R_{te}(A, B) - R(A, B)] + [\mathrm{measured} - R_{te}(A, B)]

    Args:
        encoder_weight: B, "code input".
        decoder_weight: A, "input code".
        training_covariance: What the autoencoder was made for, "input input".
        measured: Mean squared error per coordinate, input units squared.
        test_covariance: Second moments of the held-out rows about the training mean;
            None takes the training covariance, and then there is no shift.
        activation: Name, odd function or :class:`~isthmus.core.Activation`; if it is not
            homogeneous, there must be no separate test covariance.

    Returns:
        Terms in mean squared error per coordinate. They add up by construction.

    Raises:
        ValueOutOfRange: If shapes disagree, a covariance is not one, an encoder row sees
            no variance, or the activation needs pre-activations of unit variance.

    Examples:
        >>> split = gap_split(np.eye(2), np.eye(2), np.eye(2), 0.5)
        >>> {name: round(value, 4) for name, value in split.terms.items()}["decoder"]
        0.0409

    References:
        [shevchenko:23]
    """
    sigma = check_covariance("gap_split(training_covariance=...)", training_covariance)
    b, sigma, act = checked("gap_split", encoder_weight, sigma, activation)
    a = checked_decoder("gap_split", decoder_weight, b.shape[::-1])
    error = real_number("gap_split(measured=...)", measured)
    if not np.isfinite(error):
        raise ValueOutOfRange(f"`gap_split(measured=...)` must be finite; got {measured}.")
    eigenvalues = np.linalg.eigvalsh(sigma).clip(0.0)
    other = None
    if test_covariance is not None:
        other = check_covariance("gap_split(test_covariance=...)", test_covariance)
        if other.shape != sigma.shape:
            raise ValueOutOfRange(
                "`gap_split(test_covariance=...)` must have the shape of the training "
                f"covariance, {sigma.shape}; got {other.shape}."
            )
    return _split(b, a, sigma, eigenvalues, error, other, 0.0, act, len(sigma))


def principal_gap_split(
    encoder: Float[np.ndarray, "code direction"],
    decoder: Float[np.ndarray, "direction code"],
    eigenvalues: Float[np.ndarray, " direction"],
    measured: float,
    *,
    test_moments: Float[np.ndarray, "direction direction"],
    outside: float = 0.0,
    n_input: int,
    activation: Activation,
) -> GapSplit:
    """The split of :func:`gap_split` along the principal axes, where it costs least.

    Args:
        encoder: B times the axes.
        decoder: The axes, transposed, times A.
        eigenvalues: Of the training covariance, along the axes.
        measured: Mean squared error per coordinate.
        test_moments: Second moments of the held-out rows along the axes, about the
            training mean.
        outside: Mean square of what held-out rows have in no axis at all, summed over
            coordinates.
        n_input: Coordinates of the rows.
        activation: Of the code layer.

    Returns:
        Terms in mean squared error per coordinate.
    """
    return _split(
        encoder,
        decoder,
        eigenvalues,
        eigenvalues,
        measured,
        test_moments,
        outside,
        activation,
        n_input,
    )


def _split(
    b: np.ndarray,
    a: np.ndarray,
    sigma: np.ndarray,
    eigenvalues: np.ndarray,
    measured: float,
    other: np.ndarray | None,
    outside: float,
    act: Activation,
    d: int,
) -> GapSplit:
    """Split where nothing needs checking; a one-dimensional `sigma` is a diagonal."""
    total = float(eigenvalues.sum())
    limit = covariance_limit(eigenvalues, len(b), activation=act)
    reference = float(limit.nmse) * total / d
    cross, gram = code_moments(b, sigma, act)
    given = _given_risk(a, cross, gram, total) / d
    best = (total - inner(solve_gram(gram, cross.T), cross.T)) / d
    gram = _without_coherence(b, sigma, act)
    without = (total - inner(solve_gram(gram, cross.T), cross.T)) / d
    at_test = given
    if other is not None:
        del cross, gram
        cross, gram = code_moments(b, other, act)
        at_test = _given_risk(a, cross, gram, float(np.trace(other)) + outside) / d
    return _from_risks(reference, without, best, given, at_test, measured)


def _from_risks(*risks: float) -> GapSplit:
    """From reference, R_lin, R*, R(A, B), R_te(A, B) and the measured error."""
    steps = tuple(after - before for before, after in itertools.pairwise(risks))
    spectrum, coherence, decoder, shift, non_gaussianity = steps
    return GapSplit(
        reference=risks[0],
        spectrum=spectrum,
        coherence=coherence,
        decoder=decoder,
        shift=shift,
        non_gaussianity=non_gaussianity,
        measured=risks[-1],
    )


def _without_coherence(
    b: np.ndarray, sigma: np.ndarray, act: Activation
) -> Float[np.ndarray, "code code"]:
    """c1^2 M + (f(1) - c1^2) I in the scale of the code."""
    overlap = (b * sigma if sigma.ndim == 1 else b @ sigma) @ b.T
    nu = np.sqrt(np.diag(overlap))
    scale = nu ** (act.degree or 0)
    overlap *= act.c1**2 * scale / nu
    overlap *= (scale / nu)[:, None]
    np.fill_diagonal(overlap, act.f1 * scale**2)
    return np.asarray(overlap)


def _given_risk(a: np.ndarray, cross: np.ndarray, gram: np.ndarray, total: float) -> float:
    """Risk of a decoder, summed over coordinates."""
    return float(total - 2.0 * inner(a, cross) + inner(a @ gram, a))
