"""Data sets that need no file."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from isthmus.core.errors import DataNotFound
from isthmus.core.random import as_rng, random_normal
from isthmus.data.base import Dataset
from isthmus.data.checks import checked
from isthmus.data.npy import read_npz


def digits() -> Dataset:
    """1797 handwritten digits of 8 x 8 grey levels 0 ... 16, from scikit-learn."""
    from sklearn.datasets import load_digits

    images = np.asarray(load_digits().images, dtype=np.float64)
    names = tuple(f"pixel {row},{column}" for row in range(8) for column in range(8))
    return checked("digits", images, names)


def gaussian() -> Dataset:
    """20 000 rows of 64 independent standard Gaussians, always the same."""
    return checked("gaussian", random_normal(as_rng(0), 20_000, 64))


def from_folder(name: str, file: str, key: str) -> Dataset:
    """Array of an .npz file in the folder that $ISTHMUS_DATA names.

    Args:
        name: Built-in name.
        file: File in that folder.
        key: Array in that file.

    Returns:
        The rows.

    Raises:
        DataNotFound: If the variable is not set or the file is not there.
    """
    folder = os.environ.get("ISTHMUS_DATA")
    path = Path(folder or "") / file
    if not folder or not path.is_file():
        where = f"{folder} has no such file" if folder else "it is not set"
        raise DataNotFound(
            f"`{name}` is read from $ISTHMUS_DATA/{file} (array {key!r}); {where}. "
            "Put the file there, or use the built-in `digits`."
        )
    return dataclasses.replace(read_npz(path, key), name=name)


BUILTINS: dict[str, Callable[[], Dataset]] = {
    "cifar10": partial(from_folder, "cifar10", "cifar10_exact.npz", "x_train"),
    "digits": digits,
    "fashion-mnist": partial(from_folder, "fashion-mnist", "fashion_mnist.npz", "x_train"),
    "gaussian": gaussian,
    "mnist": partial(from_folder, "mnist", "mnist.npz", "x_train"),
}


def available() -> dict[str, bool]:
    """Which built-in names can be read here: those that need a file may miss it.

    Examples:
        >>> available()["digits"]
        True
    """
    found = {}
    for name, read in BUILTINS.items():
        if isinstance(read, partial):
            folder = os.environ.get("ISTHMUS_DATA")
            found[name] = bool(folder) and (Path(folder or "") / read.args[1]).is_file()
        else:
            found[name] = True
    return found
