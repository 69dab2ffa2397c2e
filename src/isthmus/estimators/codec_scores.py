"""What an adviser on codecs found: errors, recall, bits, speeds, and who wins for what."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from isthmus.core.door import shown
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.protocol import Measurement

CLEAR = 2.0
"""Paired standard errors beyond which a difference is told apart from none."""


@dataclasses.dataclass(frozen=True)
class CodecScore:
    """One codec at the budget, fitted on training rows and measured on held-out ones.

    Attributes:
        label: Name, and the norm where it is an addition.
        name: ``"linear"``, ``"search"``, ``"quantised"``, ``"pq"``, ``"opq"``,
            ``"rabitq"``, ``"eden"``, ``"turboquant"`` or ``"pca+eden"``.
        norm: Whether the length of each centred row is sent along.
        ours: Whether isthmus encodes and decodes it; else faiss does.
        bits: All bits stored per row.
        payload_bits: Bits of the code, per row.
        side_bits: Bits beside it: a norm of 16, RaBitQ's two numbers of 32.
        nmse: Held-out squared error over that of answering the training mean.
        train_nmse: The same of training rows; far below `nmse` where rows are few.
        cosine_error: Mean of 1 - cos(row, reconstruction), neither of them centred.
        recall: Share of the exact nearest neighbours of held-out rows, among the held-out
            rows, that are among as many nearest reconstructions; None if not measured.
        predicted: NMSE before anything is coded, for Gaussian rows of the training
            covariance; None where there is no formula.
        tightness: Largest share of the code that one direction takes; None where the
            prediction does not rest on it.
        trusted: Whether `predicted` deserves trust, judged by training rows alone; None
            without a prediction. See :func:`~isthmus.estimators.codec_trials.trusted`.
        few_rows: Fewer than 30 training rows per bit of a code that is learnt.
        train_seconds: To fit; of processor time on one thread, as all seconds here.
        coding_seconds: To encode and decode the held-out rows.
        encode_rate: Rows encoded per second.
        decode_rate: Rows decoded per second.
        note: What is special about it at this budget, in a few words.
        nmse_behind: NMSE minus the least of all codecs, paired row by row.
        recall_behind: Recall minus the highest of all, paired query by query; None if
            it was not measured.
    """

    label: str
    name: str
    norm: bool
    ours: bool
    bits: int
    payload_bits: int
    side_bits: int
    nmse: Measurement
    train_nmse: float
    cosine_error: Measurement
    recall: Measurement | None
    predicted: float | None
    tightness: float | None
    trusted: bool | None
    few_rows: bool
    train_seconds: float
    coding_seconds: float
    encode_rate: float
    decode_rate: float
    note: str = ""
    nmse_behind: Measurement = Measurement(0.0, 0.0, 0)
    recall_behind: Measurement | None = None


SENDS_NO_NORM = ("linear", "search", "quantised", "pq", "opq")
"""Codecs that need no norm; the others cannot decode without theirs."""


def label_of(name: str, norm: bool) -> str:
    """Name, and the norm where it is an addition.

    Examples:
        >>> label_of("pq", True), label_of("eden", True)
        ('pq + norm', 'eden')
    """
    return f"{name} + norm" if norm and name in SENDS_NO_NORM else name


@dataclasses.dataclass(frozen=True)
class Winner:
    """Who is best for one use.

    Attributes:
        label: Of the codec.
        tied: Labels of others that are within two paired standard errors of it.
    """

    label: str
    tied: tuple[str, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class CodecCurves:
    """NMSE against bits for Gaussian rows of the training covariance.

    Attributes:
        bits: Per row, ascending.
        reference: Least of a two-layer sign autoencoder with a linear decoder.
        transform_coding: Principal axes, whole bits, Lloyd-Max quantisers.
        rate_distortion: Shannon's bound.
    """

    bits: np.ndarray
    reference: np.ndarray
    transform_coding: np.ndarray
    rate_distortion: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class CodecAdvice:
    """Codecs at one budget of bits; made by :func:`isthmus.advise`.

    Attributes:
        name: Of the data.
        bits_per_dim: Bits per column that were asked for.
        budget: Bits per row, side information included; no codec takes more.
        n_input: Columns that change.
        n_train: Rows fitted on.
        n_test: Rows measured on.
        n_queries: Of these, rows whose neighbours were looked for; 0 for none.
        n_neighbours: How many of each.
        unit_norm: All rows have the same length, to a thousandth of it.
        scores: Codecs, least NMSE first.
        reconstruction: Whose reconstructions are nearest to the rows.
        search: Who finds most of the nearest neighbours; None if not measured.
        curves: What Gaussian rows would allow.
        left_out: Codecs that were not tried, with the reason, one sentence each.
        notes: What the reader must know, one sentence each.
    """

    name: str
    bits_per_dim: float
    budget: int
    n_input: int
    n_train: int
    n_test: int
    n_queries: int
    n_neighbours: int
    unit_norm: bool
    scores: tuple[CodecScore, ...]
    reconstruction: Winner
    search: Winner | None
    curves: CodecCurves
    left_out: tuple[str, ...]
    notes: tuple[str, ...]

    def score(self, label: str) -> CodecScore:
        """Of one codec, by its label.

        Raises:
            ValueOutOfRange: If it was not measured.
        """
        for one in self.scores:
            if one.label == label:
                return one
        raise ValueOutOfRange(
            f"`score(label)` must be one of {', '.join(one.label for one in self.scores)}; "
            f"got {shown(label)}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON; what is not finite becomes None."""
        plain: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name == "scores":
                value = [_finite(dataclasses.asdict(one)) for one in value]
            elif field.name == "curves":
                value = {k: v.tolist() for k, v in dataclasses.asdict(value).items()}
            elif dataclasses.is_dataclass(value) and not isinstance(value, type):
                value = dataclasses.asdict(value)
            plain[field.name] = value
        return plain


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return None if isinstance(value, float) and not np.isfinite(value) else value
