"""The one place that touches gudhi: only its SimplexTree, which is MIT."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from isthmus.core.errors import MissingDependency


def filled_tree(
    simplices: Sequence[Int[np.ndarray, "_ _"]],
    values: Sequence[Float[np.ndarray, " _"]],
) -> Any:
    """A simplex tree with the simplices of each dimension, from vertices up.

    Raises:
        MissingDependency: If gudhi is not installed.
    """
    tree = _simplex_tree()
    for each, value in zip(simplices, values, strict=True):
        if value.size:
            tree.insert_batch(np.ascontiguousarray(each, np.int32), value)
    return tree


def persistence(
    tree: Any, fields: Iterable[int], n_degrees: int
) -> dict[int, list[Float[np.ndarray, "_ 2"]]]:
    """Intervals of positive length over each field, for degrees below `n_degrees`.

    The homology of the highest dimension is computed as well where it is asked for.

    Args:
        tree: A filtered complex.
        fields: Primes; the tree is built and sorted once for all of them.
        n_degrees: Number of degrees, from 0.
    """
    top = tree.dimension() < n_degrees
    found = {}
    for field in fields:
        tree.compute_persistence(homology_coeff_field=field, persistence_dim_max=top)
        found[field] = [
            np.asarray(tree.persistence_intervals_in_dimension(degree), float).reshape(
                -1, 2
            )
            for degree in range(n_degrees)
        ]
    return found


def _simplex_tree() -> Any:
    try:
        from gudhi import SimplexTree
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "gudhi":
            raise
        raise MissingDependency(
            "`isthmus.topology` must have gudhi for persistent homology; it is not "
            "installed. Run pip install 'isthmus[topology]'."
        ) from error
    return SimplexTree()
