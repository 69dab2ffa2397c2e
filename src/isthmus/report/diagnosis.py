"""What keeps one fitted model from the Gaussian reference."""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from isthmus.core.activations import resolve_activation
from isthmus.core.errors import DataError, DataWarning, ValueOutOfRange
from isthmus.core.protocol import measure
from isthmus.core.tolerance import ROWS_PER_COLUMN
from isthmus.data import Dataset
from isthmus.data.moments import second_moments
from isthmus.estimators import ShallowAutoencoder, load
from isthmus.limits import covariance_limit, gap_split
from isthmus.report.records import to_plain
from isthmus.report.rows import Reading

_NEAR = 0.01
_LARGE = 0.1
_ROUNDING = 1e-12
_ADVICE = {
    "spectrum": "The encoder spends its code on the wrong directions: design it for this "
    "covariance (encoder design), or fit it on rows like these.",
    "coherence": "Code symbols repeat each other: the frame is not tight and incoherent. "
    "Use a cosine frame with random columns, or train on (encoder descent).",
    "decoder": "The decoder is not the best linear one at this covariance: fit it again "
    "on rows like these.",
    "shift": "The rows differ from the training rows in covariance: fit again on both.",
    "non_gaussianity": "The rows are not Gaussian: a code fitted to samples (encoder "
    "straight-through), a length sent beside it (norm float16) or a decoder that is not "
    "linear may win.",
}


