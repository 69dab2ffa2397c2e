"""The one table of thresholds that turns numbers into sentences."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Threshold:
    """A number at which a sentence changes.

    Attributes:
        name: In plain words, for the page.
        value: The number.
        meaning: Its unit and what it decides.
    """

    name: str
    value: float
    meaning: str


TIE = Threshold(
    "Tie",
    2.0,
    "standard errors: a difference up to this is called a tie, and an error this near to "
    "the reference is called at it",
)
CLEAR = Threshold(
    "Clear",
    4.0,
    "standard errors: a difference above this is called clear, one between a tie and "
    "this is called likely",
)
DOMINATES = Threshold(
    "Dominating term",
    0.5,
    "of the largest term of the gap, sign left aside: terms at least this large are named",
)
MAINLY = Threshold(
    "Main part",
    0.5,
    "of the difference to the reference: it comes mainly from terms that make up so much",
)
LARGER_PART = Threshold(
    "Norm spread",
    0.5,
    "of non-Gaussianity: above this, varying lengths are named as its larger part",
)
ROWS_PER_SYMBOL = Threshold(
    "Rows per code symbol",
    20,
    "rows that a decoder was fitted on, per code symbol: below this more rows are advised",
)
MANY_ZEROS = Threshold(
    "Many zeros", 0.2, "share of the entries that are exactly zero: more are a trait"
)
FEW_LEVELS = Threshold(
    "Few levels", 32, "different values in the median column: up to this is a trait"
)
HEAVY_TAILS = Threshold("Heavy tails", 1.0, "excess kurtosis: above this is a trait")
LIGHT_TAILS = Threshold("Light tails", -0.5, "excess kurtosis: below this is a trait")
ROWS_BEHIND_A_TRAIT = Threshold(
    "Rows behind a trait",
    100,
    "rows: levels and kurtosis of fewer say nothing, since a column of few rows has few "
    "values",
)
ROUGH = Threshold(
    "Rough reference",
    0.1,
    "weight of the shrinkage: above this an error below the reference is put down to "
    "few training rows",
)
NORM_SHARE = Threshold(
    "Price of a norm",
    0.25,
    "of the code: the 16 bits of a norm are advised up to this share",
)
WORTH_A_DECODER = Threshold(
    "Worth a decoder",
    0.05,
    "of the linear decoder's error: one that is not linear is named where it saves more",
)
NEAR_GAUSSIAN = Threshold(
    "Close to a Gaussian", 0.3, "excess kurtosis: up to this on either side of 0"
)

TABLE = (
    TIE,
    CLEAR,
    DOMINATES,
    MAINLY,
    LARGER_PART,
    ROWS_PER_SYMBOL,
    MANY_ZEROS,
    FEW_LEVELS,
    HEAVY_TAILS,
    LIGHT_TAILS,
    ROWS_BEHIND_A_TRAIT,
    ROUGH,
    NORM_SHARE,
    WORTH_A_DECODER,
    NEAR_GAUSSIAN,
)
