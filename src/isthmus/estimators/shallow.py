"""Two-layer autoencoder as a scikit-learn transformer."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from jaxtyping import Float
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from isthmus.core.activations import resolve_activation
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.protocol import nmse_of
from isthmus.data.principal import Principal
from isthmus.estimators.coding import Coding
from isthmus.estimators.parameters import (
    check_codes,
    check_parameters,
    check_size,
    check_spread,
    code_length,
)
from isthmus.estimators.shallow_fit import fitted_attributes
from isthmus.training.bit_search import EXTRA_FLIPS, BitSearch


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
    hashing). Two encoders take more than the sign of B (x - m): ``"quantised"`` gives
    each principal axis a whole number of bits and a Gaussian quantiser whose levels add
    up bit by bit; ``"search"`` looks for the signs y that |x - m - A y| is small with,
    with A learnt from rows coded so. ``"auto"`` tries design, quantised and search on
    rows set aside. The linear decoder is
    the exact best one for Gaussian data of the training covariance, or least squares on
    the training rows shrunk towards it, whichever generalised cross-validation prefers.

    Args:
        n_code: Code symbols per row, at least 1. Give this or `rate`.
        rate: n_code / n_input instead; both None means rate 1.
        activation: ``"sign"``, ``"identity"`` (principal components), any other name of
            :data:`isthmus.core.named_activations.FAMILIES`, or an odd function.
        encoder: ``"design"``, ``"descent"``, ``"itq"`` (at most one symbol per direction
            in which the rows vary), ``"straight-through"`` or ``"random"``; of signs with
            decoder linear or columns also ``"quantised"``, ``"search"`` or ``"auto"``.
        decoder: ``"linear"``; ``"columns"``, which puts what the linear one gives through
            one curve per column, fitted to training rows (it pays where columns are often
            at an end of their range: pixels, counts, descriptors; 300 rows at least); or,
            of signs and with encoder design, itq or random, ``"denoised"`` (posterior mean
            of each coefficient), ``"message-passing"`` (posterior mean of all together) or
            ``"learned"`` (three steps of it, trained on the rows; torch), which also takes
            encoder straight-through.
        frame: ``"dct"`` (any size), ``"hadamard"`` (powers of two) or ``"haar"``.
        whiten: Whether the encoder treats all directions alike, whatever their variance.
        norm: ``"none"``, or ``"float16"``: the length of each centred (or whitened) row is
            sent as 16 more bits, in one further column of the code, input units.
            ``"auto"``: sent unless the decoder is linear or columns.
        prior: Of the coefficients, for decoders that are not linear: ``"auto"`` fits
            mixtures by expectation maximisation, in the basis that serves training rows
            set aside best; or a prior of every coordinate, in units of its power.
        ridge: ``"gcv"``, or a penalty >= 0 relative to the mean power of a code symbol:
            0 is plain least squares, ``inf`` the Gaussian decoder. Of a search ``"gcv"``
            is 1e-6, and with few rows what rows set aside prefer.
        n_steps: Most steps of training; None for 200 of descent or itq, 3000 straight
            through, 600 with learned layers, 6 rounds of search.
        search_flips: Flips that a search goes on for beyond the first local minimum:
            more of them find better codes and take longer.
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
            Gaussian data of the training covariance, without the norm, where curves are
            straight lines. Of other decoders: what state evolution tells for independent
            coefficients of the fitted priors; of a search, what 4096 simulated Gaussian
            rows lose.
        encoder_used_: The encoder; of ``"auto"`` the one chosen.
        encoder_reason_: Why it was chosen, or how its search began; empty of others.
        trials_: What ``"auto"`` tried: name to predicted and measured NMSE.
        encoder_steps_: Of quantised and search, "code": what bit j - 1 takes from its
            pre-activation before bit j looks at the rest, 0 where bit j begins anew (see
            :class:`isthmus.training.successive_signs.SuccessiveSigns`); else None.
        posterior_: The fitted decoder, its basis, priors and trials; None if linear.
        curves_: Of decoder ``"columns"``, the curves; None without.
        reference_nmse_: Gaussian reference at this code length.
        bits_per_vector_: All bits stored per row; None if the code is not quantised.
        history_: NMSE along the training (on Gaussian data for ``"descent"``, on
            training batches for ``"straight-through"``, on training rows by the transposed
            encoder for ``"itq"``, on rows set aside for ``"search"``); empty if nothing is
            trained.
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
        [shevchenko:23], [gong:11], [kogler:24], [glover:89]
    """

    _search: BitSearch | None

    def __init__(
        self,
        n_code: int | None = None,
        *,
        rate: float | None = None,
        activation: Any = "sign",
        encoder: Literal[
            "design",
            "descent",
            "itq",
            "straight-through",
            "random",
            "quantised",
            "search",
            "auto",
        ] = "design",
        decoder: Literal[
            "linear", "columns", "denoised", "message-passing", "learned"
        ] = "linear",
        frame: Literal["dct", "hadamard", "haar"] = "dct",
        whiten: bool = False,
        norm: Literal["auto", "none", "float16"] = "auto",
        prior: Any = "auto",
        ridge: float | Literal["gcv"] = "gcv",
        n_steps: int | None = None,
        search_flips: int = EXTRA_FLIPS,
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
        self.search_flips = search_flips
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
        check_parameters(self)
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
        check_parameters(self)
        n_code = code_length(self.n_code, self.rate, x.shape[1])
        check_size(n_code, *principal.basis.shape)
        return self._fit(x, principal)

    def _fit(self, x: np.ndarray, principal: Principal) -> ShallowAutoencoder:
        for name, value in fitted_attributes(self, x, principal).items():
            setattr(self, name, value)
        return self

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
        codes, relative = self._coding.encode(x - self.mean_.astype(x.dtype, copy=False))
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
        activation = resolve_activation(self.activation)
        check_codes(given, self.n_code_, activation, norm=self.norm_scale_ is not None)
        if self.norm_scale_ is None:
            return self._coding.decode(codes, None)
        relative = given[:, -1] / codes.dtype.type(self.norm_scale_.mean)
        return self._coding.decode(codes, relative)

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
        coding = self._coding
        codes, relative = coding.encode(x - self.mean_.astype(x.dtype, copy=False))
        return 1.0 - nmse_of(x, coding.decode(codes, relative), self.mean_)

    @property
    def _coding(self) -> Coding:
        """The arithmetic of the fitted code."""
        search: BitSearch | None = None
        if self.encoder_used_ == "search":
            search = self._search
            if search is None or search.given is not self.decoder_weight_:
                search = self._search = BitSearch(self.decoder_weight_)
        return Coding(
            self.mean_,
            resolve_activation(self.activation),
            self.encoder_weight_,
            self.encoder_steps_,
            self.decoder_weight_,
            self.norm_scale_,
            self.posterior_,
            search,
            self.search_flips,
            self.curves_,
        )

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that float32 stays float32."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