@dataclasses.dataclass(frozen=True)
class Diagnosis:
    """A model on rows it has not seen.

    Attributes:
        nmse: Measured.
        standard_error: Of `nmse` over the rows.
        n_rows: Rows measured on.
        reference: Gaussian reference at the covariance in `reference_from`, NMSE.
        status: Of the reference.
        reference_from: ``"train"`` or ``"data"``.
        gap: The five terms, in NMSE; they add up to nmse - reference. Shift is None where
            no training rows were given, or the activation forbids telling it apart.
        verdict: Sentences.
    """

    nmse: float
    standard_error: float
    n_rows: int
    reference: float
    status: str
    reference_from: str
    gap: dict[str, float | None]
    verdict: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain Python; JSON takes it."""
        plain: dict[str, Any] = to_plain(self)
        return plain


def diagnose_model(
    model: ShallowAutoencoder | str | os.PathLike,
    data: object,
    *,
    train: object | None = None,
    columns: Sequence[str] | None = None,
    drop: Sequence[str] = (),
    drop_missing: bool = False,
) -> Diagnosis:
    """Measure a model and split what it loses against the Gaussian reference.

    Args:
        model: Fitted, or the path of a saved one.
        data: Rows it has not seen: array, path or built-in name.
        train: Its training rows in the same form. The reference is then taken at their
            covariance, and the shift to `data` is a term of its own; otherwise the
            reference is taken at the covariance of `data`.
        columns: Names of the only columns to read; None reads all.
        drop: Names of columns to leave out, those that it was fitted without.
        drop_missing: Leave out rows with a missing value.

    Returns:
        The diagnosis. With a length sent beside the code the terms are those of the code
        without it, and non-Gaussianity holds what the length gains.

    Raises:
        DataError: If columns disagree, or the rows do not differ.
        ValueOutOfRange: If the model is no shallow autoencoder, or its code is that of a
            quantiser or a search.

    Warns:
        DataWarning: If rows are fewer than 20 per column: the reference is optimistic.

    Examples:
        >>> rows = np.random.default_rng(0).standard_normal((2000, 8))
        >>> model = ShallowAutoencoder(8, random_state=0).fit(rows[:1000])
        >>> found = diagnose_model(model, rows[1000:], train=rows[:1000])
        >>> sorted(found.gap)
        ['coherence', 'decoder', 'non_gaussianity', 'shift', 'spectrum']
    """
    if isinstance(model, (str, os.PathLike)):
        model = load(model)
    if not isinstance(model, ShallowAutoencoder):
        raise ValueOutOfRange("`diagnose_model(model=...)` must be a ShallowAutoencoder.")
    if model.encoder_steps_ is not None:
        raise ValueOutOfRange(
            "`diagnose_model(model=...)` must have a code that is the activation of a "
            f"linear map, which the terms are exact for; got encoder "
            f"{model.encoder_used_!r}. Its NMSE is 1 - model.score(rows)."
        )
    reading = Reading(columns, drop, drop_missing)
    rows = _rows(model, reading.load(data))
    measured = measure(rows, model.inverse_transform(model.transform(rows)), model.mean_)
    here = second_moments(rows, model.mean_)
    there = here
    if train is not None:
        there = second_moments(_rows(model, reading.load(train)), model.mean_)
    activation = resolve_activation(model.activation)
    unit = float(np.trace(here)) / here.shape[0]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DataWarning)
        apart = train is not None and activation.degree is not None
        split = gap_split(
            _unit_rows(model.encoder_weight_, there, activation.degree),
            model.decoder_weight_,
            there,
            measured.value * unit,
            test_covariance=here if apart else None,
            activation=activation,
        ).as_nmse(float(np.trace(there)) / there.shape[0], unit)
    gap: dict[str, float | None] = dict(split.terms)
    if not apart:
        gap["shift"] = None
    limit = covariance_limit(
        np.linalg.eigvalsh(there).clip(0.0), model.n_code_, activation=activation
    )
    return Diagnosis(
        nmse=measured.value,
        standard_error=measured.standard_error,
        n_rows=measured.n_rows,
        reference=split.reference,
        status=str(limit.status),
        reference_from="data" if train is None else "train",
        gap=gap,
        verdict=_verdict(
            measured.value, measured.standard_error, split.reference, gap, model.norm
        ),
    )


def _rows(model: ShallowAutoencoder, dataset: Dataset) -> np.ndarray:
    if dataset.values.shape[1] != model.n_features_in_:
        raise DataError(
            f"`{dataset.name}` must have the {model.n_features_in_} columns that the "
            f"model was fitted on; got {dataset.values.shape[1]}."
        )
    few = dataset.values.shape[0] < ROWS_PER_COLUMN * dataset.values.shape[1]
    if few:
        warnings.warn(
            f"`{dataset.name}` has {dataset.values.shape[0]} rows for "
            f"{dataset.values.shape[1]} columns, less than {ROWS_PER_COLUMN} each: a "
            "reference taken from them is optimistic.",
            DataWarning,
            stacklevel=3,
        )
    return dataset.values


def _unit_rows(
    weight: np.ndarray, covariance: np.ndarray, degree: float | None
) -> np.ndarray:
    """Rows as they are, or, where the theory asks for it, of unit variance."""
    if degree is not None:
        return weight
    spread = np.sqrt(np.einsum("ij,jk,ik->i", weight, covariance, weight))
    return weight / np.where(spread > 0, spread, 1.0)[:, None]


def _verdict(
    nmse: float, error: float, reference: float, gap: dict[str, float | None], norm: str
) -> tuple[str, ...]:
    difference = nmse - reference
    if difference < min(-2.0 * error, -_ROUNDING):
        below = f"{-difference:.3g} below the Gaussian reference"
        if norm != "none":
            return (
                f"{below} of the code alone, which does without the 16 bits of the length; "
                "and it is no bound for rows that are not Gaussian.",
            )
        return (
            f"{below}: the rows are not Gaussian, and the reference is no bound for them.",
        )
    if abs(difference) <= max(2.0 * error, _NEAR * reference, _ROUNDING):
        return ("At the Gaussian reference, within 1 % or two standard errors.",)
    sentences = [f"{difference:.3g} above the Gaussian reference."]
    for name, value in sorted(gap.items(), key=lambda item: -(item[1] or 0.0)):
        if value is not None and value > max(_LARGE * difference, 2.0 * error):
            sentences.append(_ADVICE[name])
    return tuple(sentences)
