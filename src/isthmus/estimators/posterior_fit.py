"""Decoders that know the distribution of the rows, fitted to training rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

from isthmus.core.errors import DataError
from isthmus.core.protocol import nmse_of
from isthmus.core.random import as_rng, raw_words
from isthmus.decoders import AbstractDecoder, DenoisingDecoder, MessagePassingDecoder
from isthmus.estimators.encoder_task import Encoder
from isthmus.estimators.posterior_trials import bases_to_try
from isthmus.estimators.views import View
from isthmus.limits import state_evolution
from isthmus.priors import AbstractPrior, CoordinatePriors

PRIOR_ROWS = 4000
"""Rows that priors are fitted on; more change the third digit."""
TRIAL_ROWS = 240
"""Rows on which bases and kinds of priors are compared."""
LEARNING_STEPS = 300
LEARNING_ROWS = 4000
"""Rows that a learned decoder is trained on."""
ENCODER_STEPS = 600
LEAST_UNIT, MOST_UNIT = 1e-15, 1e15
"""Of the largest centred entry: messages are in single precision, with fourth powers."""
ENCODER_ROWS = 20_000
"""Rows that an encoder is trained on together with its decoder."""
LEAST_TRIAL_ROWS = 5
TRIAL_STEPS = 8
"""Steps of message passing there."""
DECODERS: dict[str, Callable[..., AbstractDecoder]] = {
    "denoised": DenoisingDecoder,
    "message-passing": MessagePassingDecoder,
}
LAYERS = 3
_STEPS = {"denoised": 1, "message-passing": 20, "learned": LAYERS}


@dataclasses.dataclass(frozen=True, eq=False)
class PosteriorFit:
    """A fitted decoder and how it was chosen.

    Attributes:
        kind: ``"denoised"``, ``"message-passing"`` or ``"learned"``.
        decoder: Of coefficients.
        back: Rows from coefficients, "k input"; None where they are the rows.
        basis: ``"original"``, ``"dct"`` or ``"principal"``: where priors hold.
        prior: Of the coefficients.
        power: Mean square length of the centred training rows.
        predicted_nmse: What state evolution tells for rows of these priors.
        trials: NMSE on rows set aside, of every basis and kind of prior tried.
    """

    kind: str
    decoder: AbstractDecoder
    back: Float[np.ndarray, "k input"] | None
    basis: str
    prior: AbstractPrior | CoordinatePriors
    power: float
    predicted_nmse: float
    trials: dict[str, float]

    def of_kind(self, kind: str) -> PosteriorFit:
        """The same priors, used in one step or in many."""
        decoder = DECODERS[kind](self.decoder.frame, self.prior)
        return dataclasses.replace(self, kind=kind, decoder=decoder).predicting()

    def coefficients(
        self, rows: Float[np.ndarray, "sample input"]
    ) -> Float[np.ndarray, "sample k"]:
        """Coefficients of centred rows; directions in `back` are orthogonal."""
        if self.back is None:
            return rows
        return np.asarray(rows @ self._into.T.astype(rows.dtype, copy=False))

    @property
    def _into(self) -> Float[np.ndarray, "k input"]:
        assert self.back is not None
        return self.back / np.square(self.back).sum(axis=1, keepdims=True)

    def trained(
        self,
        codes: Float[np.ndarray, "sample code"],
        rows: Float[np.ndarray, "sample input"],
        *,
        rng: np.random.Generator,
        n_steps: int = LEARNING_STEPS,
        progress: Callable[[str, int, int], None] | None = None,
    ) -> PosteriorFit:
        """Unrolled message passing, trained from the fitted priors on (torch)."""
        from isthmus.decoders import LearnedDecoder

        def tell(done: int, total: int) -> None:
            if progress is not None:
                progress("layers of the decoder", done, total)

        decoder = LearnedDecoder(self.decoder.frame, self.prior, n_layers=LAYERS)
        single = codes.astype(np.float32, copy=False)
        found = self.coefficients(rows)
        decoder.fit(single, found, n_steps=n_steps, rng=rng, progress=tell)
        return dataclasses.replace(self, kind="learned", decoder=decoder).predicting()

    def with_encoder(
        self,
        rows: Float[np.ndarray, "sample input"],
        *,
        rng: np.random.Generator,
        n_steps: int = ENCODER_STEPS,
        progress: Callable[[str, int, int], None] | None = None,
    ) -> PosteriorFit:
        """Learned layers and their encoder, trained together from here on (torch).

        Errors are those of rows: of each coefficient times the length of its direction.
        """
        from isthmus.training import train_with_layers

        def tell(done: int, total: int) -> None:
            if progress is not None:
                progress("encoder and layers", done, total)

        decoder = train_with_layers(
            self.decoder,
            self.coefficients(rows).astype(np.float32, copy=False),
            weights=None if self.back is None else np.square(self.back).sum(axis=1),
            n_steps=n_steps,
            rng=rng,
            progress=tell,
        )
        return dataclasses.replace(self, decoder=decoder)

    def encoder(self) -> Encoder:
        """The encoder of learned layers, and how it was trained."""
        weight = self.decoder.frame.to_dense()
        found = self.decoder.history  # type: ignore[attr-defined]
        return Encoder(
            weight if self.back is None else weight @ self._into,
            found.nmse,
            np.arange(1, found.nmse.size + 1),
            f"best on held-out rows after {found.best_step} steps",
        )

    def predicting(self) -> PosteriorFit:
        """With the NMSE that state evolution tells."""
        found = float(predicted_path(self, _STEPS[self.kind])[-1])
        return dataclasses.replace(self, predicted_nmse=found)

    def decode(self, codes: Float[Any, "sample code"]) -> Float[Any, "sample input"]:
        """Centred rows of average length from their codes."""
        found = self.decoder.decode(codes.astype(np.float32, copy=False))
        if self.back is not None:
            found = found @ self.back.astype(np.float32)
        return np.asarray(found.astype(codes.dtype, copy=False))


def fit_posterior_decoder(
    kind: str,
    view: View,
    rows: Float[np.ndarray, "sample input"],
    encode: Callable[[np.ndarray], np.ndarray],
    *,
    prior: AbstractPrior | None,
    rng: np.random.Generator,
    encoder_steps: int = 0,
    progress: Callable[[str, int, int], None] | None = None,
) -> PosteriorFit:
    """Fit priors to training rows, in whichever basis serves them best.

    Sparse rows have the basis that they are sparse in, and the basis is what matters:
    the original coordinates, their cosine transform and the principal directions are
    tried on training rows set aside, with one prior for all coefficients and with one
    for each.

    Args:
        kind: ``"denoised"``, ``"message-passing"`` or ``"learned"``.
        view: The encoder.
        rows: Centred training rows, brought to one length if lengths are sent.
        encode: Their codes.
        prior: Of every coordinate, whatever its variance; None fits priors.
        rng: Draws the rows that are set aside.
        encoder_steps: Steps of training the encoder with its learned layers; 0 for an
            encoder that stays as it is.
        progress: Told a label, the bases done and the bases in all; or None.

    Returns:
        The decoder of the least NMSE on the rows set aside.

    Raises:
        DataError: If rows are in units that single precision has no room for.
    """
    _check_unit(kind, rows)
    order = rng.permutation(rows.shape[0])
    n_trial = min(TRIAL_ROWS, rows.shape[0] // 4)
    train = rows[order[n_trial : n_trial + PRIOR_ROWS]].astype(np.float64)
    # So few rows cannot spare any: bases are compared on those that priors are fitted to.
    trial = rows[order[:n_trial]] if n_trial >= LEAST_TRIAL_ROWS else rows[order]
    trials = bases_to_try(view, train, prior, rng)
    centre = np.zeros(rows.shape[1])
    scores: dict[str, float] = {}
    fits: dict[str, PosteriorFit] = {}
    for done, one in enumerate(trials):
        if progress is not None:
            progress(f"priors of {one.label}", done, len(trials))
        decoder = MessagePassingDecoder(
            one.view.frame, one.prior, n_iter=min(_STEPS[kind], TRIAL_STEPS)
        )
        back, nan = one.view.back, np.nan
        fit = PosteriorFit(kind, decoder, back, one.basis, one.prior, nan, nan, scores)
        fits[one.label] = fit
        if len(trials) > 1:
            scores[one.label] = nmse_of(trial, fit.decode(encode(trial)), centre)
    best = min(fits, key=lambda label: scores.get(label, 0.0))
    power = float(np.einsum("ij,ij->", train, train)) / train.shape[0]
    fit = dataclasses.replace(fits[best], power=power)
    if kind != "learned":
        return fit.of_kind(kind)
    if not encoder_steps:
        some = rows[order[:LEARNING_ROWS]]
        return fit.trained(encode(some), some, rng=rng, progress=progress)
    some = rows[order[:ENCODER_ROWS]]
    # Both trainings hold the same rows out: neither is judged by what the other has seen.
    seed = int(raw_words(rng, 1)[0] >> np.uint64(1))
    fit = fit.trained(encode(some), some, rng=as_rng(seed), progress=progress)
    return fit.with_encoder(
        some, rng=as_rng(seed), n_steps=encoder_steps, progress=progress
    )


def _check_unit(kind: str, rows: np.ndarray) -> None:
    largest = max(float(rows.max(initial=0.0)), -float(rows.min(initial=0.0)))
    if not LEAST_UNIT <= largest <= MOST_UNIT:
        raise DataError(
            f"decoder={kind!r} works in single precision and must see rows that differ "
            f"from their mean by {LEAST_UNIT:g} to {MOST_UNIT:g}; they differ by "
            f"{largest:.3g}. Multiply or divide the data by a constant."
        )


def predicted_path(fit: PosteriorFit, n_steps: int) -> Float[np.ndarray, " step"]:
    """NMSE after each step, of independent coefficients that have these priors.

    Args:
        fit: A decoder and its priors.
        n_steps: Most steps.

    Returns:
        NMSE; status ``"asymptotic"``.
    """
    prior, size = fit.prior, fit.decoder.frame.n_input
    path = state_evolution(prior, fit.decoder.frame.rate, n_iter=n_steps)
    weights = np.ones(size) if fit.back is None else np.square(fit.back).sum(axis=1)
    if isinstance(prior, CoordinatePriors):
        powers = prior.powers
        left = [weights @ prior.mmses(prior.variance / snr) for snr in path.snr]
    else:
        powers = np.full(size, prior.variance)
        left = [float(weights.sum()) * prior.variance * mse for mse in path.mse]
    unseen = max(fit.power - float(weights @ powers), 0.0)
    return (np.array(left) + unseen) / fit.power
