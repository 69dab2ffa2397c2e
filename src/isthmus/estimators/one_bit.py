"""Decoder of sign codes that somebody else has made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from jaxtyping import Float
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array, check_is_fitted

from isthmus.core.door import shown
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.protocol import nmse_of
from isthmus.core.random import as_rng
from isthmus.estimators.one_bit_checks import Baseline, check_parameters, checked_baseline
from isthmus.estimators.one_bit_choice import (
    LEAST_ROWS,
    Choice,
    choose,
)
from isthmus.estimators.one_bit_covariance import covariance_core
from isthmus.estimators.one_bit_encoder import (
    KnownEncoder,
    estimated_encoder,
    given_encoder,
)
from isthmus.estimators.one_bit_fits import FITS, Fitting
from isthmus.estimators.one_bit_pairs import (
    CALL,
    Pairs,
    Unit,
    check_codes,
    check_given,
    unit_of,
)

METHODS = ("auto", *FITS)


class OneBitDecoder(BaseEstimator):
    r"""The best decoder that can be had for stored sign codes, without re-encoding.

    Takes codes y = sign(B (x - m)) of any make: locality-sensitive hashing, the sign bits
    of RaBitQ, EDEN or TurboQuant, or an encoder of one's own. With the lengths
    :math:`\rho = |x - m|` that some codecs store, rows are decoded on the sphere.

    ``"linear"`` is :math:`b + \rho A y`, least squares weighted by the lengths and shrunk
    towards the best decoder for Gaussian rows; b is m, but for what the codes' own mean
    makes of it. ``"message-passing"`` is the posterior mean
    for Gaussian rows of the training covariance, its last matrix fitted to the pairs.
    ``"mixture"`` is the posterior mean under a spike and Gaussians per coordinate, in
    whichever basis (original, cosine, principal) serves: it wins where rows are sparse.
    ``"columns"`` puts what the linear decoder gives through one curve per column, which
    pays where a column is often at an end of its range: counts, pixels, descriptors.
    ``"mlp"`` adds a small network to the linear decoder (torch to train, not to decode).
    ``"auto"`` fits them all and chooses on rows set aside; what is slower must be better.
    Less error of the reconstruction is no better ranking: keep the norms for search.

    Args:
        method: One of those.
        encoder_weight: B, "code input"; None estimates it from the pairs.
        center: m, input units, or one number; None for the mean of the training rows.
        ridge: ``"gcv"``, or a penalty >= 0 relative to the mean power of a code symbol:
            0 is plain least squares, ``inf`` the Gaussian decoder.
        baseline: Function of codes and norms that gives rows, such as the codec's own
            decoder; ``"auto"`` keeps it where nothing is better.
        n_steps: Most steps of message passing; it stops where the error does.
        hidden: Units of the network.
        network_steps: Most steps of its training, each on 128 rows.
        random_state: Seed of the split and of the network.

    Attributes:
        method_used_: What was chosen, or ``"baseline"``.
        trials_: NMSE on the rows set aside, by method; empty if nothing was chosen.
        reason_: A sentence.
        mean_: Mean of the training rows, "input".
        center_: m.
        ridge_: Penalty of the linear decoder; ``inf`` for the Gaussian one.
        predicted_nmse_: NMSE of the Gaussian linear decoder on Gaussian rows (of one
            length, with norms) of the training covariance; NaN if B is not known.
        encoder_agreement_: Share of the bits that B gives right; an estimate below 0.85
            is not used, as if B were not known. NaN if there are too few pairs for one.
        n_features_in_: Bits of a code.

    Examples:
        >>> from isthmus.frames import haar
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(3000, 32)) * np.arange(1, 33) ** -1.0
        >>> turn = haar(32, 32, rng=0).to_dense()
        >>> y = np.where(x @ turn.T >= 0, 1.0, -1.0)
        >>> decoder = OneBitDecoder("linear", encoder_weight=turn).fit(y[:2000], x[:2000])
        >>> own = np.sqrt(2 / np.pi) * np.sqrt(np.mean(x**2)) * y[2000:] @ turn
        >>> error = float(np.mean((own - x[2000:]) ** 2) / np.mean(x[2000:] ** 2))
        >>> 1 - decoder.score(y[2000:], x[2000:]) < 0.8 * error
        True

    References:
        [shevchenko:23], [kogler:24], [golub:79]
    """

    def __init__(
        self,
        method: Literal[
            "auto", "linear", "columns", "message-passing", "mixture", "mlp"
        ] = "auto",
        *,
        encoder_weight: Any = None,
        center: Any = None,
        ridge: float | Literal["gcv"] = "gcv",
        baseline: Baseline | None = None,
        n_steps: int = 8,
        hidden: int = 1024,
        network_steps: int = 1000,
        random_state: object = None,
    ):
        self.method = method
        self.encoder_weight = encoder_weight
        self.center = center
        self.ridge = ridge
        self.baseline = baseline
        self.n_steps = n_steps
        self.hidden = hidden
        self.network_steps = network_steps
        self.random_state = random_state

    def fit(self, codes: Any, X: Any, norms: Any = None) -> OneBitDecoder:
        """Fit to codes whose rows are known.

        Args:
            codes: ±1, "sample code".
            X: The rows, "sample input", at least two, finite.
            norms: Euclidean lengths of the rows minus the centre, "sample", as the codec
                stores them; None if it stores none.

        Returns:
            The fitted estimator.

        Raises:
            DataError: If all rows or all codes are equal, norms are not those of the rows,
                or `encoder_weight` does not give these codes; for methods that pass
                messages also if the encoder cannot be estimated.
            MissingDependency: If the method is ``"mlp"`` and torch is not installed.
            ValueOutOfRange: If a parameter or the codes are outside their domain.
        """
        check_parameters(self, METHODS)
        signs, x, lengths = check_given(codes, X, norms, None)
        unit = unit_of(signs, x, lengths, self.center)
        self._unit, rng = unit, as_rng(self.random_state)
        # Which rows are used first must not depend on how they were sorted.
        order = rng.permutation(len(x))
        pairs = unit.pairs(signs, x, lengths).taken(order)
        encoder = self._encoder(pairs, unit, rng)
        whole = self._fitting(pairs, encoder, rng)
        choice = Choice(str(self.method), {}, f"{self.method}: it was asked for.")
        if self.method == "auto":
            own = self._own(signs, lengths, order, unit)
            choice = choose(whole, own, (x.mean(axis=0) - unit.center) / unit.scale)
        self._core = choice.core
        if self._core is None and choice.method != "baseline":
            self._core = FITS[choice.method](whole)
        self.method_used_, self.trials_ = choice.method, choice.trials
        self.reason_ = choice.reason
        linear = choice.method in ("linear", "columns", "mlp")
        self.ridge_ = float(whole.linear[1]) if linear else float("nan")
        known = whole.gaussian
        self.predicted_nmse_ = float("nan") if known is None else known.nmse
        self.encoder_agreement_ = float("nan") if encoder is None else encoder.agreement
        self.center_ = unit.center
        self.mean_ = x.mean(axis=0, dtype=np.float64)
        self.n_features_in_ = unit.n_code
        return self

    @classmethod
    def from_covariance(
        cls,
        encoder_weight: Any,
        covariance: Any,
        mean: Any = None,
        *,
        norms: bool = False,
        method: Literal["linear", "message-passing"] = "linear",
    ) -> OneBitDecoder:
        """A decoder from the encoder and the covariance alone, without any pairs.

        Args:
            encoder_weight: B of y = sign(B (x - mean)), "code input".
            covariance: Of the rows, "input input", input units squared.
            mean: Of the rows, "input"; None for zero.
            norms: Whether lengths of the centred rows will come with the codes. Rows are
                then taken for Gaussian ones brought to their length.
            method: ``"linear"``, or ``"message-passing"``, whose variances are averaged
                over Gaussian rows.

        Returns:
            The fitted estimator; `predicted_nmse_` is exact for ``"linear"`` without
            norms.

        Raises:
            ValueOutOfRange: If shapes do not fit, or an argument is outside its domain.

        Examples:
            >>> decoder = OneBitDecoder.from_covariance(np.eye(2), np.diag([1.0, 4.0]))
            >>> decoder.inverse_transform(np.array([[1.0, -1.0]])).round(3).tolist()
            [[0.798, -1.596]]
        """
        core, unit, predicted = covariance_core(
            encoder_weight, covariance, mean, norms=norms, method=method
        )
        model = cls(method, encoder_weight=encoder_weight, center=mean)
        model._core, model._unit = core, unit
        model.method_used_, model.trials_ = method, {}
        model.reason_ = f"{method}: made from a covariance."
        model.ridge_ = float("inf") if method == "linear" else float("nan")
        model.predicted_nmse_, model.encoder_agreement_ = predicted, 1.0
        model.mean_ = model.center_ = unit.center
        model.n_features_in_ = unit.n_code
        return model

    def inverse_transform(
        self, codes: Any, norms: Any = None
    ) -> Float[np.ndarray, "sample input"]:
        """Reconstruct rows.

        Args:
            codes: ±1, "sample code"; float32 and float64 keep their type, other types
                become float32. Message passing and networks count in float32.
            norms: Their lengths, if the decoder was fitted with lengths.

        Returns:
            Reconstructions, input units. A row's does not depend on the other rows, but
            for the last digits of float32.

        Raises:
            ValueOutOfRange: If codes are no ±1 or of another length, or norms are missing
                or too many, negative or not finite.
        """
        check_is_fitted(self)
        signs, lengths = check_codes("inverse_transform", codes, norms, self.n_features_in_)
        self._check_norms_given(lengths)
        if self._core is None:
            return np.asarray(self._baseline()(codes, norms))
        some, _, relative = self._unit.given(signs, lengths)
        rows = self._core.decode(some, relative)
        if relative is not None:
            rows[relative == 0] = 0.0
        return self._unit.back(rows, signs.dtype)

    def score(self, codes: Any, X: Any, norms: Any = None) -> float:
        """1 - NMSE of the reconstruction of `X`, about the mean of the training rows.

        Args:
            codes: ±1, "sample code".
            X: Their rows, "sample input".
            norms: Their lengths, if the decoder was fitted with lengths.

        Returns:
            1 for perfect, 0 for what the training mean reaches.
        """
        found = self.inverse_transform(codes, norms)
        x = check_array(X, dtype=[np.float64, np.float32], input_name="X")
        if x.shape != found.shape:
            raise ValueOutOfRange(
                f"`{CALL}.score(codes, X)` must have one row per code and "
                f"{found.shape[1]} columns; got codes for {found.shape} and X {x.shape}."
            )
        return 1.0 - nmse_of(x, found, self.mean_)

    def _encoder(
        self, pairs: Pairs, unit: Unit, rng: np.random.Generator
    ) -> KnownEncoder | None:
        if self.encoder_weight is not None:
            weight = np.asarray(self.encoder_weight)
            if weight.ndim == 2 and weight.shape[0] != unit.n_code:
                raise ValueOutOfRange(
                    f"`{CALL}(encoder_weight=...)` must have one row per bit, "
                    f"{unit.n_code}; got {weight.shape[0]}."
                )
            return given_encoder(weight, unit.live, pairs)
        # A good linear decoder can do without: few pairs do not tell an encoder.
        few = len(pairs.codes) < max(LEAST_ROWS, 2 * pairs.rows.shape[1])
        return None if few else estimated_encoder(pairs, rng)

    def _fitting(
        self, pairs: Pairs, encoder: KnownEncoder | None, rng: np.random.Generator
    ) -> Fitting:
        ridge: Any = self.ridge if isinstance(self.ridge, str) else float(self.ridge)
        hidden, steps = int(self.hidden), int(self.network_steps)
        return Fitting(pairs, encoder, ridge, int(self.n_steps), hidden, steps, rng)

    def _own(
        self, signs: np.ndarray, lengths: np.ndarray | None, order: np.ndarray, unit: Unit
    ) -> Callable[[np.ndarray], np.ndarray] | None:
        """What the baseline makes of some pairs, in their unit."""
        if self.baseline is None:
            return None

        def decode(chosen: np.ndarray) -> np.ndarray:
            at = order[chosen]
            found = self._baseline()(signs[at], None if lengths is None else lengths[at])
            return np.asarray((found - unit.center) / unit.scale, dtype=np.float32)

        return decode

    def _baseline(self) -> Baseline:
        assert self.baseline is not None
        return checked_baseline(self.baseline, self._unit.center.size)

    def _check_norms_given(self, norms: np.ndarray | None) -> None:
        wanted = self._unit.has_norms
        if wanted != (norms is not None):
            rule = "must be given, as at the fit" if wanted else "must be left out"
            raise ValueOutOfRange(
                f"`{CALL}.inverse_transform(norms=...)` {rule}; got {shown(norms)}. "
                f"This decoder was fitted {'with' if wanted else 'without'} norms."
            )
