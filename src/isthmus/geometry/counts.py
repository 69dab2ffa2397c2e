"""How many regions there can be, in exact whole numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

from isthmus.core.door import shown, whole_number
from isthmus.core.errors import ValueOutOfRange


def zaslavsky_bound(n_units: int, dim: int) -> int:
    r"""Largest number of regions that one layer of kinked units cuts a space into.

    .. math:: \sum_{i=0}^{k} \binom{n}{i}

    An upper bound for every layer of n units with one kink each, on a space or slice of
    dimension k; attained if the units' hyperplanes lie in general position and all their
    crossings inside the domain.

    Args:
        n_units: n, at least 0.
        dim: k, at least 0.

    Returns:
        The bound, exact.

    Raises:
        ValueOutOfRange: If an argument is negative or no whole number.

    Examples:
        >>> zaslavsky_bound(3, 2)
        7

    References:
        [zaslavsky:75]
    """
    n_units = whole_number("zaslavsky_bound(n_units=...)", n_units, least=0)
    dim = whole_number("zaslavsky_bound(dim=...)", dim, least=0)
    return sum(math.comb(n_units, i) for i in range(min(dim, n_units) + 1))


def montufar_bound(widths: Sequence[int], dim: int) -> int:
    r"""Number of regions that the best weights of a deep network reach at least.

    .. math:: \Big(\prod_{l<L} \lfloor n_l / k \rfloor^k\Big) \sum_{j=0}^{k} \binom{n_L}{j}

    A lower bound on the *maximum* over all weights of a ReLU network with layers of n_l
    units on k inputs. A given network usually has far fewer regions than this.

    Args:
        widths: n_l of the hidden layers, first to last, each at least k.
        dim: k, at least 1.

    Returns:
        The bound, exact.

    Raises:
        ValueOutOfRange: If there is no layer, or one is narrower than `dim`.

    Examples:
        >>> montufar_bound([4, 4], 2)
        44

    References:
        [montufar:14]
    """
    dim = whole_number("montufar_bound(dim=...)", dim, least=1)
    try:
        given = list(widths)
    except TypeError:
        given = []
    if not given:
        raise ValueOutOfRange(
            f"`montufar_bound(widths=...)` must be the units of one layer or more, as a "
            f"list; got {shown(widths)}. Write [n] for one layer."
        )
    narrow = "montufar_bound(widths=...)"  # no unit may be missing for an input
    sizes = [whole_number(narrow, n, least=dim) for n in given]
    folds: int = math.prod((n // dim) ** dim for n in sizes[:-1])
    return folds * zaslavsky_bound(sizes[-1], dim)
