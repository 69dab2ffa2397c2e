"""Rows of the study of penalties: series of the UCR archive, and a few images."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
from jaxtyping import Float

from isthmus.core.errors import DataWarning
from isthmus.core.protocol import hold_out
from isthmus.core.random import as_rng, random_subset
from isthmus.data import checked
from isthmus.data.builtin import archive_of
from isthmus.data.columns import ALL

SETS = (
    "ucr/CBF",
    "ucr/Trace",
    "ucr/Wine",
    "ucr/ShapesAll",
    "ucr/WordSynonyms",
    "ucr/Haptics",
    "ucr/FaceFour",
    "ucr/SyntheticControl",
    "ucr/ECG200",
    "ucr/GunPoint",
    "mnist",
    "fashion-mnist",
)
MOST_TRAIN, MOST_IMAGES, MOST_TEST = 1000, 500, 1000

Rows = Float[np.ndarray, "sample input"]


@dataclasses.dataclass(frozen=True, eq=False)
class Samples:
    """A data set with the test rows that its makers set apart.

    Attributes:
        name: What it is called.
        train: Rows to fit on and to choose by.
        test: Rows that nothing is chosen by.
    """

    name: str
    train: Rows
    test: Rows


@dataclasses.dataclass(frozen=True, eq=False)
class Scaled:
    """Rows about the mean of the fitted ones, over their root mean square entry.

    A mean squared error per coordinate in this unit is, on the fitted rows, an NMSE.

    Attributes:
        fit: To fit on.
        validation: Others of the training rows, to choose by.
        test: None where a choice is made.
    """

    fit: Rows
    validation: Rows
    test: Rows | None


def read(name: str) -> Samples:
    """Read a set from $ISTHMUS_DATA; of large ones a fixed random part.

    Args:
        name: ``"ucr/<Name>"``, ``"mnist"`` or ``"fashion-mnist"``.

    Returns:
        At most 1000 training rows (500 images) and 1000 test rows.

    Raises:
        DataNotFound: If there is no such file or set.
    """
    archive = archive_of(name)
    most = MOST_TRAIN if name.startswith("ucr/") else MOST_IMAGES
    other = dataclasses.replace(archive, key=(archive.key or "").replace("train", "test"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # grey levels become floats
        parts = [each.read(name, ALL).values for each in (archive, other)]
    train, test = (
        part[np.sort(random_subset(as_rng(0), len(part), count))].astype(np.float32)
        for part, count in zip(parts, (most, MOST_TEST), strict=True)
    )
    return Samples(name.removeprefix("ucr/"), train, test)


def given(source: str | Samples) -> Samples:
    """A set by name, or the rows that were given, checked.

    Examples:
        >>> given(Samples("noise", np.ones((12, 2)), np.ones((10, 2)))).name
        'noise'
    """
    if isinstance(source, str):
        return read(source)
    train = checked(f"{source.name}, train", source.train).values
    return Samples(source.name, train, checked(f"{source.name}, test", source.test).values)


def scaled(train: Rows, test: Rows | None, seed: int, share: float) -> Scaled:
    """Split the training rows, and measure everything in the unit of the fitted ones.

    Args:
        train: Training rows.
        test: Test rows, or None.
        seed: Of the split.
        share: Of the training rows to hold out for validation.

    Returns:
        The three parts, float32.

    Examples:
        >>> rows = np.random.default_rng(0).normal(3.0, 2.0, (40, 5))
        >>> parts = scaled(rows, None, seed=0, share=0.25)
        >>> parts.fit.shape, parts.validation.shape, round(float(parts.fit.std()), 3)
        ((30, 5), (10, 5), 1.0)
    """
    held = hold_out(train, rng=as_rng(seed), n_test=round(share * len(train)))
    fit = train[held.train].astype(float)
    mean = fit.mean(axis=0)
    unit = float(np.sqrt(np.square(fit - mean).mean()))

    def in_unit(rows: Rows) -> Rows:
        return np.asarray((rows - mean) / unit, dtype=np.float32)

    return Scaled(
        in_unit(fit),
        in_unit(train[held.test]),
        None if test is None else in_unit(test),
    )
