"""Exact design of an encoder and decoder from a Hadamard frame, in O(n log n)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from isthmus.core.activations import Activation, resolve_activation
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.memory import check_memory
from isthmus.core.random import as_rng, random_subset
from isthmus.core.tolerance import CORRELATION_GAP
from isthmus.core.typing import Numbers
from isthmus.frames.hadamard import HadamardFrame, hadamard
from isthmus.frames.sizes import check_rows
from isthmus.frames.transforms import walsh_hadamard
from isthmus.limits.covariance import covariance_limit
from isthmus.limits.spectrum import check_eigenvalues, check_lengths

BYTES_PER_SYMBOL = 64
_SHORTER = "Take a shorter one, or a machine with more."
"""Peak of a design: some eight float64 vectors of the code's length."""


class HadamardDesign:
    r"""Autoencoder whose exact risk and best decoder need no matrix.

    Eigen-direction k, of variance :math:`\lambda_k` and gain :math:`\mu_k`, goes to column
    :math:`c_k` of a Hadamard matrix H of size n. Correlations of pre-activations i and j
    then depend on i xor j alone, so that H diagonalises the covariance F of the code:

    .. math:: e = H F_{\cdot 0}, \qquad
        R = \tfrac1d \Big[ \mathrm{tr}\,\Sigma
            - c_1^2 \sum_k \frac{\lambda_k \mu_k}{e_{c_k}} \Big], \qquad
        A^* = \frac{c_1}{\sqrt n}\, \mathrm{diag}
            \Big( \frac{\sqrt{\lambda_k \mu_k}}{e_{c_k}} \Big) H_{\cdot c}^\top

    Everything is in eigen-coordinates: coordinate k has variance ``eigenvalues[k]``. The
    risk holds for Gaussian data and is exact, not asymptotic. Random signs of the inputs
    change no risk and spread data that are not Gaussian.

    Args:
        n_code: Code symbols n, a power of two.
        eigenvalues: Variance of each coordinate, any order. Give these or `n_input`.
        n_input: Number of coordinates of variance 1 instead.
        activation: ``"sign"``, or another with a kernel; of pre-activations of unit
            variance.
        rng: Seed or generator of columns and signs.

    Attributes:
        n_code: Code symbols.
        n_input: Coordinates.
        activation: The activation with its constants.
        risk: Mean squared error per coordinate, input units squared.
        nmse: The same over the mean eigenvalue. Exact to rounding, about 1e-13.
        limit: Gaussian reference at this code length, as an NMSE.
        active: Coordinates that receive any of the code, in the order of `columns`.
        gains: Gain of each active coordinate; they sum to `n_code`.
        columns: Column of H of each active coordinate.
        encoder_scale: Factor of each active coordinate before the frame.
        decoder_scale: Factor of each active coordinate after the frame's adjoint.
        frame: The Hadamard frame between active coordinates and code.

    Raises:
        ValueOutOfRange: If `n_code` is no power of two or would not fit in memory, both
            or neither of `eigenvalues` and `n_input` are given, an eigenvalue is
            negative, or the activation has no kernel.

    Examples:
        >>> design = HadamardDesign(1024, n_input=512, rng=0)
        >>> round(design.nmse, 4), round(design.limit, 4)
        (0.2222, 0.222)
        >>> x = np.random.default_rng(0).standard_normal((50, 512))
        >>> error = np.mean((x - design.decode(design.encode(x))) ** 2)
        >>> bool(abs(error - design.risk) < 0.01)
        True

    References:
        [shevchenko:23]
    """

    n_code: int
    n_input: int
    activation: Activation
    risk: float
    nmse: float
    limit: float
    active: Int[np.ndarray, " active"]
    gains: Float[np.ndarray, " active"]
    encoder_scale: Float[np.ndarray, " active"]
    decoder_scale: Float[np.ndarray, " active"]
    frame: HadamardFrame

    def __init__(
        self,
        n_code: int,
        *,
        eigenvalues: Numbers | None = None,
        n_input: int | None = None,
        activation: object = "sign",
        rng: np.random.Generator | int | None,
    ):
        self.activation = _with_kernel(activation)
        self.n_code = _power_of_two(n_code)
        lam = _variances(eigenvalues, n_input)
        self.n_input = lam.size
        reference = covariance_limit(lam, self.n_code, activation=self.activation)
        self.limit = float(reference.nmse)
        gains = reference.gains
        generator = as_rng(rng)
        active = np.flatnonzero(gains)
        # In descending order the strong directions would share a subgroup of columns.
        self.active = active[random_subset(generator, active.size, active.size)]
        self.gains = gains[self.active]
        self.frame = hadamard(self.n_code, active.size, rng=generator)
        spectrum = self._code_spectrum()[self.columns]
        variance = lam[self.active]
        kept = variance * self.gains / spectrum
        total = float(lam.sum())
        self.nmse = float(1.0 - self.activation.c1**2 * (kept.sum() / total))
        self.risk = self.nmse * (total / self.n_input)
        self.encoder_scale = np.sqrt(self.gains / variance)
        self.decoder_scale = self.activation.c1 * np.sqrt(variance * self.gains) / spectrum

    @property
    def columns(self) -> Int[np.ndarray, " active"]:
        """Column of H of each active coordinate."""
        return self.frame.places

    def encode(
        self, x: Float[np.ndarray, "sample input"]
    ) -> Float[np.ndarray, "sample code"]:
        """Code of each row.

        Args:
            x: Rows, in eigen-coordinates.

        Returns:
            Codes; ±1 for the sign.
        """
        check_rows("HadamardDesign.encode(x)", x, self.n_input)
        _check_numpy("HadamardDesign.encode(x)", x)
        scaled = x[:, self.active] * self.encoder_scale.astype(x.dtype, copy=False)
        return self.activation.function(self.frame.forward(scaled))

    def decode(
        self, codes: Float[np.ndarray, "sample code"]
    ) -> Float[np.ndarray, "sample input"]:
        """Reconstruct rows by the best linear decoder for Gaussian data.

        Args:
            codes: From :meth:`encode`.

        Returns:
            Rows, in eigen-coordinates; 0 on those that received no code.
        """
        check_rows("HadamardDesign.decode(codes)", codes, self.n_code)
        _check_numpy("HadamardDesign.decode(codes)", codes)
        x = np.zeros((codes.shape[0], self.n_input), dtype=codes.dtype)
        scale = self.decoder_scale.astype(codes.dtype, copy=False)
        x[:, self.active] = self.frame.adjoint(codes) * scale
        return x

    def _code_spectrum(self) -> Float[np.ndarray, " code"]:
        """Eigenvalues of the covariance of the code, one per column of H."""
        root = np.sqrt(self.n_code)
        correlation = np.zeros((1, self.n_code))
        correlation[0, self.columns] = self.gains / root
        correlation = walsh_hadamard(correlation)[0]
        np.clip(correlation, -1.0, 1.0, out=correlation)
        assert self.activation.kernel is not None
        first = np.asarray(self.activation.kernel(correlation))
        # Exactly repeated rows: arcsin(1 - 1e-16) would lose eight digits.
        same = np.abs(correlation) >= 1.0 - CORRELATION_GAP
        first[same] = self.activation.f1 * np.sign(correlation[same])
        del correlation, same
        spectrum: np.ndarray = walsh_hadamard(first[None])[0]
        spectrum *= root
        return spectrum


