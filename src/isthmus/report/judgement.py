"""The verdict: plain sentences, each with its number; thresholds are in one table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from isthmus.report.advice_words import about_advice
from isthmus.report.comparison import (
    SEARCH,
    TRANSFORM_CODING,
    Choice,
    Difference,
    choose,
    codec_name,
    nearest_to_one_bit,
)
from isthmus.report.dimension_records import Dimensions
from isthmus.report.dimension_words import about_dimensions
from isthmus.report.reasons import about_decoder, about_gap, why_below
from isthmus.report.records import DataFacts, Decoded, Reached, Sentence
from isthmus.report.style import count, number, percent, with_error
from isthmus.report.thresholds import TIE

if TYPE_CHECKING:
    from isthmus.estimators import CodecAdvice

MOST_RATES = 3
MOST_SENTENCES = 6
_FAR_ABOVE = 2.0


def judge(
    facts: DataFacts,
    reached: Sequence[Reached],
    decoders: Sequence[Decoded] = (),
    dimensions: Dimensions | None = None,
    advice: Sequence[CodecAdvice] = (),
) -> tuple[Sentence, ...]:
    """Three to six sentences that hold for exactly these numbers.

    Args:
        facts: Of the data.
        reached: What was measured, designed encoders among them.
        decoders: The same bits read by several decoders.
        dimensions: How many latent dimensions the rows need.
        advice: Codecs compared at numbers of bits.

    Returns:
        Sentences with the section each speaks of: the data, the dimensions, the codec to
        use, what the autoencoder leaves, and why that is not the reference.
    """
    said = _with_advice(_judge(facts, reached, decoders), advice)
    if dimensions is None:
        return said
    added = Sentence(about_dimensions(dimensions), "dimensions")
    if len(said) < MOST_SENTENCES:
        return (said[0], added, *said[1:])
    both = Sentence(f"{said[0].text} {added.text}", "dimensions")
    return (both, *said[1:])


def _with_advice(
    said: tuple[Sentence, ...], advice: Sequence[CodecAdvice]
) -> tuple[Sentence, ...]:
    """The same with the codecs to use; in place of the choice made without them."""
    if not advice:
        return said
    near = min(advice, key=lambda one: abs(one.bits_per_dim - 1.0))
    told = Sentence(about_advice(near), "reached")
    return (said[0], told, *said[2:])


def _judge(
    facts: DataFacts, reached: Sequence[Reached], decoders: Sequence[Decoded]
) -> tuple[Sentence, ...]:
    designed = [row for row in reached if row.encoder == "design"]
    if not designed:
        return (_about_data(facts),)
    near = min(designed, key=lambda row: abs(row.rate - 1.0))
    there = [row for row in reached if row.n_code == near.n_code]
    sentences = [
        _about_data(facts),
        _about_codec(facts, near, reached),
        Sentence(_about_rates(_chosen(designed, near)), "reached"),
    ]
    decoder = about_decoder(decoders, reached)
    if decoder is not None:
        sentences.append(Sentence(decoder, "decoder"))
    gap = about_gap(facts, near, there)
    if gap is not None:
        sentences.append(Sentence(gap, "reached"))
    below = [row for row in designed if _z(row) < -TIE.value]
    if below:
        sentences.append(Sentence(why_below(facts, below), "data"))
    return tuple(sentences)


def _chosen(designed: Sequence[Reached], near: Reached) -> list[Reached]:
    """The rate nearest to 1, then the lowest, the highest and others; in order."""
    wanted = (near, designed[0], designed[-1], *designed)
    codes = list(dict.fromkeys(row.n_code for row in wanted))[:MOST_RATES]
    return [row for row in designed if row.n_code in codes]


def _z(row: Reached) -> float:
    if not row.standard_error > 0:
        return 0.0
    return (row.nmse - row.reference) / row.standard_error


def _about_data(facts: DataFacts) -> Sentence:
    lengths = "; all rows have the same norm" if facts.unit_norm else ""
    return Sentence(
        f"{facts.name} has {count(facts.n_rows)} rows and {count(facts.n_input)} columns "
        f"that change{lengths}; its variance is spread as over "
        f"{number(facts.n_effective)} equally strong directions.",
        "data",
    )


def _about_rates(rows: Sequence[Reached]) -> str:
    first, *others = rows
    clauses = [
        f"{_measured(first)} of the variance at {number(first.rate)} bits per column "
        f"({count(first.n_code)} per vector), {_beside(first, 'the Gaussian reference')}"
    ]
    clauses += [
        f"{_measured(row)} at {number(row.rate)} ({count(row.n_code)}), "
        f"{_beside(row, 'the reference')}"
        for row in others
    ]
    told = "; ".join(clauses)
    return f"On held-out rows the designed sign autoencoder leaves {told}."


def _beside(row: Reached, name: str) -> str:
    """Say where a measurement lies: below, at or above the reference of that name."""
    reference, z = f"{name} {number(row.reference)}", _z(row)
    errors = f"({abs(z):.1f} standard errors)"
    if abs(z) <= TIE.value:
        return f"at {reference} within two standard errors"
    ratio = row.nmse / row.reference
    if ratio > _FAR_ABOVE:
        return f"{number(ratio)} times {reference} {errors}"
    side = "below" if z < 0 else "above"
    return f"{percent(abs(ratio - 1.0))} {side} {reference} {errors}"


def _about_codec(
    facts: DataFacts, designed: Reached, reached: Sequence[Reached]
) -> Sentence:
    """Which codec to use; without a measured classic, what is predicted for it."""
    rows = nearest_to_one_bit(reached)
    choice = choose(rows)
    if choice is None or all(row.encoder != TRANSFORM_CODING for row in rows):
        return Sentence(_about_prediction(designed, rows), "limits")
    start = f"At {number(choice.winner.rate)} bits per column"
    size = choice.winner.bits_per_vector
    bytes_ = f"{count(-(-size // 8))} bytes" if size > 8 else "1 byte"
    unit = "bit" if size == 1 else "bits"
    bits = f"{count(size)} {unit} = {bytes_} per vector, all counted"
    if choice.certainty == "tie":
        said = _about_tie(choice, facts.n_test)
    else:
        said = _about_winner(choice) + _elsewhere(choice, reached)
    return Sentence(f"{start} ({bits}) {said}", "reached")


def _elsewhere(choice: Choice, reached: Sequence[Reached]) -> str:
    """Say how the winner does at the other rates where it can be compared."""
    wins: list[str] = []
    ties: list[str] = []
    losses: list[str] = []
    for code in sorted({row.n_code for row in reached} - {choice.winner.n_code}):
        other = choose([row for row in reached if row.n_code == code])
        if other is None or choice.winner.encoder not in _encoders(reached, code):
            continue
        rate = number(other.winner.rate)
        if choice.winner.encoder not in [row.encoder for row in other.tied]:
            losses.append(f"{rate} ({codec_name(other.winner.encoder)} is)")
        else:
            (wins if len(other.tied) == 1 else ties).append(rate)
    told = (("is also best", wins), ("ties for best", ties), ("is not best", losses))
    parts = [f"{what} at {_listed(rates)}" for what, rates in told if rates]
    return f" It {_listed(parts)} bits per column." if parts else ""


def _encoders(reached: Sequence[Reached], code: int) -> set[str]:
    return {row.encoder for row in reached if row.n_code == code}


def _listed(words: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)


def _about_winner(choice: Choice) -> str:
    winner, second, lead = choice.winner, choice.second, choice.lead
    more = ""
    if second.bits_per_vector != winner.bits_per_vector:
        more = f" with {count(second.bits_per_vector)} bits"
    how = " (encoder search, decoder columns)" if winner.encoder == SEARCH else ""
    least = "" if lead.exact else "at least "
    sure = "clear" if choice.certainty == "clear" else "likely, but not certain"
    return (
        f"use {codec_name(winner.encoder)}{how}: it leaves {_measured(winner)} of the "
        f"variance on held-out rows, {_unsigned(lead)} less than the next best, "
        f"{codec_name(second.encoder)}{more}. That is "
        f"{least}{in_errors_said(lead.z)}: {sure}."
    )


def _about_tie(choice: Choice, n_test: int) -> str:
    named = [f"{codec_name(row.encoder)} ({_measured(row)})" for row in choice.tied]
    lead = choice.lead
    least = "" if lead.exact else "at least "
    apart = "."
    if math.isfinite(lead.z):
        apart = f"; the best two differ by {_unsigned(lead)}, {least}"
        apart += f"{in_errors_said(lead.z)}."
    return (
        f"no codec wins: {_listed(named)} tie within two standard errors on "
        f"{count(n_test)} held-out rows, so let cost decide, or more rows{apart}"
    )


def in_errors_said(z: float) -> str:
    """A difference in standard errors, for a sentence.

    Examples:
        >>> in_errors_said(12.34), in_errors_said(1e9)
        ('12.3 standard errors', 'more than 1,000 standard errors')
    """
    return "more than 1,000 standard errors" if z > 1000 else f"{z:.1f} standard errors"


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
