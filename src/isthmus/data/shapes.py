"""Built-in rows drawn from manifolds of known topology, always the same."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from isthmus.data.base import Dataset
from isthmus.data.columns import Choice, chosen
from isthmus.data.manifolds import NAMED

N_ROWS = 2000

_SEED = 6_947_203_118
"""No seed that anybody takes: a split drawn from the words that placed the points would
follow them, and hold out one circle of two."""


def shapes() -> dict[str, Callable[[Choice], Dataset]]:
    """Readers by name: each gives 2000 points, uniform by length, area or volume.

    Examples:
        >>> shapes()["torus"](Choice()).values.shape
        (2000, 3)
    """
    return {name: partial(_drawn, name) for name in NAMED}


def _drawn(name: str, choice: Choice) -> Dataset:
    return chosen(name, NAMED[name].sample(N_ROWS, rng=_SEED), choice)
