"""Two-layer autoencoder as a scikit-learn transformer."""

from __future__ import annotations

import warnings
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
from isthmus.core.activations import Activation, resolve_activation
from isthmus.core.errors import DataWarning, ValueOutOfRange
from isthmus.core.progress import progress_bar
from isthmus.core.protocol import nmse_of, total_bits
from isthmus.core.random import as_rng
from isthmus.data.principal import Principal
from isthmus.decoders.norms import norm_scale
from isthmus.estimators.encoders import ENCODERS, Encoder, Task
from isthmus.estimators.gaussian_fit import gaussian_decoder
from isthmus.estimators.linear_fit import fit_linear_decoder
from isthmus.estimators.parameters import (
    check_choices,
    check_codes,
    check_numbers,
    check_posterior,
    check_size,
    check_spread,
    code_length,
)
from isthmus.estimators.posterior_fit import (
    DECODERS,
    ENCODER_STEPS,
    PosteriorFit,
    fit_posterior_decoder,
)
from isthmus.limits.covariance import covariance_limit

FRAMES: dict[str, Callable[..., frames.AbstractFrame]] = {
    "dct": frames.dct,
    "hadamard": frames.hadamard,
    "haar": frames.haar,
}
NORMS = ("auto", "none", "float16")
NO_NORM = (
    "Signs forget how long a row is, and norm='none' does not send it: sparse rows of few "
    "columns then lose most of what a decoder with a prior gains (0.65 of the linear "
    "decoder's error instead of 0.002 at 200 columns, density 0.02 and four bits each). "
    "Take norm='float16', 16 bits per row."
)


class ShallowAutoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    r"""Two-layer autoencoder x -> m + A s(B (x - m)), designed in closed form or trained.

    With the sign activation each code symbol is one bit. The encoder ``"design"``
    water-fills the eigenvalues of the training covariance and mixes them by an
    incoherent frame, which approaches the Gaussian reference; ``"descent"`` goes on from
    there by gradient descent on the exact Gaussian risk, ``"straight-through"`` by
    stochastic gradient descent on the training rows, together with the decoder it will
    have, linear or learned (torch); ``"itq"`` trains a rotation
    of the n_code strongest principal directions (whitened: of all) on the rows; and
    ``"random"`` is the frame alone (the rotation-and-sign of locality-sensitive
    hashing). The linear decoder is
    the exact best one for Gaussian data of the training covariance, or least squares on
    the training rows shrunk towards it, whichever generalised cross-validation prefers.

    Args:
        n_code: Code symbols per row, at least 1. Give this or `rate`.
        rate: n_code / n_input instead; both None means rate 1.
        activation: ``"sign"``, ``"identity"`` (principal components), any other name of
            :data:`isthmus.core.named_activations.FAMILIES`, or an odd function.
        encoder: ``"design"``, ``"descent"``, ``"itq"`` (at most one symbol per direction
            in which the rows vary), ``"straight-through"`` or ``"random"``.
        decoder: ``"linear"``; or, of signs and with encoder design, itq or random,
            ``"denoised"`` (posterior mean of each coefficient), ``"message-passing"``
            (posterior mean of all together) or ``"learned"`` (three steps of it, trained
            on the rows; torch), which also takes encoder straight-through.
        frame: ``"dct"`` (any size), ``"hadamard"`` (powers of two) or ``"haar"``.
        whiten: Whether the encoder treats all directions alike, whatever their variance.
        norm: ``"none"``, or ``"float16"``: the length of each centred (or whitened) row is
            sent as 16 more bits, in one further column of the code, input units.
            ``"auto"``: sent unless the decoder is linear.
        prior: Of the coefficients, for decoders that are not linear: ``"auto"`` fits
            mixtures by expectation maximisation, in the basis that serves training rows
            set aside best; or a prior of every coordinate, in units of its power.
        ridge: ``"gcv"``, or a penalty >= 0 relative to the mean power of a code symbol:
            0 is plain least squares, ``inf`` the Gaussian decoder.
        n_steps: Most steps of training; None for 200 of descent or itq, 3000 straight
            through, 600 with learned layers.
        verbose: Whether to draw a progress bar on a terminal while training.
        random_state: Seed of the frame and of the batches.

    Attributes:
        n_code_: Code symbols per row.
        mean_: Mean of the training rows, "input".
        encoder_weight_: B, "code input"; pre-activations have unit variance.
        decoder_weight_: A, "input code".
        decoder_used_: ``"population"``, ``"least-squares"``, or the decoder and the basis
            of its priors.
        ridge_: Penalty used; ``inf`` for the population decoder.
        shrinkage_: Ledoit-Wolf weight in the covariance; 0 at 20 or more rows per column.
        predicted_nmse_: Exact NMSE of the encoder and its best linear decoder on
            Gaussian data of the training covariance, without the norm. Of other
            decoders: what state evolution tells for independent coefficients of the
            fitted priors.
        posterior_: The fitted decoder, its basis, priors and trials; None if linear.
        reference_nmse_: Gaussian reference at this code length.
        bits_per_vector_: All bits stored per row; None if the code is not quantised.
        history_: NMSE along the training (on Gaussian data for ``"descent"``, on
            training batches for ``"straight-through"``, on training rows by the transposed
            encoder for ``"itq"``); empty if nothing is trained.
        history_steps_: Steps done at each of them.
        n_iter_: Steps of training.

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
        [shevchenko:23], [gong:11], [kogler:24]
    """

    def __init__(
        self,
        n_code: int | None = None,
        *,
        rate: float | None = None,
        activation: Any = "sign",
        encoder: Literal[
            "design", "descent", "itq", "straight-through", "random"
        ] = "design",
        decoder: Literal["linear", "denoised", "message-passing", "learned"] = "linear",
        frame: Literal["dct", "hadamard", "haar"] = "dct",
        whiten: bool = False,
        norm: Literal["auto", "none", "float16"] = "auto",
        prior: Any = "auto",
        ridge: float | Literal["gcv"] = "gcv",
        n_steps: int | None = None,
        verbose: bool = False,
        random_state: object = None,
    ):
        self.n_code = n_code
        self.rate = rate
        self.activation = activation
        self.encoder = encoder
        self.decoder = decoder
        self.frame = frame
        self.whiten = whiten
        self.norm = norm
        self.prior = prior
        self.ridge = ridge
        self.n_steps = n_steps
        self.verbose = verbose
        self.random_state = random_state

    def fit(self, X: Any, y: object = None) -> ShallowAutoencoder:
        """Make the encoder and fit the decoder.

        Args:
            X: Rows, "sample input", finite; at least two different ones.
            y: Ignored.

        Returns:
            The fitted estimator.

        Raises:
            DataError: If all rows are equal, or their spread cannot be squared.
            MissingDependency: If the encoder is ``"straight-through"`` without torch.
            ValueOutOfRange: If a parameter is outside its domain.
        """
        x = validate_data(self, X, dtype=[np.float64, np.float32], ensure_min_samples=2)
        self._check_parameters()
        n_code = code_length(self.n_code, self.rate, x.shape[1])
        check_size(n_code, x.shape[1], min(x.shape))
        check_spread(x)
        return self._fit(x, Principal.from_rows(x))

    def fit_principal(self, principal: Principal, X: Any) -> ShallowAutoencoder:
        """Fit where mean and covariance are known already, of more rows than are here.

        Args:
            principal: Mean, axes and eigenvalues of all training rows, as
                :meth:`isthmus.data.Principal.from_moments` gives them for a stream.
            X: Some of those rows, "sample input", on which the decoder is fitted (and
                a straight-through encoder trained).

        Returns:
            The fitted estimator.

        Raises:
            ValueOutOfRange: If `X` has other columns, or as for :meth:`fit`.

        Examples:
            >>> from isthmus.data import Moments
            >>> x = np.random.default_rng(0).normal(size=(1000, 4))
            >>> axes = Principal.from_moments(Moments.from_blocks([x[:500], x[500:]]))
            >>> model = ShallowAutoencoder(4, random_state=0).fit_principal(axes, x[:200])
            >>> bool(np.allclose(model.mean_, x.mean(axis=0)))
            True
        """
        x = validate_data(self, X, dtype=[np.float64, np.float32], ensure_min_samples=2)
        if x.shape[1] != principal.n_input:
            raise ValueOutOfRange(
                f"`fit_principal(X)` must have {principal.n_input} columns, those of "
                f"`principal`; got {x.shape[1]}."
            )
        self._check_parameters()
        n_code = code_length(self.n_code, self.rate, x.shape[1])
        check_size(n_code, *principal.basis.shape)
        return self._fit(x, principal)

    def _fit(self, x: np.ndarray, principal: Principal) -> ShallowAutoencoder:
        activation = resolve_activation(self.activation)
        self.n_code_ = code_length(self.n_code, self.rate, x.shape[1])
        if self.whiten:
            principal.warn_of_few_rows()
        self.mean_, self.shrinkage_ = principal.mean, principal.shrinkage
        weight = self._make_encoder(x, principal)
        gaussian = gaussian_decoder(weight, principal, activation)
        self.encoder_weight_, self.predicted_nmse_ = weight, gaussian.nmse
        limit = covariance_limit(
            principal.all_eigenvalues, self.n_code_, activation=activation
        )
        self.reference_nmse_ = float(limit.nmse)
        self.decoder_weight_, self.ridge_ = fit_linear_decoder(
            gaussian.decoder_weight, self._blocks(x), ridge=self.ridge
        )
        self.decoder_used_ = "population" if np.isinf(self.ridge_) else "least-squares"
        if self.posterior_ is not None:
            self.decoder_used_ = f"{self.decoder}, {self.posterior_.basis} basis"
            self.predicted_nmse_ = self.posterior_.predicted_nmse
        self.bits_per_vector_ = None
        if activation.quantised:
            self.bits_per_vector_ = total_bits(
                self.n_code_, norm=self._norm, bits_per_symbol=activation.bits
            )
        self._n_features_out = self.n_code_ + (self._norm != "none")
        return self

    @property
    def _norm(self) -> str:
        sent = "none" if self.decoder == "linear" else "float16"
        return sent if self.norm == "auto" else self.norm

    def _make_encoder(self, x: np.ndarray, principal: Principal) -> np.ndarray:
        with progress_bar(enabled=self.verbose) as tell:
            task = Task(
                centred=lambda: self._even(x - self.mean_.astype(x.dtype, copy=False))[0],
                principal=principal,
                n_code=self.n_code_,
                activation=self._resolved(),
                make_frame=FRAMES[self.frame],
                whiten=bool(self.whiten),
                n_steps=self.n_steps,
                rng=as_rng(self.random_state),
                progress=tell,
            )
            self.norm_scale_ = None
            if self._norm != "none":
                coordinates = task.coordinates if self.whiten else None
                self.norm_scale_ = norm_scale(x, self.mean_, coordinates)
            both = self.encoder == "straight-through" and self.decoder == "learned"
            made = ENCODERS["design" if both else self.encoder](task)
            self.posterior_ = None
            if self.decoder != "linear":
                n_steps = (self.n_steps or ENCODER_STEPS) if both else 0
                self.posterior_ = self._fit_posterior(task, made, n_steps)
                made = self.posterior_.encoder() if both else made
        self.history_, self.history_steps_ = made.history, made.history_steps
        self.n_iter_ = int(made.history_steps[-1]) if made.history_steps.size else 0
        return np.asarray(made.weight)

    def _fit_posterior(self, task: Task, made: Encoder, n_steps: int) -> PosteriorFit:
        assert made.view is not None
        if self._norm == "none":
            warnings.warn(NO_NORM, DataWarning, stacklevel=5)
        weight = made.weight

        def encode(rows: np.ndarray) -> np.ndarray:
            function = self._resolved().function
            return np.asarray(function(rows @ weight.astype(rows.dtype, copy=False).T))

        return fit_posterior_decoder(
            self.decoder,
            made.view(),
            task.centred(),
            encode,
            prior=None if isinstance(self.prior, str) else self.prior,
            rng=task.rng,
            encoder_steps=n_steps,
            progress=task.progress,
        )

    def transform(self, X: Any) -> Float[np.ndarray, "sample code"]:
        """Code of each row, in the floating type of `X`.

        Args:
            X: Rows, "sample input", finite.

        Returns:
            Codes, "sample code": ±1 for the sign activation; with ``norm="float16"`` one
            further column holds the length of the centred row.
        """
        check_is_fitted(self)
        x = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        codes, relative = self._encode(x - self.mean_.astype(x.dtype, copy=False))
        if self.norm_scale_ is None:
            return codes
        return np.column_stack([codes, relative * codes.dtype.type(self.norm_scale_.mean)])

    def inverse_transform(self, X: Any) -> Float[np.ndarray, "sample input"]:
        """Reconstruct rows from codes.

        Args:
            X: Codes, "sample code", as :meth:`transform` gives them.

        Returns:
            Reconstructions, "sample input", input units.

        Raises:
            ValueOutOfRange: If codes have the wrong length, are no levels of an
                activation of two levels (±1 for the sign), or a length is negative.
        """
        check_is_fitted(self)
        given = check_array(X, dtype=[np.float64, np.float32], input_name="X")
        codes = given[:, : self.n_code_]
        check_codes(
            given, self.n_code_, self._resolved(), norm=self.norm_scale_ is not None
        )
        if self.norm_scale_ is None:
            return self._decode(codes, None)
        return self._decode(codes, given[:, -1] / codes.dtype.type(self.norm_scale_.mean))

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
        codes, relative = self._encode(x - self.mean_.astype(x.dtype, copy=False))
        return 1.0 - nmse_of(x, self._decode(codes, relative), self.mean_)

    def _resolved(self) -> Activation:
        return resolve_activation(self.activation)

    def _even(self, centred: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Rows brought to one length, and their lengths, if these are sent."""
        if self.norm_scale_ is None:
            return centred, None
        return self.norm_scale_.even(centred)

    def _encode(self, centred: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Codes, and the lengths over their mean if they are sent."""
        centred, relative = self._even(centred)
        weight = self.encoder_weight_.astype(centred.dtype, copy=False)
        return self._resolved().function(centred @ weight.T), relative

    def _decode(self, codes: np.ndarray, relative: np.ndarray | None) -> np.ndarray:
        if self.posterior_ is not None:
            rows = self.posterior_.decode(codes)
        else:
            rows = codes @ self.decoder_weight_.astype(codes.dtype, copy=False).T
        if relative is not None:
            rows *= relative[:, None]
        return rows + self.mean_.astype(codes.dtype, copy=False)

    def _blocks(self, x: np.ndarray, size: int = 4096) -> Any:
        """Codes times their lengths, and centred rows, a block at a time."""
        for start in range(0, x.shape[0], size):
            centred = x[start : start + size] - self.mean_.astype(x.dtype, copy=False)
            codes, relative = self._encode(centred)
            yield (codes if relative is None else codes * relative[:, None]), centred

    def _check_parameters(self) -> None:
        resolve_activation(self.activation)  # its own message for odd and unknown ones
        check_choices(
            encoder=(self.encoder, tuple(ENCODERS)),
            decoder=(self.decoder, ("linear", *DECODERS, "learned")),
            frame=(self.frame, tuple(FRAMES)),
            norm=(self.norm, NORMS),
        )
        check_numbers(self.ridge, self.n_steps)
        check_posterior(self.decoder, self.encoder, self.activation, self.prior)

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that float32 stays float32."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
