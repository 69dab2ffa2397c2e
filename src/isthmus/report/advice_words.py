"""Which codec to use, in words: for the command line and the page alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isthmus.report import style

if TYPE_CHECKING:
    from isthmus.core.protocol import Measurement
    from isthmus.estimators import CodecAdvice, CodecScore, Winner

NAMES = {
    "linear": "linear sign code",
    "search": "searched sign code",
    "quantised": "transform coding",
    "pq": "PQ",
    "opq": "OPQ",
    "rabitq": "RaBitQ",
    "eden": "EDEN",
    "turboquant": "TurboQuant",
    "pca+eden": "principal axes with EDEN",
}
GREEN, RED = "holds", "not trusted"


def codec_name(label: str) -> str:
    """Name of a codec from its label.

    Examples:
        >>> codec_name("opq"), codec_name("linear + norm")
        ('OPQ', 'linear sign code + norm')
    """
    name, plus, norm = label.partition(" + ")
    return f"{NAMES.get(name, name)}{plus}{norm}"


def about_advice(found: CodecAdvice) -> str:
    """Both winners with their numbers, whoever they are; ties are called ties."""
    bits = "bit" if found.budget == 1 else "bits"
    per = "bit" if found.bits_per_dim == 1 else "bits"
    start = (
        f"At {found.bits_per_dim:g} {per} per column "
        f"({style.count(found.budget)} {bits} per vector, all counted)"
    )
    return f"{start} {_rebuilding(found)} {_searching(found)}".rstrip()


def _rebuilding(found: CodecAdvice) -> str:
    best = found.score(found.reconstruction.label)
    words = (
        f"{codec_name(best.label)} reconstructs best: it leaves {measured(best.nmse)} of "
        f"the variance of {style.count(found.n_test)} held-out rows"
    )
    others = found.scores[1:]
    if found.reconstruction.tied:
        return f"{words}, a tie with {_listed(found.reconstruction)}."
    if not others:
        return f"{words}."
    return (
        f"{words}, {_apart(others[0].nmse_behind)} less than {codec_name(others[0].label)}."
    )


def _searching(found: CodecAdvice) -> str:
    if found.search is None:
        return ""
    best = found.score(found.search.label)
    assert best.recall is not None
    words = (
        f"For search the best is {codec_name(best.label)}: it finds "
        f"{style.percent(round(best.recall.value, 3))} of the {found.n_neighbours} nearest "
        "neighbours"
    )
    if found.search.tied:
        return f"{words}, a tie with {_listed(found.search)}."
    behind = [one for one in found.scores if one.label != best.label]
    if not behind:
        return f"{words}."
    second = max(behind, key=_recall)
    return (
        f"{words}, {codec_name(second.label)} {style.percent(round(_recall(second), 3))}."
    )


def _recall(one: CodecScore) -> float:
    return 0.0 if one.recall is None else one.recall.value


def _listed(winner: Winner) -> str:
    names = [codec_name(label) for label in winner.tied]
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)


def measured(one: Measurement | None) -> str:
    """A measurement with its standard error; a dash where there is none."""
    return style.NONE if one is None else style.with_error(one.value, one.standard_error)


def _apart(one: Measurement) -> str:
    text = style.with_error(one.value, one.standard_error, signed=True)
    return text.removeprefix("+")


HEAD = (
    "Codec",
    "Code + side bits",
    "NMSE",
    "Predicted",
    "Prediction",
    "Training NMSE",
    "Cosine error",
    "Recall@10",
    "Training",
    "Encoded k/s",
    "Decoded k/s",
)


def cells(one: CodecScore) -> tuple[str, ...]:
    """One row of the table whose head is `HEAD`."""
    trust = style.NONE
    if one.trusted is not None:
        trust = GREEN if one.trusted else RED
    return (
        codec_name(one.label),
        f"{style.count(one.payload_bits)} + {style.count(one.side_bits)}",
        measured(one.nmse),
        style.NONE if one.predicted is None else style.number(one.predicted),
        trust,
        style.number(one.train_nmse),
        style.number(one.cosine_error.value),
        measured(one.recall),
        style.duration(one.train_seconds),
        _thousands(one.encode_rate),
        _thousands(one.decode_rate),
    )


def remarks(found: CodecAdvice) -> tuple[str, ...]:
    """What the reader must know, and which codecs were left out."""
    named = []
    for text in found.left_out:
        label, said, why = text.partition(" was left out")
        name, norm, _ = label.partition(" with a norm")
        named.append(f"{NAMES.get(name, name)}{norm}{said}{why}" if said else text)
    return (*found.notes, *named)


def _thousands(rows: float) -> str:
    """Thousands with two digits.

    Examples:
        >>> _thousands(123456.0), _thousands(840.0)
        ('120', '0.84')
    """
    found = float(f"{rows / 1e3:.2g}")
    return f"{found:,.0f}" if found >= 10 else f"{found:g}"
