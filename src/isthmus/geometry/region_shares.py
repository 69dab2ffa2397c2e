"""How many rows lie in a region that holds a training row."""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
from jaxtyping import Int

from isthmus.core.protocol import Measurement, measure_errors
from isthmus.geometry.layers import Layers
from isthmus.geometry.pair import Rows
from isthmus.geometry.switching import region_code

_BLOCK = 1024


@dataclasses.dataclass(frozen=True)
class RegionShare:
    """Rows in regions of one partition that hold a training row.

    Attributes:
        test: Share of the test rows.
        train: Share of the training rows whose region holds another one; equal rows are
            taken as one. Its standard error takes rows as independent, which neighbours
            are not.
        n_regions: Different regions that training rows lie in, at most as many as rows.
        n_units: Entries of a region's code.
    """

    test: Measurement
    train: Measurement
    n_regions: int
    n_units: int


def region_shares(
    partitions: dict[str, tuple[Layers, Rows, Rows]], group: Int[np.ndarray, " test"]
) -> dict[str, RegionShare]:
    """Shares in each of some partitions, and in the one that they cut out together.

    Args:
        partitions: Name to chain, different training rows and test rows, both as the chain
            takes them; rows in the same order throughout.
        group: Number of the group of equal rows that each test row is in.

    Returns:
        Shares by name, and "autoencoder": equal codes in all of them.
    """
    old = {name: _keys(chain, rows) for name, (chain, rows, _) in partitions.items()}
    new = {name: _keys(chain, rows) for name, (chain, _, rows) in partitions.items()}
    units = {
        name: region_code(c, rows[:1]).shape[1] for name, (c, rows, _) in partitions.items()
    }
    found = {name: _share(old[name], new[name], units[name], group) for name in partitions}
    found["autoencoder"] = _share(
        list(zip(*old.values(), strict=True)),
        list(zip(*new.values(), strict=True)),
        sum(units.values()),
        group,
    )
    return found


def _share(old: list, new: list, n_units: int, group: np.ndarray) -> RegionShare:
    count = Counter(old)
    shared = np.array([count[key] > 1 for key in old], dtype=float)
    held = np.array([key in count for key in new], dtype=float)
    return RegionShare(
        measure_errors(held, np.ones_like(held), group),
        measure_errors(shared, np.ones_like(shared)),
        len(count),
        n_units,
    )


def _keys(chain: Layers, rows: Rows) -> list[bytes]:
    """The code of every row's region as bytes."""
    found: list[bytes] = []
    for first in range(0, len(rows), _BLOCK):
        code = region_code(chain, rows[first : first + _BLOCK])
        bits = np.packbits(np.asarray(code.cpu().numpy()), axis=1)
        found += [row.tobytes() for row in bits]
    return found
