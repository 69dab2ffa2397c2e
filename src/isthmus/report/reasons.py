"""Why a measurement is not at the Gaussian reference: sentences of the verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence

from isthmus.report.comparison import codec_name, difference
from isthmus.report.records import DataFacts, Decoded, Reached
from isthmus.report.style import count, number, percent, with_error
from isthmus.report.thresholds import (
    DOMINATES,
    FEW_LEVELS,
    HEAVY_TAILS,
    LARGER_PART,
    LIGHT_TAILS,
    MAINLY,
    MANY_ZEROS,
    NORM_SHARE,
    ROUGH,
    ROWS_BEHIND_A_TRAIT,
    ROWS_PER_SYMBOL,
    TIE,
    WORTH_A_DECODER,
)

FITTED = "least-squares"
NORM_BITS = 16
_COSTS = {
    "spectrum": "a code spent on other directions than the best ones",
    "coherence": "code symbols that repeat each other",
    "decoder": "a decoder that is not the best linear one for Gaussian data",
    "shift": "held-out rows that differ from the training rows in covariance",
    "non_gaussianity": "data that are not Gaussian",
}
_GAINS = {
    "spectrum": "a code spent better than the reference's",
    "coherence": "code symbols that repeat each other less than expected",
    "decoder": "a decoder fitted to the rows instead of to Gaussian data",
    "shift": "held-out rows that suit the code better than the training rows",
    "non_gaussianity": "data that are easier than Gaussian ones",
}
_SHIFT = {
    "last": "train on rows nearer to the last ones, or shuffle if order means nothing",
    "given": "train on rows like the given ones",
    "random": "more training rows, which make the two alike",
}
_READERS = {
    "denoised": "a denoising decoder",
    "message-passing": "message passing",
    "learned": "learned layers of message passing",
}
_ENCODERS = {
    "random": "a random rotation",
    "design": "the designed encoder",
    "itq": "a learnt rotation",
}
_DECODER = "fit the decoder on more rows or with a larger ridge"
_NOT_GAUSSIAN = "a code fitted to the rows, or another decoder (see Which decoder)"


def about_gap(facts: DataFacts, row: Reached, rows: Sequence[Reached] = ()) -> str | None:
    """Name the terms that make the gap, with their signs, and what to do about them.

    Args:
        facts: Of the data.
        row: The designed encoder at one code length.
        rows: Everything measured at that code length; what was tried is not advised.

    Returns:
        Sentences; None where the gap was not split or lies within two standard errors.
    """
    gap = row.nmse - row.reference
    if not row.gap or not abs(gap) > TIE.value * row.standard_error:
        return None
    parts = told_terms(row)
    terms = dominating(row)
    if not terms:
        return None
    named = " and ".join(_named(row, key, parts[key]) for key in terms)
    mainly = sum(parts[key] for key in terms) / gap >= MAINLY.value
    said = (
        f"At {number(row.rate)} bits per column the difference to the reference, "
        f"{number(gap, signed=True)}, {'comes mainly from' if mainly else 'owes most to'} "
        f"{named}."
    )
    costs = [key for key in terms if parts[key] > 0]
    if row.status == "asymptotic" and {"spectrum", "coherence"} & set(costs):
        said += (
            " The reference can be loose here: one principal direction takes more than "
            "5 % of the code."
        )
    advice = dict.fromkeys(_advice(facts, row, key, rows) for key in costs)
    advice.pop("", None)
    return f"{said} What may help the autoencoder: {'; '.join(advice)}." if advice else said


def told_terms(row: Reached) -> dict[str, float]:
    """The terms, those of a fitted decoder taken together.

    A decoder fitted to rows that are not Gaussian is not the best one for Gaussian data:
    what it costs there and what it earns on these rows are one thing.
    """
    parts = dict(row.gap)
    if row.decoder == FITTED:
        parts["non_gaussianity"] += parts.pop("decoder")
    return parts


def dominating(row: Reached) -> tuple[str, ...]:
    """At most two terms of the gap, largest first, costs and gains alike.

    The measured term, non-Gaussianity, is named only above two of its standard errors;
    where it is less sure and much larger than all others, no term is.
    """
    terms = told_terms(row)
    largest = max(abs(value) for value in terms.values())
    counted = {
        key: value
        for key, value in terms.items()
        if key != "non_gaussianity" or abs(value) > TIE.value * row.standard_error
    }
    order = sorted(counted, key=lambda key: -abs(counted[key]))
    named = [key for key in order[:2] if abs(counted[key]) >= DOMINATES.value * largest]
    return tuple(named) if largest > 0 else ()


def why_below(facts: DataFacts, below: Sequence[Reached]) -> str:
    """Say what of the data lets a measurement lie below the reference.

    Args:
        facts: Of the data.
        below: Measurements below it.

    Returns:
        A sentence.
    """
    if facts.shrinkage > ROUGH.value:
        return (
            f"With {count(facts.n_train)} training rows for {count(facts.n_input)} columns "
            "the reference is rough: the eigenvalues were shrunk by "
            f"{percent(facts.shrinkage)}, which raises it, so that an error below it "
            "says little."
        )
    traits = _traits(facts)
    if not traits:
        where = "there" if len(below) == 1 else "at those rates"
        return (
            f"Going below the reference {where} needs data that are not Gaussian, yet no "
            "column statistic here stands out: the dependence between columns "
            "(clusters, curved surfaces), or held-out rows that differ from the training "
            "rows, may be the reason."
        )
    return (
        "The reference is no bound for these data, which are not Gaussian: "
        f"{', and '.join(traits)}."
    )


def _traits(facts: DataFacts) -> list[str]:
    """What columns have that Gaussian ones have not; few rows can tell zeros only."""
    traits = []
    if facts.zero_fraction > MANY_ZEROS.value:
        traits.append(f"{percent(facts.zero_fraction)} of the entries are exactly zero")
    if _fit_rows(facts) < ROWS_BEHIND_A_TRAIT.value:
        return traits
    if facts.n_levels <= FEW_LEVELS.value:
        traits.append(f"a typical column takes only {facts.n_levels:.0f} different values")
    if facts.excess_kurtosis > HEAVY_TAILS.value:
        traits.append(f"tails are heavy (excess kurtosis {facts.excess_kurtosis:.1f})")
    if facts.excess_kurtosis < LIGHT_TAILS.value:
        kurtosis = number(facts.excess_kurtosis)
        traits.append(f"values are bounded (excess kurtosis {kurtosis})")
    return traits


def _fit_rows(facts: DataFacts) -> int:
    return facts.n_fit_rows or facts.n_train


def _named(row: Reached, key: str, value: float) -> str:
    words = _COSTS[key] if value > 0 else _GAINS[key]
    if key != "non_gaussianity":
        return f"{words} ({number(value, signed=True)})"
    size = with_error(value, row.standard_error, signed=True)
    if row.decoder == FITTED:
        size += " with the decoder fitted to them"
    if _is_norm_spread(row) and row.norm_spread is not None:
        part = number(row.norm_spread, signed=True)
        if row.norm_spread <= value:
            size += f", of which distances from the mean that vary {part}"
        else:
            size += f"; distances from the mean that vary would alone cost {part}"
    return f"{words} ({size})"


def _advice(facts: DataFacts, row: Reached, key: str, rows: Sequence[Reached]) -> str:
    if key == "shift":
        return _SHIFT.get(facts.split, _SHIFT["random"])
    if key == "decoder":
        return _DECODER
    if key != "non_gaussianity":
        return _about_descent(row, rows)
    dear = NORM_SHARE.value * row.n_code < NORM_BITS
    if _is_norm_spread(row) and row.norm == "none" and not dear:
        return (
            'send the distance from the mean beside the code (norm="float16", 16 more bits)'
        )
    if row.decoder == FITTED and _fit_rows(facts) < ROWS_PER_SYMBOL.value * row.n_code:
        return f"more rows to fit the decoder on, or {_NOT_GAUSSIAN}"
    return _NOT_GAUSSIAN


def _about_descent(row: Reached, rows: Sequence[Reached]) -> str:
    """Advise training on where it was not tried, or what it brought where it helped."""
    tried = [other for other in rows if other.encoder == "descent"]
    if not tried:
        return 'train on (encoder="descent")'
    gain = difference(row, tried[0])
    if not gain.z > TIE.value:
        return ""
    left = with_error(tried[0].nmse, tried[0].standard_error)
    return f'training on (encoder="descent"), which leaves {left} here'


def _is_norm_spread(row: Reached) -> bool:
    """Whether varying lengths are the larger part of a cost."""
    whole, part = told_terms(row)["non_gaussianity"], row.norm_spread
    return part is not None and whole > 0 and part > LARGER_PART.value * whole


def about_decoder(decoders: Sequence[Decoded], reached: Sequence[Reached]) -> str | None:
    """Which decoder to read the bits with, where a linear one is not the best.

    Args:
        decoders: The same bits read by several decoders, one of them recommended.
        reached: Codecs, for what else as many bits could do.

    Returns:
        A sentence; None where the linear decoder of an encoder that was not learnt is
        recommended, or little is gained.
    """
    row = next((row for row in decoders if row.recommended), None)
    if row is None:
        return None
    if row.decoder == "linear":
        return _about_rotation(row, decoders) if row.encoder == "itq" else None
    linear = min(
        (one for one in decoders if one.decoder == "linear"), key=lambda one: one.nmse
    )
    own = row.versus_linear if linear.encoder == row.encoder else None
    gain = linear.nmse - row.nmse
    error = _apart(row, linear) if own is None else own.standard_error
    if not (gain > TIE.value * error and gain > WORTH_A_DECODER.value * linear.nmse):
        return None
    name = _READERS[row.decoder]
    text = (
        f"Read by {name}, the sign bits of {_ENCODERS[row.encoder]} leave "
        f"{with_error(row.nmse, row.standard_error)}, where the best linear decoder of as "
        f"many bits leaves {with_error(linear.nmse, linear.standard_error)} "
        f"({count(row.bits_per_vector)} bits per vector, 16 of them the distance from the "
        "mean)."
    )
    best = min((one for one in reached if one.n_code == row.n_code), key=lambda r: r.nmse)
    apart = TIE.value * _apart(row, best)
    if row.nmse < best.nmse - apart:
        more = row.bits_per_vector - best.bits_per_vector
        text += (
            f" That is less than {codec_name(best.encoder)} leaves, with {count(more)} "
            "more bits: use it where a decoder may take time."
        )
    elif row.nmse > best.nmse + apart:
        text += (
            f" {codec_name(best.encoder).capitalize()} leaves less still, "
            f"{with_error(best.nmse, best.standard_error)}, with fewer bits."
        )
    return text


def _about_rotation(row: Decoded, decoders: Sequence[Decoded]) -> str | None:
    """What the signs of a learnt rotation save, read linearly, over any other encoder's."""
    other = min(
        (one for one in decoders if one.encoder != row.encoder), key=lambda one: one.nmse
    )
    gain = other.nmse - row.nmse
    if not (
        gain > TIE.value * _apart(row, other) and gain > WORTH_A_DECODER.value * other.nmse
    ):
        return None
    return (
        f"The sign bits of {_ENCODERS[row.encoder]} (encoder itq) leave "
        f"{with_error(row.nmse, row.standard_error)} with a linear decoder, where the best "
        f"of {_ENCODERS[other.encoder]} leaves "
        f"{with_error(other.nmse, other.standard_error)} "
        f"({count(row.bits_per_vector)} bits per vector, 16 of them the distance from the "
        "mean)."
    )


def _apart(first: Decoded | Reached, second: Decoded | Reached) -> float:
    """Standard error of a difference that was not paired: an upper bound as a rule."""
    return math.hypot(first.standard_error, second.standard_error)
