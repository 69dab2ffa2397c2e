"""What a deep autoencoder, or any module of torch, does off its training rows."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import numpy as np

from isthmus.core.errors import DataError, DataWarning, SearchWarning
from isthmus.core.protocol import measure
from isthmus.core.random import as_rng, random_subset
from isthmus.data import Dataset
from isthmus.report.generalising import Part, Regions, Slopes, look_into
from isthmus.report.generators import GeneratorFacts, generator_facts
from isthmus.report.halves import Halves, halves_of
from isthmus.report.records import to_plain
from isthmus.report.rows import Reading

MOST_SPLIT, MOST_HUNTED, MOST_TRAIN = 1000, 1000, 20_000
_DIMENSION_ROWS = 2000


@dataclasses.dataclass(frozen=True)
class Folds:
    """Distances between rows and their reconstructions, input units.

    Attributes:
        n_rows: Different rows looked at and between.
        median: Median error.
        max_at_rows: Largest error at a row.
        max_error: Largest found at or between near rows.
    """

    n_rows: int
    median: float
    max_at_rows: float
    max_error: float


@dataclasses.dataclass(frozen=True)
class DeepDiagnosis:
    """An autoencoder on rows it has not seen.

    Attributes:
        n_code: Latent dimensions.
        nmse: Measured.
        standard_error: Of `nmse` over the rows.
        n_rows: Rows measured on.
        train: NMSE of the training rows; None where none were given, as for what follows.
        principal: NMSE of as many principal components of the training rows.
        n_split: Rows of the split.
        manifold_gap: NMSE of the nearest point found on the decoder's image.
        encoder_gap: The rest of their NMSE.
        regions: Shares of rows in regions that hold a training row; empty where the
            networks are not piecewise affine.
        slopes: Against local tangents.
        folds: Errors between the rows; None of rows that are too few or not flat.
        verdict: Sentences.
        generators: What the generators of its penalty explain; None without any.
    """

    n_code: int
    nmse: float
    standard_error: float
    n_rows: int
    train: Part | None
    principal: Part | None
    n_split: int
    manifold_gap: Part
    encoder_gap: Part
    regions: tuple[Regions, ...]
    slopes: Slopes | None
    folds: Folds | None
    verdict: tuple[str, ...]
    generators: GeneratorFacts | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain Python; JSON takes it."""
        plain: dict[str, Any] = to_plain(self)
        return plain


def diagnose_deep(
    model: Any,
    data: object,
    *,
    train: object | None = None,
    bottleneck: str | None = None,
    reading: Reading | None = None,
    known_generators: Any = None,
    seed: int = 0,
) -> DeepDiagnosis:
    """Split what an autoencoder loses on new rows; hunt its worst place between them.

    Args:
        model: Fitted :class:`isthmus.DeepAutoencoder`, pair of modules, or one module.
        data: Rows it has not seen: array, path or built-in name.
        train: Its training rows in the same form; without them nothing is compared with
            what it saw, and the nearest points are searched for from the rows' codes alone.
        bottleneck: Path of the layer whose answer is the code, in one module.
        reading: Which columns to read.
        known_generators: Matrices to compare those of its penalty with.
        seed: Of the rows chosen where there are many.

    Returns:
        The diagnosis.

    Raises:
        DataError: If columns disagree, or the rows do not differ.
        ValueOutOfRange: If the model cannot be used.
    """
    reading = reading or Reading()
    first = reading.load(data)
    halves = halves_of(model, bottleneck, first.values.shape[1])
    new = _rows(first, halves)
    old = None if train is None else _rows(reading.load(train), halves)
    mean = (new if old is None else old).mean(axis=0)
    if halves.mean is not None:
        mean = halves.mean
    some = some_rows(new, MOST_SPLIT, seed)
    seen = some if old is None else some_rows(old, MOST_TRAIN, seed)
    looked = look_into(
        halves.encoder,
        halves.decoder,
        halves.inside(seen),
        halves.inside(some),
        dim=_dimension(seen),
        unit=halves.scale,
    )
    n_code = looked.pop("n_code")
    measured = measure(new, halves.reconstruct(new), mean)
    if old is None:  # the rows are no training rows of theirs
        looked |= {"regions": (), "slopes": None}
    seen_part = None
    if old is not None:
        found = measure(seen, halves.reconstruct(seen), mean)
        seen_part = Part(found.value, found.standard_error)
    principal = None if old is None else _principal(seen, new, mean, n_code)
    folds = _folds(halves, some_rows(new, MOST_HUNTED, seed))
    parts = {"train": seen_part, "principal": principal, "folds": folds, **looked}
    return DeepDiagnosis(
        n_code=n_code,
        nmse=measured.value,
        standard_error=measured.standard_error,
        n_rows=measured.n_rows,
        n_split=len(some),
        verdict=_verdict(Part(measured.value, measured.standard_error), parts),
        generators=generator_facts(
            model, halves.inside(some), known=known_generators, seed=seed
        ),
        **parts,
    )


