"""One autoencoder on one data set: fitted, measured, and compared."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

import numpy as np

from isthmus.core.errors import ValueOutOfRange
from isthmus.core.lloyd_max import MAX_BITS
from isthmus.core.protocol import measure
from isthmus.limits import (
    covariance_limit,
    gap_split,
    rate_distortion,
    transform_coding,
)
from isthmus.report.records import DataFacts, Reached

if TYPE_CHECKING:
    from isthmus.estimators import ShallowAutoencoder

EncoderName = Literal["design", "descent", "random"]
ENCODERS: tuple[EncoderName, ...] = ("design", "descent", "random")
_DESCENT_SECONDS = 8.0
_FLOPS = 2e10  # of one slow core; a step of descent takes about 19/3 n_code^3


def reach(
    train: np.ndarray,
    test: np.ndarray,
    n_code: int,
    encoder: EncoderName,
    facts: DataFacts,
    seed: int,
    covariances: tuple[np.ndarray, np.ndarray],
) -> Reached:
    """Fit on the training rows, measure on the others, compare with what is known.

    Args:
        train: Rows to fit on.
        test: Rows to measure on.
        n_code: Code symbols per row.
        encoder: One of :data:`ENCODERS`.
        facts: Of the data, for the eigenvalues.
        seed: Of the frame.
        covariances: Of the training rows, and second moments of the others about the
            training mean.

    Returns:
        The record.
    """
    from isthmus.estimators import ShallowAutoencoder

    started = time.perf_counter()
    model = ShallowAutoencoder(
        n_code, encoder=encoder, n_steps=descent_steps(n_code), random_state=seed
    ).fit(train)
    measured = measure(test, model.inverse_transform(model.transform(test)), model.mean_)
    limit = covariance_limit(facts.eigenvalues, n_code)
    most = MAX_BITS * int(np.count_nonzero(facts.eigenvalues))
    coding = transform_coding(facts.eigenvalues, min(n_code, most)).nmse
    return Reached(
        rate=n_code / facts.n_input,
        n_code=n_code,
        encoder=encoder,
        decoder=model.decoder_used_,
        norm="none",
        nmse=measured.value,
        standard_error=measured.standard_error,
        reference=float(limit.nmse),
        status=str(limit.status),
        predicted=model.predicted_nmse_,
        transform_coding=float(coding),
        rate_distortion=float(rate_distortion(facts.eigenvalues, n_code)),
        bits_per_vector=int(model.bits_per_vector_ or 0),
        seconds=time.perf_counter() - started,
        gap=_gap(model, covariances, measured.value),
        history=model.history_,
    )


def _gap(
    model: ShallowAutoencoder, covariances: tuple[np.ndarray, np.ndarray], nmse: float
) -> dict[str, float]:
    """What of nmse - reference is whose, in NMSE."""
    train, test = covariances
    units = float(np.trace(train)) / len(train), float(np.trace(test)) / len(test)
    try:
        split = gap_split(
            model.encoder_weight_,
            model.decoder_weight_,
            train,
            nmse * units[1],
            test_covariance=test,
        )
    except ValueOutOfRange:  # a code symbol that never changes on the held-out rows
        return {}
    return split.as_nmse(*units).terms


def descent_steps(n_code: int) -> int:
    """Steps of descent that fit into a few seconds, at least ten."""
    return int(np.clip(_DESCENT_SECONDS * _FLOPS / (6.4 * n_code**3), 10, 200))
