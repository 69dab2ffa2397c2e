"""Two-layer autoencoder as a scikit-learn transformer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from jaxtyping import Float
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from isthmus import frames
from isthmus.core.activations import resolve_activation
from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.core.linalg import descending_eigh, solve_gram
from isthmus.core.protocol import measure, total_bits
from isthmus.core.random import as_rng, random_normal
from isthmus.core.tolerance import RELATIVE_RANK
from isthmus.data.moments import training_covariance
from isthmus.estimators.linear_fit import fit_linear_decoder
from isthmus.limits.covariance import covariance_limit
from isthmus.limits.population import code_moments

FRAMES: dict[str, Callable[..., frames.AbstractFrame]] = {
    "dct": frames.dct,
    "haar": frames.haar,
}
ENCODERS = ("design", "random")


class ShallowAutoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    r"""Two-layer autoencoder x -> m + A s(B (x - m)), designed in closed form.

    With the sign activation each code symbol is one bit. The encoder ``"design"``
    water-fills the eigenvalues of the training covariance and mixes them by an
    incoherent frame, which approaches the Gaussian reference; ``"random"`` is the frame
    alone (the rotation-and-sign of locality-sensitive hashing). The linear decoder is
    the exact best one for Gaussian data of the training covariance, or least squares on
    the training rows shrunk towards it, whichever generalised cross-validation prefers.

    Args:
        n_code: Code symbols per row, at least 1. Give this or `rate`.
        rate: n_code / n_input instead; both None means rate 1.
        activation: ``"sign"`` or ``"identity"`` (principal components).
        encoder: ``"design"`` or ``"random"``.
        decoder: ``"linear"``.
        frame: ``"dct"`` (any size) or ``"haar"``.
        ridge: ``"gcv"``, or a penalty >= 0 relative to the mean power of a code symbol:
            0 is plain least squares, ``inf`` the Gaussian decoder.
        random_state: Seed of the frame.

    Attributes:
        n_code_: Code symbols per row.
        mean_: Mean of the training rows, "input".
        encoder_weight_: B, "code input"; pre-activations have unit variance.
        decoder_weight_: A, "input code".
        decoder_used_: ``"population"`` or ``"least-squares"``.
        ridge_: Penalty used; ``inf`` for the population decoder.
        shrinkage_: Ledoit-Wolf weight in the covariance; 0 at 20 or more rows per column.
        predicted_nmse_: Exact NMSE of the encoder and its best linear decoder on
            Gaussian data of the training covariance.
        reference_nmse_: Gaussian reference at this code length.
        bits_per_vector_: Bits stored per row; None if the code is not quantised.

    Examples:
        >>> from sklearn.datasets import load_digits
        >>> rows = load_digits().data
        >>> model = ShallowAutoencoder(rate=0.5, random_state=0).fit(rows[:1400])
        >>> codes = model.transform(rows[1400:])
        >>> codes.shape, sorted(set(codes.ravel().tolist()))
        ((397, 32), [-1.0, 1.0])
        >>> 0.6 < model.score(rows[1400:]) < 0.8
        True

    References:
        [shevchenko:23]
    """

    def __init__(
        self,
        n_code: int | None = None,
        *,
        rate: float | None = None,
        activation: str = "sign",
        encoder: Literal["design", "random"] = "design",
        decoder: Literal["linear"] = "linear",
        frame: Literal["dct", "haar"] = "dct",
        ridge: float | Literal["gcv"] = "gcv",
        random_state: object = None,
    ):
        self.n_code = n_code
        self.rate = rate
        self.activation = activation
        self.encoder = encoder
        self.decoder = decoder
        self.frame = frame
        self.ridge = ridge
        self.random_state = random_state

    def fit(self, X: Any, y: object = None) -> ShallowAutoencoder:
        """Design the encoder and fit the decoder.

        Args:
            X: Rows, "sample input", finite; at least two different ones.
            y: Ignored.

        Returns:
            The fitted estimator.

        Raises:
            DataError: If all rows are equal.
            ValueOutOfRange: If a parameter is outside its domain.
        """
        x = validate_data(self, X, dtype=[np.float64, np.float32], ensure_min_samples=2)
        self._check_parameters()
        activation = resolve_activation(self.activation)
        self.n_code_ = self._code_length(x.shape[1])
        self.mean_, covariance, self.shrinkage_ = training_covariance(x)
        if not np.trace(covariance) > 0:
            raise DataError(
                "`ShallowAutoencoder.fit(X)` must see rows that differ; all "
                f"{x.shape[0]} are equal."
            )
        eigenvalues, basis = descending_eigh(covariance)
        self.encoder_weight_ = self._encoder(eigenvalues, basis, covariance)
        cross, gram = code_moments(self.encoder_weight_, covariance, activation)
        population = solve_gram(gram, cross.T).T
        total = float(np.trace(covariance))
        self.predicted_nmse_ = float(1.0 - np.sum(population * cross) / total)
        limit = covariance_limit(eigenvalues, self.n_code_, activation=activation)
        self.reference_nmse_ = float(limit.nmse)
        self.decoder_weight_, self.ridge_ = fit_linear_decoder(
            population, self._blocks(x), ridge=self.ridge
        )
        self.decoder_used_ = "population" if np.isinf(self.ridge_) else "least-squares"
        self.bits_per_vector_ = total_bits(self.n_code_) if activation.quantised else None
        self._n_features_out = self.n_code_
        return self

    def transform(self, X: Any) -> Float[np.ndarray, "sample code"]:
        """Code of each row, in the floating type of `X`.

        Args:
            X: Rows, "sample input", finite.

        Returns:
            Codes, "sample code": ±1 for the sign activation.
        """
        check_is_fitted(self)
        x = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        return self._encode(x)

    def inverse_transform(self, X: Any) -> Float[np.ndarray, "sample input"]:
        """Reconstruct rows from codes.

        Args:
            X: Codes, "sample code".

        Returns:
            Reconstructions, "sample input", input units.

        Raises:
            ValueOutOfRange: If codes have the wrong length or are not ±1 where the
                activation is the sign.
        """
        check_is_fitted(self)
        codes = check_array(X, dtype=[np.float64, np.float32], input_name="X")
        if codes.shape[1] != self.n_code_:
            raise ValueOutOfRange(
                f"`inverse_transform(X)` must have {self.n_code_} code columns; "
                f"got {codes.shape[1]}."
            )
        if self.activation == "sign" and not np.all(np.abs(codes) == 1):
            raise ValueOutOfRange(
                "`inverse_transform(X)` must hold codes of -1 and +1 only. "
                "Pass what `transform` returned; for bits b use 2 * b - 1."
            )
        weight = self.decoder_weight_.astype(codes.dtype, copy=False)
        return codes @ weight.T + self.mean_.astype(codes.dtype, copy=False)

    def score(self, X: Any, y: object = None) -> float:
        """1 - NMSE of the reconstruction of `X`, about the mean of the training rows.

        Args:
            X: Rows, "sample input".
            y: Ignored.

        Returns:
            1 for perfect, 0 for what the training mean reaches.
        """
        check_is_fitted(self)
        x = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        return 1.0 - measure(x, self.inverse_transform(self._encode(x)), self.mean_).value

    def _encode(self, x: np.ndarray) -> np.ndarray:
        weight = self.encoder_weight_.astype(x.dtype, copy=False)
        centred = x - self.mean_.astype(x.dtype, copy=False)
        return resolve_activation(self.activation).function(centred @ weight.T)

    def _blocks(self, x: np.ndarray, size: int = 4096) -> Any:
        """Codes and centred rows, a block at a time."""
        for start in range(0, x.shape[0], size):
            block = x[start : start + size]
            yield self._encode(block), block - self.mean_

    def _encoder(
        self, eigenvalues: np.ndarray, basis: np.ndarray, covariance: np.ndarray
    ) -> np.ndarray:
        if self.encoder == "random":
            weight = self._frame(basis.shape[0])
        else:
            # Directions below rounding noise are no data: their inverse would be noise.
            rank = int(np.sum(eigenvalues > RELATIVE_RANK * eigenvalues[0]))
            limit = covariance_limit(
                eigenvalues[:rank], self.n_code_, activation=self.activation
            )
            k = int(limit.n_active)
            gain = np.sqrt(limit.gains[:k] / eigenvalues[:k])
            weight = (self._frame(k) * gain) @ basis[:, :k].T
        spread = np.sqrt(np.sum((weight @ covariance) * weight, axis=1))
        return np.asarray(weight / np.where(spread > 0, spread, 1.0)[:, None])

    def _frame(self, n_input: int) -> np.ndarray:
        rng = as_rng(self.random_state)
        dense = FRAMES[self.frame](self.n_code_, n_input, rng=rng).to_dense()
        # One or two columns of a cosine transform can have rows that are zero.
        dark = np.sum(dense**2, axis=1) < 1e-12
        dense[dark] = random_normal(rng, int(dark.sum()), n_input)
        return dense

    def _code_length(self, n_input: int) -> int:
        if self.n_code is not None and self.rate is not None:
            raise ValueOutOfRange(
                "`ShallowAutoencoder` must get `n_code` or `rate`, not both; "
                f"got n_code={self.n_code} and rate={self.rate}."
            )
        if self.n_code is not None:
            if self.n_code != int(self.n_code) or self.n_code < 1:
                raise ValueOutOfRange(
                    "`ShallowAutoencoder(n_code=...)` must be a whole number of at "
                    f"least 1; got {self.n_code}."
                )
            return int(self.n_code)
        rate = 1.0 if self.rate is None else float(self.rate)
        if not (rate > 0 and np.isfinite(rate)):
            raise ValueOutOfRange(
                f"`ShallowAutoencoder(rate=...)` must be positive and finite; got {rate}."
            )
        return max(1, round(rate * n_input))

    def _check_parameters(self) -> None:
        choices: dict[str, tuple[object, tuple[str, ...]]] = {
            "activation": (self.activation, ("sign", "identity")),
            "encoder": (self.encoder, ENCODERS),
            "decoder": (self.decoder, ("linear",)),
            "frame": (self.frame, tuple(FRAMES)),
        }
        for name, (value, allowed) in choices.items():
            if name == "activation":
                resolve_activation(value)  # its own message for odd and unknown ones
            if value not in allowed:
                raise ValueOutOfRange(
                    f"`ShallowAutoencoder({name}=...)` must be one of "
                    f"{', '.join(allowed)}; got {value!r}."
                )
        if self.ridge != "gcv" and not (
            isinstance(self.ridge, (int, float)) and self.ridge >= 0
        ):
            raise ValueOutOfRange(
                "`ShallowAutoencoder(ridge=...)` must be 'gcv' or a number >= 0; "
                f"got {self.ridge!r}."
            )

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that float32 stays float32."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