def _rows(dataset: Dataset, halves: Halves) -> np.ndarray:
    rows = np.asarray(dataset.values, dtype=np.float64)
    if halves.mean is not None and rows.shape[1] != halves.mean.size:
        raise DataError(
            f"`{dataset.name}` must have the {halves.mean.size} columns that the model was "
            f"fitted on; got {rows.shape[1]}."
        )
    return rows


def some_rows(rows: np.ndarray, count: int, seed: int) -> np.ndarray:
    """At most so many rows, in their order."""
    chosen = random_subset(as_rng(seed), len(rows), min(len(rows), count))
    return np.asarray(rows[np.sort(chosen)])


def _dimension(rows: np.ndarray) -> int:
    """Intrinsic dimension; 1 where it cannot be told."""
    from isthmus.topology import intrinsic_dimension

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        try:
            return intrinsic_dimension(some_rows(rows, _DIMENSION_ROWS, 0)).dimension
        except DataError:
            return 1


def _principal(old: np.ndarray, new: np.ndarray, mean: np.ndarray, n_code: int) -> Part:
    from isthmus.data import Principal

    basis = Principal.from_rows(old).basis[:, :n_code]
    centred = new - mean
    found = measure(new, mean + (centred @ basis) @ basis.T, mean)
    return Part(found.value, found.standard_error)


def _folds(halves: Halves, rows: np.ndarray) -> Folds | None:
    from isthmus.topology import fold_report

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SearchWarning)
        try:
            found = fold_report(halves.reconstruct, rows, encode=halves.encode)
        except DataError:
            return None
    return Folds(len(rows), found.median, found.max_at_samples, found.max_error)


def _verdict(own: Part, parts: dict[str, Any]) -> tuple[str, ...]:
    train, principal, folds = parts["train"], parts["principal"], parts["folds"]
    said = []
    if train is not None and train.nmse > 0:
        times = own.nmse / train.nmse
        said.append(
            f"{times:.3g} times the error of the training rows: "
            + ("it does not hold off them." if times > 2.0 else "it holds off them.")
        )
    if principal is not None and principal.nmse < own.nmse - 2.0 * own.standard_error:
        said.append(
            "As many principal components do better: the network has learnt less than a "
            "linear map could, or has overfitted."
        )
    whole = parts["manifold_gap"].nmse + parts["encoder_gap"].nmse
    share = parts["encoder_gap"].nmse / whole if whole > 0 else 0.0
    said.append(
        f"{share:.0%} of the error, at least, is the encoder's: other codes would have "
        "saved it."
        if share >= 0.2
        else f"{1 - share:.0%} of the error is out of the decoder's reach: no encoder "
        "saves more than the rest, as far as was found."
    )
    if folds is not None and folds.max_error > 2.0 * folds.max_at_rows:
        said.append(
            f"Between near rows the error reaches {folds.max_error:.3g}, "
            f"{folds.max_error / folds.max_at_rows:.3g} times the worst at a row: a tear."
        )
    return tuple(said)