def _check_numpy(call: str, x: object) -> None:
    if not isinstance(x, np.ndarray):
        raise ValueOutOfRange(
            f"`{call}` must be a NumPy array; got {type(x).__name__}. Convert it first; "
            "the frames themselves take tensors."
        )


def _with_kernel(activation: object) -> Activation:
    act = resolve_activation(activation)
    if act.kernel is None:
        raise ValueOutOfRange(
            f"`HadamardDesign(activation={act.name})` must carry a kernel for exact risks; "
            "pass isthmus.core.Activation(..., kernel=...)."
        )
    return act


def _power_of_two(n_code: int) -> int:
    length = int(check_lengths("HadamardDesign", "n_code", n_code, least=1)[0])
    if length.bit_count() != 1:
        below = 1 << (length.bit_length() - 1)
        raise ValueOutOfRange(
            f"`HadamardDesign(n_code=...)` must be a power of two; got {n_code}. "
            f"Take {below} or {2 * below}, or isthmus.frames.coloured with a cosine frame."
        )
    check_memory("HadamardDesign(n_code=...)", n_code, BYTES_PER_SYMBOL * length, _SHORTER)
    return length


def _variances(eigenvalues: Numbers | None, n_input: int | None) -> np.ndarray:
    if (eigenvalues is None) == (n_input is None):
        raise ValueOutOfRange(
            "`HadamardDesign(eigenvalues=..., n_input=...)` must get exactly one of the "
            f"two; got {'neither' if eigenvalues is None else 'both'}."
        )
    if n_input is None:
        return check_eigenvalues("HadamardDesign", eigenvalues)
    size = int(check_lengths("HadamardDesign", "n_input", n_input, least=1)[0])
    check_memory("HadamardDesign(n_input=...)", n_input, BYTES_PER_SYMBOL * size, _SHORTER)
    return np.ones(size)
