"""What generators are, beside others and beside the amounts of them that are used."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from isthmus.core.door import real_array
from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.core.tolerance import RELATIVE_RANK
from isthmus.training.penalties.generators import Generators

_USED = 0.05  # of the largest amount of a pair


def principal_angles(
    generators: Any, known: Any, *, data: Any = None
) -> Float[np.ndarray, " angle"]:
    """Angles between the spans of two sets of generators, as vectors of their entries.

    Scales and mixtures of generators mean nothing; only spans can be compared. Off the
    span of the data nothing can be learnt: with `data`, every G is taken as P G P.

    Args:
        generators: :class:`Generators`, or matrices "generator input input".
        known: Likewise.
        data: Rows whose span P projects on, "sample input"; None for all of space.

    Returns:
        Angles in radians, ascending, as many as the smaller span has dimensions: 0 where a
        direction is shared, pi / 2 where one span is orthogonal to the other.

    Raises:
        ValueOutOfRange: If shapes disagree.
        DataError: If numbers are not finite, or a set of generators vanishes on the data.

    Examples:
        >>> turn = np.array([[[0.0, -1.0], [1.0, 0.0]]])
        >>> principal_angles(3.0 * turn, np.stack([turn[0], np.eye(2)])).round(6).tolist()
        [0.0]
        >>> principal_angles(turn, np.eye(2)[None]).round(6).tolist()
        [1.570796]
    """
    from scipy.linalg import subspace_angles

    call = "principal_angles"
    sets = [
        _matrices(f"{call}({name}=...)", value)
        for name, value in (("generators", generators), ("known", known))
    ]
    d = sets[0].shape[1]
    if sets[1].shape[1] != d:
        raise ValueOutOfRange(
            f"`{call}(known=...)` must act on as many coordinates as the generators, {d}; "
            f"got {sets[1].shape[1]}."
        )
    basis = np.eye(d) if data is None else _basis(f"{call}(data=...)", data, d)
    spans = [
        _span(np.einsum("di,kde,ej->kij", basis, part, basis, optimize=True))
        for part in sets
    ]
    if not all(span.shape[1] for span in spans):
        raise DataError(
            f"`{call}(...)` must compare generators that move the data; all of one set "
            "vanish there. Train longer, or give other data."
        )
    return np.asarray(subspace_angles(*spans)[::-1])


def sparsity(amounts: Any, generators: Generators) -> float:
    r"""Share of generators that pairs do without.

    Args:
        amounts: epsilon, "pair generator".
        generators: To which they belong.

    Returns:
        Share of :math:`|\epsilon_k| \|G_k\|_F` below 5 % of the largest of its pair.

    Raises:
        ValueOutOfRange: If there is not one amount per generator.

    Examples:
        >>> two = Generators(2, 2, matrices=np.stack([np.eye(2), np.eye(2)]))
        >>> sparsity([[1.0, 0.01], [1.0, 1.0]], two)
        0.25
    """
    given = amounts.detach().cpu().numpy() if isinstance(amounts, Tensor) else amounts
    found = np.abs(real_array("sparsity(amounts=...)", given))
    if found.ndim != 2 or found.shape[1] != generators.n_generators or not len(found):
        raise ValueOutOfRange(
            f"`sparsity(amounts=...)` must have shape (pair, generator), here "
            f"(pair, {generators.n_generators}); got {found.shape}."
        )
    with torch.no_grad():
        sizes = found * generators.norms().double().cpu().numpy()
    return float(np.mean(sizes < _USED * sizes.max(axis=1, keepdims=True)))


def _matrices(name: str, value: object) -> np.ndarray:
    if isinstance(value, Generators):
        with torch.no_grad():
            value = value.matrices()
    if isinstance(value, Tensor):
        value = value.detach().cpu().numpy()
    found = real_array(name, value)
    if found.ndim != 3 or found.shape[1] != found.shape[2] or not found.size:
        raise ValueOutOfRange(
            f"`{name}` must have shape (generator, input, input); got {found.shape}. "
            "Write G[None] for a single one."
        )
    if not np.isfinite(found).all():
        raise DataError(f"`{name}` must be finite; it holds NaN or infinity.")
    return found


def _basis(name: str, data: object, n_input: int) -> np.ndarray:
    rows = real_array(name, data.detach().cpu() if isinstance(data, Tensor) else data)
    if rows.ndim != 2 or rows.shape[1] != n_input or not np.isfinite(rows).all():
        raise ValueOutOfRange(
            f"`{name}` must be finite rows of {n_input} columns; got shape {rows.shape}."
        )
    _, values, right = np.linalg.svd(rows, full_matrices=False)
    return np.asarray(right[values > RELATIVE_RANK * values.max(initial=0.0)].T)


def _span(matrices: np.ndarray) -> np.ndarray:
    """Orthonormal columns that span the matrices as vectors."""
    flat = matrices.reshape(len(matrices), -1)
    size = np.linalg.norm(flat, axis=1, keepdims=True)
    flat = flat[size[:, 0] > 0] / size[size[:, 0] > 0]
    if not len(flat):
        return np.zeros((matrices[0].size, 0))
    left, values, _ = np.linalg.svd(flat.T, full_matrices=False)
    return np.asarray(left[:, values > RELATIVE_RANK * values[0]])
