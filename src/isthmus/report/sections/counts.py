"""How many rows a number rests on, in words that sections share."""

from __future__ import annotations

from isthmus.report.records import DataFacts
from isthmus.report.style import count


def n_moment_rows(facts: DataFacts) -> int:
    """Training rows behind mean and eigenvalues."""
    return facts.n_moment_rows or facts.n_train


def n_fit_rows(facts: DataFacts) -> int:
    """Training rows behind decoders."""
    return facts.n_fit_rows or facts.n_train


def eigenvalue_rows(facts: DataFacts) -> str:
    """Name the rows that eigenvalues come from: "the 300" or "500 of the 900"."""
    return _of(n_moment_rows(facts), facts.n_train)


def fitted_rows(facts: DataFacts) -> str:
    """Name the rows that decoders were fitted on, as above."""
    return _of(n_fit_rows(facts), facts.n_train)


def rows_used(facts: DataFacts) -> str:
    """Say which rows decoders were fitted on and errors measured on."""
    return (
        f"Decoders were fitted on {fitted_rows(facts)} training rows, "
        f"errors measured on {count(facts.n_test)} held-out rows."
    )


def _of(part: int, whole: int) -> str:
    if part >= whole:
        return f"the {count(whole)}"
    return f"{count(part)} of the {count(whole)}"
