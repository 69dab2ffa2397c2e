"""Which codec has the smallest error at one code length, and how sure that is."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from isthmus.report.records import Reached
from isthmus.report.thresholds import CLEAR, TIE

TRANSFORM_CODING = "transform-coding"
SEARCH = "search"
_NAMES = {
    "design": "the designed sign autoencoder",
    "descent": "the sign autoencoder trained by descent",
    "random": "a random rotation with signs",
    "search": "the searched sign code",
    "itq": "a learnt rotation with signs",
    TRANSFORM_CODING: "transform coding",
}


@dataclasses.dataclass(frozen=True)
class Difference:
    """A difference of two NMSE measured on the same rows.

    Attributes:
        value: First minus second.
        standard_error: Paired where it is known, else the largest that it can be.
        exact: Whether it is known.
    """

    value: float
    standard_error: float
    exact: bool

    @property
    def z(self) -> float:
        """Value in standard errors; nan where the error is not known."""
        if not self.standard_error > 0:
            return math.nan
        return self.value / self.standard_error


@dataclasses.dataclass(frozen=True)
class Choice:
    """The codec to use at one code length.

    Attributes:
        winner: Smallest error on the held-out rows.
        second: Next smallest.
        lead: Error of the second minus that of the winner.
        tied: All that the measurement cannot tell from the winner, best first, itself
            among them.
    """

    winner: Reached
    second: Reached
    lead: Difference
    tied: tuple[Reached, ...]

    @property
    def certainty(self) -> str:
        """``"tie"``, ``"likely"`` or ``"clear"``."""
        if len(self.tied) > 1:
            return "tie"
        return "clear" if self.lead.z > CLEAR.value else "likely"


def codec_name(encoder: str) -> str:
    """What an encoder is called in a sentence.

    Examples:
        >>> codec_name("transform-coding"), codec_name("search")
        ('transform coding', 'the searched sign code')
    """
    return _NAMES.get(encoder, f"the encoder {encoder}")


def has_reference(row: Reached) -> bool:
    """Whether the Gaussian reference speaks of this codec: signs of a linear map."""
    return row.encoder not in (TRANSFORM_CODING, SEARCH)


def nearest_to_one_bit(reached: Sequence[Reached]) -> tuple[Reached, ...]:
    """Everything measured at the code length nearest to one symbol per column.

    Code lengths at which the designed autoencoder was measured come first: at others there
    is nothing to compare with.
    """
    compared = [row for row in reached if row.encoder == "design"] or reached
    if not compared:
        return ()
    n_code = min(compared, key=lambda row: abs(row.rate - 1.0)).n_code
    return tuple(row for row in reached if row.n_code == n_code)


def difference(first: Reached, second: Reached) -> Difference:
    """Error of one codec minus that of another, on the same held-out rows.

    Args:
        first: Measured at some code length.
        second: Measured at the same.

    Returns:
        The difference with its paired standard error; where the two were not paired, the
        sum of their own, which is the largest that it can be.
    """
    value = first.nmse - second.nmse
    pair = first.versus.get(second.encoder) or second.versus.get(first.encoder)
    if pair is None:
        return Difference(value, first.standard_error + second.standard_error, False)
    return Difference(value, pair.standard_error, True)


def choose(rows: Sequence[Reached]) -> Choice | None:
    """Compare all codecs measured at one code length.

    Args:
        rows: Measured there.

    Returns:
        The choice; None where fewer than two were measured.
    """
    if len(rows) < 2:
        return None
    order = sorted(rows, key=lambda row: row.nmse)
    winner, second = order[:2]
    tied = [row for row in order[1:] if not difference(row, winner).z > TIE.value]
    return Choice(winner, second, difference(second, winner), (winner, *tied))
