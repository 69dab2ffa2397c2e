"""What an analysis holds: plain frozen records, the same numbers on page and in JSON."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from isthmus.report.deep import Deep
from isthmus.report.dimension_records import Dimensions
from isthmus.report.tears import Tear

if TYPE_CHECKING:
    from isthmus.estimators import CodecAdvice, PenaltyComparison, Sweep


@dataclasses.dataclass(frozen=True)
class DataFacts:
    """What was read, and what it looks like.

    Attributes:
        name: Built-in name or file name without its folder.
        n_rows: Rows read.
        n_columns: Columns read.
        n_input: Columns used (constant ones are left out).
        n_train: Rows that everything was fitted on.
        n_test: Held-out rows, on which everything was measured.
        split: ``"random"``, ``"last"`` or ``"given"``.
        n_duplicate_rows: Rows that equal an earlier row.
        left_out: Names of columns left out, with the reason in brackets.
        eigenvalues: Of the training covariance, units of `scale` squared, largest
            first.
        shrinkage: Weight of the Ledoit-Wolf target in them; 0 when rows are plenty.
        n_effective: Participation ratio (sum)^2 / sum of squares of the eigenvalues.
        excess_kurtosis: Mean over columns, weighted by variance; 0 if Gaussian.
        zero_fraction: Share of training entries that are exactly zero.
        n_levels: Median over columns of the number of different values, in at most
            5000 training rows and 256 columns.
        largest_column_share: Share of the variance that the largest column holds.
        sample_shape: Shape of one sample, e.g. ``(8, 8)``; None for plain columns.
        samples: The first held-out rows, all columns, not scaled, for display.
        n_rows_dropped: Rows with missing values, left out and not counted above.
        scale: ``"none"``, ``"standard"`` or ``"log1p"``: units of the eigenvalues, and of
            every NMSE beside them.
        unit_norm: All rows, over the columns used and before scaling, have the same
            length to a thousandth of it.
        n_moment_rows: Training rows that mean and eigenvalues were taken from; 0 means
            all of `n_train`.
        n_fit_rows: Training rows that decoders were fitted on, and that kurtosis, zeros
            and levels were counted in; 0 means all of `n_train`.
    """

    name: str
    n_rows: int
    n_columns: int
    n_input: int
    n_train: int
    n_test: int
    split: str
    n_duplicate_rows: int
    left_out: tuple[str, ...]
    eigenvalues: np.ndarray
    shrinkage: float
    n_effective: float
    excess_kurtosis: float
    zero_fraction: float
    n_levels: float
    largest_column_share: float
    sample_shape: tuple[int, ...] | None
    samples: np.ndarray
    n_rows_dropped: int = 0
    scale: str = "none"
    unit_norm: bool = False
    n_moment_rows: int = 0
    n_fit_rows: int = 0


@dataclasses.dataclass(frozen=True)
class LimitCurves:
    """Distortion (NMSE) against bits, all from the training eigenvalues.

    Attributes:
        bits: Bits per vector, increasing.
        rate: The same divided by ``n_input``.
        reference: Gaussian reference of the sign autoencoder.
        status: Of the reference at each point: theorem, theorem (tied decoders), ...
        tightness: Largest share of the code that one direction takes, max gain / n_code.
        transform_coding: Eigenbasis, integer bits, Lloyd-Max quantisers, Gaussian data.
        rate_distortion: Shannon's bound for Gaussian data of this covariance.
    """

    bits: np.ndarray
    rate: np.ndarray
    reference: np.ndarray
    status: tuple[str, ...]
    tightness: np.ndarray
    transform_coding: np.ndarray
    rate_distortion: np.ndarray


@dataclasses.dataclass(frozen=True)
class Pair:
    """Difference of two NMSE on the same rows, and its paired standard error."""

    difference: float
    standard_error: float


@dataclasses.dataclass(frozen=True)
class Reached:
    """One autoencoder measured on the held-out rows.

    Attributes:
        rate: n_code / n_input.
        n_code: Code symbols per vector.
        encoder: ``"design"``, ``"random"``, ...
        decoder: What the linear decoder was: ``"population"`` or ``"least-squares"``.
        norm: ``"none"`` or ``"float16"``.
        nmse: Measured on held-out rows.
        standard_error: Of `nmse` over held-out rows.
        reference: Gaussian reference at this rate.
        status: Of the reference.
        predicted: Exact NMSE of this encoder and its best linear decoder on Gaussian
            data of the training covariance.
        transform_coding: The classical codec at equal bits, Gaussian data.
        rate_distortion: Shannon's bound at equal bits, Gaussian data.
        bits_per_vector: All bits stored per vector, side information included.
        seconds: Time to fit and measure.
        gap: Terms that add up to nmse - reference, each in NMSE: spectrum, coherence,
            decoder, shift, non_gaussianity.
        history: Exact NMSE on Gaussian data of the training covariance before training
            and after each step; empty if the encoder was not trained.
        norm_spread: The part of ``gap["non_gaussianity"]`` that varying lengths explain,
            in NMSE; None where that law does not apply.
        norm_spread_error: Its standard error.
        versus: NMSE minus that of each method measured before it at the same code length,
            with the paired standard error.
    """

    rate: float
    n_code: int
    encoder: str
    decoder: str
    norm: str
    nmse: float
    standard_error: float
    reference: float
    status: str
    predicted: float
    transform_coding: float
    rate_distortion: float
    bits_per_vector: int
    seconds: float
    gap: dict[str, float] = dataclasses.field(default_factory=dict)
    history: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))
    norm_spread: float | None = None
    norm_spread_error: float | None = None
    versus: dict[str, Pair] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Decoded:
    """The same bits, read by one decoder.

    Attributes:
        rate: n_code / n_input.
        n_code: Code symbols per vector.
        encoder: ``"random"`` or ``"design"``.
        decoder: ``"linear"``, ``"denoised"``, ``"message-passing"`` or ``"learned"``.
        norm: ``"float16"``: every row's length is sent to all of them.
        basis: Where priors of coefficients hold: ``"original"``, ``"dct"``,
            ``"principal"``; empty for the linear decoder.
        nmse: Measured on held-out rows.
        standard_error: Of `nmse` over held-out rows.
        predicted: Of the linear decoder, exact for Gaussian data of the training
            covariance, without the norm; of the others, state evolution for independent
            coefficients of the fitted priors.
        bits_per_vector: All bits stored per vector, the norm included.
        trial_nmse: On training rows set aside, by which one decoder is recommended.
        recommended: Whether it is this one.
        versus_linear: NMSE minus that of the linear decoder of the same bits, paired.
        versus_best: NMSE minus the smallest measured among all, paired.
        n_test: Held-out rows it was measured on.
        path: Measured NMSE after each of `steps`; empty if there are no steps.
        predicted_path: Of state evolution after each step from 1 on.
        steps: Steps that `path` speaks of.
    """

    rate: float
    n_code: int
    encoder: str
    decoder: str
    norm: str
    basis: str
    nmse: float
    standard_error: float
    predicted: float
    bits_per_vector: int
    trial_nmse: float
    recommended: bool
    versus_linear: Pair
    versus_best: Pair
    n_test: int
    path: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))
    predicted_path: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))
    steps: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True)
class Examples:
    """Held-out rows and what the designed autoencoder makes of them.

    Attributes:
        n_code: Code symbols per vector.
        worst: Rows of largest error, worst first, all columns, not scaled.
        worst_back: Their reconstructions.
        worst_nmse: Squared error of each over the mean energy of the held-out rows about
            the training mean; 1 is what answering the mean leaves on average.
        typical: Rows whose error is nearest to the median.
        typical_back: Their reconstructions.
        typical_nmse: As `worst_nmse`.
    """

    n_code: int
    worst: np.ndarray
    worst_back: np.ndarray
    worst_nmse: np.ndarray
    typical: np.ndarray
    typical_back: np.ndarray
    typical_nmse: np.ndarray


@dataclasses.dataclass(frozen=True)
class Sentence:
    """One sentence of the verdict and the section (its anchor) that it speaks of."""

    text: str
    section: str


@dataclasses.dataclass(frozen=True)
class Method:
    """How the numbers came about.

    Attributes:
        command: The command line that makes this analysis again.
        seed: Seed of every draw.
        versions: Package -> version.
        timings: Step -> seconds.
        created: UTC time, ISO 8601.
    """

    command: str
    seed: int
    versions: dict[str, str]
    timings: dict[str, float]
    created: str


@dataclasses.dataclass(frozen=True)
class Analysis:
    """Everything that `isthmus report` shows; made by :func:`isthmus.analyse`.

    Attributes:
        data: What was read.
        limits: Curves over bits.
        reached: One entry per rate and encoder.
        verdict: Sentences.
        warnings: What the reader must know.
        method: How the numbers came about.
        examples: Held-out rows and their reconstructions; None if nothing was fitted.
        left_out: What the budget had no time for, one sentence each.
        decoders: The same bits read by several decoders; empty if none were compared.
        no_decoders: Why none were compared, or which encoder was left out.
        dimensions: How many latent dimensions the rows need.
        no_dimensions: Why that is not told.
        tear: Errors of principal components between rows.
        sweep: Errors of deep autoencoders against the latent dimension.
        no_sweep: Why there are none.
        deep: A deep autoencoder on rows that it did not see.
        no_deep: Why none was trained.
        penalties: Penalties compared on the rows; None if nobody asked.
        no_penalties: Which were left out, or why all were.
        advice: Codecs compared at numbers of bits; empty if nobody asked.
        no_advice: Why none or not all were.
    """

    data: DataFacts
    limits: LimitCurves
    reached: tuple[Reached, ...]
    verdict: tuple[Sentence, ...]
    warnings: tuple[str, ...]
    method: Method
    examples: Examples | None = None
    left_out: tuple[str, ...] = ()
    decoders: tuple[Decoded, ...] = ()
    no_decoders: str = ""
    dimensions: Dimensions | None = None
    no_dimensions: str = ""
    tear: Tear | None = None
    sweep: Sweep | None = None
    no_sweep: str = ""
    deep: Deep | None = None
    no_deep: str = ""
    penalties: PenaltyComparison | None = None
    no_penalties: str = ""
    advice: tuple[CodecAdvice, ...] = ()
    no_advice: str = ""

    def to_dict(self) -> dict[str, Any]:
        """All numbers as plain Python, keys as in the attributes; JSON takes it."""
        plain: dict[str, Any] = to_plain(self)
        return plain


def to_plain(value: Any) -> Any:
    """Turn records, arrays and NumPy numbers into what JSON takes."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: to_plain(getattr(value, field.name))
            for field in dataclasses.fields(value)
        }
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return to_plain(value.tolist())
    if isinstance(value, np.generic):
        return to_plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
