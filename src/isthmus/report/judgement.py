"""The verdict: plain sentences, each with its number, from one table of thresholds."""

from __future__ import annotations

from collections.abc import Sequence

from isthmus.report.records import DataFacts, Reached, Sentence
from isthmus.report.style import count, number, percent, with_error

TWO_STANDARD_ERRORS = 2.0
MANY_ZEROS = 0.2
FEW_LEVELS = 32
HEAVY_TAILS = 1.0
LIGHT_TAILS = -0.5


def judge(facts: DataFacts, reached: Sequence[Reached]) -> tuple[Sentence, ...]:
    """Three to six sentences that hold for exactly these numbers.

    Args:
        facts: Of the data.
        reached: What was measured, designed encoders among them.

    Returns:
        Sentences with the section each speaks of.
    """
    designed = [row for row in reached if row.encoder == "design"]
    told = _chosen(designed)
    sentences = [_about_data(facts)]
    sentences += [Sentence(_about_rate(row), "reached") for row in told]
    below = [row for row in designed if _z(row) < -TWO_STANDARD_ERRORS]
    if below:
        sentences.append(Sentence(_why_below(facts, below), "data"))
    sentences.append(_about_alternatives(designed, reached))
    return tuple(sentences)


def _chosen(designed: Sequence[Reached]) -> list[Reached]:
    """At most three rates: the lowest, the one nearest to 1, the highest."""
    if len(designed) <= 3:
        return list(designed)
    near = min(designed[1:-1], key=lambda row: abs(row.rate - 1.0))
    return [designed[0], near, designed[-1]]


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
    if z < -TWO_STANDARD_ERRORS:
        share = percent(1.0 - row.nmse / row.reference)
        return (
            f"{start}: {share} below the Gaussian reference {reference}, "
            f"{abs(z):.1f} standard errors."
        )
    if z <= TWO_STANDARD_ERRORS:
        return f"{start}: at the Gaussian reference {reference} within two standard errors."
    share = percent(row.nmse / row.reference - 1.0)
    return (
        f"{start}: {share} above the Gaussian reference {reference}; on Gaussian data of "
        f"the same covariance this encoder would leave {number(row.predicted)}."
    )


def _why_below(facts: DataFacts, below: Sequence[Reached]) -> str:
    traits = []
    if facts.zero_fraction > MANY_ZEROS:
        traits.append(f"{percent(facts.zero_fraction)} of the entries are exactly zero")
    if facts.n_levels <= FEW_LEVELS:
        traits.append(f"a typical column takes only {facts.n_levels:.0f} different values")
    if facts.excess_kurtosis > HEAVY_TAILS:
        traits.append(f"tails are heavy (excess kurtosis {facts.excess_kurtosis:.1f})")
    if facts.excess_kurtosis < LIGHT_TAILS:
        traits.append(f"values are bounded (excess kurtosis {facts.excess_kurtosis:.1f})")
    if not traits:
        where = "there" if len(below) == 1 else "at those rates"
        return (
            f"Going below the reference {where} needs data that are not Gaussian, yet no "
            "column statistic here stands out: the dependence between columns, or "
            "held-out rows that differ from the training rows, may be the reason."
        )
    return (
        "The reference is no bound for these data, which are not Gaussian: "
        f"{', and '.join(traits)}."
    )


def _about_alternatives(
    designed: Sequence[Reached], reached: Sequence[Reached]
) -> Sentence:
    row = min(designed, key=lambda r: abs(r.rate - 1.0))
    coding = row.transform_coding
    at = f"At {count(row.n_code)} bits per vector"
    if coding < row.nmse - TWO_STANDARD_ERRORS * row.standard_error:
        text = (
            f"{at}, transform coding is predicted to do better: {number(coding)} "
            f"on Gaussian data of this covariance, against {number(row.nmse)} "
            "measured here; the prediction was not measured on these data."
        )
    elif coding <= row.nmse + TWO_STANDARD_ERRORS * row.standard_error:
        text = (
            f"{at}, transform coding is predicted to do as well: {number(coding)} on "
            "Gaussian data of this covariance."
        )
    else:
        text = (
            f"{at}, transform coding is predicted to do worse: {number(coding)} on "
            "Gaussian data of this covariance."
        )
    random = [r for r in reached if r.encoder == "random" and r.n_code == row.n_code]
    if random:
        other = with_error(random[0].nmse, random[0].standard_error)
        text += f" A random rotation with signs leaves {other}."
    return Sentence(text, "limits")
