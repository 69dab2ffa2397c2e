"""The design that nears the Gaussian reference: water-filled gains, mixed by a frame."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

from isthmus import frames
from isthmus.core.door import whole_number
from isthmus.core.memory import check_memory
from isthmus.core.random import as_rng, random_normal, random_subset
from isthmus.core.typing import Numbers
from isthmus.limits.covariance import covariance_limit
from isthmus.limits.population import unit_rows

_DARK = 1e-12


@dataclasses.dataclass(frozen=True, eq=False)
class WaterFilled:
    """The design that nears the limit, and what it is made of.

    Attributes:
        frame: Incoherent partial isometry, "code active".
        active: Directions that get a share of the code.
        gains: Of the active directions; the code is the signs of frame times
            sqrt(gains) times white coordinates.
        rows: Unit rows in white coordinates, zero where nothing is coded.
    """

    frame: Float[np.ndarray, "code active"]
    active: Int[np.ndarray, " active"]
    gains: Float[np.ndarray, " active"]
    rows: Float[np.ndarray, "code input"]


def water_filled_rows(
    eigenvalues: Numbers,
    n_code: int,
    *,
    activation: object = "sign",
    frame: Callable[..., frames.AbstractFrame] = frames.dct,
    rng: np.random.Generator | int | None,
) -> Float[np.ndarray, "code input"]:
    r"""Unit rows whose spectrum is the water-filled one: the design that nears the limit.

    .. math:: \tilde B = \mathrm{rownorm}(O\, \mathrm{diag}(\sqrt{\mu}))

    with gains mu of :func:`~isthmus.limits.covariance_limit` and incoherent orthonormal
    columns O. The excess over the limit vanishes as the dimension grows while no gain
    is a fixed share of the code.

    Args:
        eigenvalues: Of the covariance, any order.
        n_code: Rows.
        activation: Name, odd function or :class:`~isthmus.core.Activation`.
        frame: A function of :mod:`isthmus.frames`.
        rng: Seed or generator of the frame.

    Returns:
        Whitened encoder in the eigenbasis, columns in the order of `eigenvalues`; zero
        where nothing is coded. Divide column i by sqrt(eigenvalue i) for raw coordinates.

    Raises:
        ValueOutOfRange: As for :func:`~isthmus.limits.covariance_limit`.

    Examples:
        >>> rows = water_filled_rows(np.array([4.0, 1.0, 0.0]), 8, rng=0)
        >>> rows.shape, bool(np.all(rows[:, 2] == 0))
        ((8, 3), True)

    References:
        [shevchenko:23]
    """
    made = water_filled(eigenvalues, n_code, activation=activation, frame=frame, rng=rng)
    return made.rows


def water_filled(
    eigenvalues: Numbers,
    n_code: int,
    *,
    activation: object = "sign",
    frame: Callable[..., frames.AbstractFrame] = frames.dct,
    rng: np.random.Generator | int | None,
) -> WaterFilled:
    """As :func:`water_filled_rows`, with the frame and the gains it is made of.

    Examples:
        >>> made = water_filled(np.array([4.0, 1.0, 0.0]), 8, rng=0)
        >>> bool(np.allclose(made.frame.T @ made.frame, np.eye(2))), made.active.tolist()
        (True, [0, 1])
    """
    n_code = whole_number("water_filled_rows(n_code=...)", n_code, least=1)
    needed = 8 * 4 * n_code * np.size(eigenvalues)
    way_out = "Use isthmus.frames.coloured, which stores no matrix."
    check_memory("water_filled_rows(n_code=...)", n_code, needed, way_out)
    gains = covariance_limit(eigenvalues, n_code, activation=activation).gains
    active = np.flatnonzero(gains > 0)
    generator = as_rng(rng)
    made = frame(n_code, active.size, rng=generator)
    mixing = made.to_dense()
    if isinstance(made, frames.HadamardFrame) and active.size == n_code:
        # A square Hadamard frame has its columns in order, and so are the gains.
        mixing = mixing[:, random_subset(generator, active.size, active.size)]
    dense = mixing * np.sqrt(gains[active])
    # A cosine transform of few columns can have rows that are zero.
    size = np.einsum("ij,ij->i", dense, dense)
    dark = size <= _DARK * size.max()
    dense[dark] = random_normal(generator, int(dark.sum()), active.size)
    rows = np.zeros((n_code, gains.size))
    rows[:, active] = unit_rows(dense)[0]
    return WaterFilled(mixing, active, gains[active], rows)
