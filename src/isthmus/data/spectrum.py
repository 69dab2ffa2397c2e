"""Eigenvalues from a file."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
from jaxtyping import Float

from isthmus.core.errors import DataError
from isthmus.core.files import existing


def read_spectrum(path: str | os.PathLike[str]) -> Float[np.ndarray, " d"]:
    """Read eigenvalues from a .npy file, or from text with one number a line or cell.

    Args:
        path: The file.

    Returns:
        All numbers in it, in order. Their domain is checked by whoever uses them.

    Raises:
        DataNotFound: If there is no such file.
        DataError: If it holds anything but numbers.
    """
    file = existing(Path(path))
    try:
        if file.suffix.lower() == ".npy":
            values = np.load(file, allow_pickle=False)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                values = np.loadtxt(file, delimiter=None, ndmin=1, converters=None)
        values = np.asarray(values, dtype=np.float64).ravel()
    except (ValueError, TypeError, OSError, EOFError) as error:
        raise DataError(
            f"`{file.name}` must hold eigenvalues, as .npy or as text with one number a "
            f"line: {str(error).splitlines()[0]}"
        ) from error
    if values.size == 0:
        raise DataError(f"`{file.name}` must hold eigenvalues; it is empty.")
    return values
