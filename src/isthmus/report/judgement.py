"""The verdict: plain sentences, each with its number; thresholds are in one table."""

from __future__ import annotations

import math
from collections.abc import Sequence

from isthmus.report.comparison import (
    TRANSFORM_CODING,
    Choice,
    Difference,
    choose,
    codec_name,
    nearest_to_one_bit,
)
from isthmus.report.reasons import about_gap, why_below
from isthmus.report.records import DataFacts, Reached, Sentence
from isthmus.report.style import count, number, percent, with_error
from isthmus.report.thresholds import TIE

MOST_SENTENCES, MOST_RATES = 6, 3


def judge(facts: DataFacts, reached: Sequence[Reached]) -> tuple[Sentence, ...]:
    """Three to six sentences that hold for exactly these numbers.

    Args:
        facts: Of the data.
        reached: What was measured, designed encoders among them.

    Returns:
        Sentences with the section each speaks of.
    """
    designed = [row for row in reached if row.encoder == "design"]
    if not designed:
        return (_about_data(facts),)
    near = min(designed, key=lambda row: abs(row.rate - 1.0))
    others = []
    gap = about_gap(facts, near)
    if gap is not None:
        others.append(Sentence(gap, "reached"))
    below = [row for row in designed if _z(row) < -TIE.value]
    if below:
        others.append(Sentence(why_below(facts, below), "data"))
    others.append(_about_codec(near, nearest_to_one_bit(reached)))
    told = _chosen(designed, near, MOST_SENTENCES - 1 - len(others))
    rates = [Sentence(_about_rate(row), "reached") for row in told]
    return (_about_data(facts), *rates, *others)


def _chosen(designed: Sequence[Reached], near: Reached, at_most: int) -> list[Reached]:
    """The rate nearest to 1, then the lowest, the highest and others; in order."""
    wanted = (near, designed[0], designed[-1], *designed)
    codes = list(dict.fromkeys(row.n_code for row in wanted))[: min(at_most, MOST_RATES)]
    return [row for row in designed if row.n_code in codes]


def _z(row: Reached) -> float:
    if not row.standard_error > 0:
        return 0.0
    return (row.nmse - row.reference) / row.standard_error


def _about_data(facts: DataFacts) -> Sentence:
    return Sentence(
        f"{facts.name} has {count(facts.n_rows)} rows and {count(facts.n_input)} columns "
        f"that change; its variance is spread as over {number(facts.n_effective)} equally "
        "strong directions.",
        "data",
    )


def _about_rate(row: Reached) -> str:
    start = (
        f"At {number(row.rate)} bits per column ({count(row.n_code)} per vector) the "
        f"designed sign autoencoder leaves {with_error(row.nmse, row.standard_error)} of "
        "the variance on held-out rows"
    )
    reference = number(row.reference)
    z = _z(row)
    if z < -TIE.value:
        share = percent(1.0 - row.nmse / row.reference)
        return (
            f"{start}: {share} below the Gaussian reference {reference}, "
            f"{abs(z):.1f} standard errors."
        )
    if z <= TIE.value:
        return f"{start}: at the Gaussian reference {reference} within two standard errors."
    share = percent(row.nmse / row.reference - 1.0)
    return (
        f"{start}: {share} above the Gaussian reference {reference}, {z:.1f} standard "
        f"errors; on Gaussian data of the same covariance this encoder would leave "
        f"{number(row.predicted)}."
    )


def _about_codec(designed: Reached, rows: Sequence[Reached]) -> Sentence:
    """Which codec to use; without a measured classic, what is predicted for it."""
    choice = choose(rows)
    if choice is None or all(row.encoder != TRANSFORM_CODING for row in rows):
        return Sentence(_about_prediction(designed, rows), "limits")
    start = f"At {number(choice.winner.rate)} bits per column"
    bits = f"{count(choice.winner.bits_per_vector)} bits per vector, all counted"
    said = _about_tie(choice) if choice.certainty == "tie" else _about_winner(choice)
    return Sentence(f"{start} ({bits}) {said}", "reached")


def _about_winner(choice: Choice) -> str:
    winner, second, lead = choice.winner, choice.second, choice.lead
    more = ""
    if second.bits_per_vector != winner.bits_per_vector:
        more = f" with {count(second.bits_per_vector)} bits"
    least = "" if lead.exact else "at least "
    sure = "clear" if choice.certainty == "clear" else "likely, but not certain"
    return (
        f"use {codec_name(winner.encoder)}: it leaves {_measured(winner)} on held-out "
        f"rows, {_unsigned(lead)} less than the next best, "
        f"{codec_name(second.encoder)}{more}. That is "
        f"{least}{lead.z:.1f} standard errors: {sure}."
    )


def _about_tie(choice: Choice) -> str:
    named = [f"{codec_name(row.encoder)} ({_measured(row)})" for row in choice.tied]
    names = f"{', '.join(named[:-1])} and {named[-1]}"
    lead = choice.lead
    least = "" if lead.exact else "at least "
    z = f", {least}{lead.z:.1f} standard errors" if math.isfinite(lead.z) else ""
    return (
        f"no codec wins: {names} tie within two standard errors, so any of them will do; "
        f"the best two differ by {_unsigned(lead)}{z}."
    )


def _unsigned(lead: Difference) -> str:
    """Write a lead, which is not negative, with two digits of its error."""
    return with_error(lead.value, lead.standard_error, signed=True).removeprefix("+")


def _about_prediction(row: Reached, rows: Sequence[Reached]) -> str:
    coding = row.transform_coding
    at = f"At {count(row.n_code)} bits per vector"
    if coding < row.nmse - TIE.value * row.standard_error:
        text = (
            f"{at}, transform coding is predicted to do better: {number(coding)} "
            f"on Gaussian data of this covariance, against {number(row.nmse)} "
            "measured here; the prediction was not measured on these data."
        )
    elif coding <= row.nmse + TIE.value * row.standard_error:
        text = (
            f"{at}, transform coding is predicted to do as well: {number(coding)} on "
            "Gaussian data of this covariance."
        )
    else:
        text = (
            f"{at}, transform coding is predicted to do worse: {number(coding)} on "
            "Gaussian data of this covariance."
        )
    random = [other for other in rows if other.encoder == "random"]
    if random:
        text += f" A random rotation with signs leaves {_measured(random[0])}."
    return text


def _measured(row: Reached) -> str:
    return with_error(row.nmse, row.standard_error)
