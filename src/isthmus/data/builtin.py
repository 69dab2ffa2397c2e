"""Data sets with a name of their own: made here, or files in $ISTHMUS_DATA."""

from __future__ import annotations

import dataclasses
import difflib
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from isthmus.core.errors import DataNotFound
from isthmus.data.base import Dataset
from isthmus.data.columns import Choice, chosen
from isthmus.data.iid import gaussian, sparse_gaussian, sparse_rademacher
from isthmus.data.npy import npz_array, npz_keys
from isthmus.data.shapes import shapes
from isthmus.data.sparse import read_sparse

_LISTED = 6
_UCR, _TRAIN = "ucr/", "/x_train"


def digits(choice: Choice) -> Dataset:
    """1797 handwritten digits of 8 x 8 grey levels 0 ... 16, from scikit-learn."""
    from sklearn.datasets import load_digits

    images = np.asarray(load_digits().images, dtype=np.float64)
    names = tuple(f"pixel {row},{column}" for row in range(8) for column in range(8))
    return chosen("digits", images, choice, names)


@dataclasses.dataclass(frozen=True)
class Archive:
    """An .npz file in the folder that $ISTHMUS_DATA names.

    Attributes:
        file: Its name.
        key: Array in it; None if it is a sparse matrix.
        home: Where the originals are.
        sample_ndim: Dimensions of one sample, those before are rows; None: one before.
    """

    file: str
    key: str | None
    home: str
    sample_ndim: int | None = None

    def path(self) -> Path | None:
        """The file, or None if it is not there."""
        folder = os.environ.get("ISTHMUS_DATA")
        path = Path(folder or "") / self.file
        return path if folder and path.is_file() else None

    def found(self, name: str) -> Path:
        """The file, or an error that says where it belongs and comes from."""
        path = self.path()
        if path is None:
            folder = os.environ.get("ISTHMUS_DATA")
            where = f"{folder} has no such file" if folder else "it is not set"
            what = "sparse matrix" if self.key is None else f"array {self.key!r}"
            raise DataNotFound(
                f"`{name}` is read from $ISTHMUS_DATA/{self.file} ({what}); "
                f"{where}. Put the file there (originals: {self.home}), or use the "
                "built-in `digits`."
            )
        return path

    def read(self, name: str, choice: Choice) -> Dataset:
        """Read the array, or the sparse matrix, under a built-in name."""
        path = self.found(name)
        if self.key is None:
            return read_sparse(name, path, choice)
        _, array = npz_array(path, self.key)
        if self.sample_ndim is not None and array.ndim > self.sample_ndim:
            array = array.reshape(-1, *array.shape[array.ndim - self.sample_ndim :])
        return chosen(name, array, choice)


ARCHIVES = {
    "cifar10": Archive(
        "cifar10_exact.npz", "x_train", "https://www.cs.toronto.edu/~kriz/cifar.html"
    ),
    "coil20": Archive(
        "coil20.npz",
        "images",
        "https://www.cs.columbia.edu/CAVE/software/softlib/coil-20.php",
        sample_ndim=2,
    ),
    "ecg": Archive("ecg_mitbih100.npz", "signal", "https://physionet.org/content/mitdb"),
    "fashion-mnist": Archive(
        "fashion_mnist.npz", "x_train", "https://github.com/zalandoresearch/fashion-mnist"
    ),
    "gene-counts": Archive(
        "scrna_10k.npz",
        None,
        "counts of genes in cells, as on https://www.10xgenomics.com/datasets",
    ),
    "mnist": Archive(
        "mnist.npz",
        "x_train",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
    ),
    "sift": Archive("sift5k.npz", "x", "http://corpus-texmex.irisa.fr"),
}
UCR = Archive(
    "ucr_subset.npz",
    "<Name>/x_train",
    "https://www.cs.ucr.edu/~eamonn/time_series_data_2018",
)
MADE: dict[str, Callable[[Choice], Dataset]] = {
    "digits": digits,
    "gaussian": gaussian,
    "sparse-gaussian": sparse_gaussian,
    "sparse-rademacher": sparse_rademacher,
    **shapes(),
}
NAMES = (*sorted({**MADE, **ARCHIVES}), "ucr/<Name>")


def find_builtin(name: str) -> Callable[[Choice], Dataset] | None:
    """Reader of a built-in name.

    Args:
        name: Any text; ``ucr/`` before the name of a set of the UCR archive.

    Returns:
        A function of the choice of columns, or None if it is no such name.

    Examples:
        >>> find_builtin("digits")(Choice()).values.shape
        (1797, 64)
        >>> find_builtin("ucr/x.csv") is None
        True
    """
    if name in MADE:
        return MADE[name]
    if name in ARCHIVES or _is_ucr(name):
        return partial(_read_archive, name)
    return None


def archive_of(name: str) -> Archive:
    """File and array behind a built-in name that is read from $ISTHMUS_DATA.

    Args:
        name: Such a name.

    Returns:
        The archive.

    Raises:
        DataNotFound: If it is a set of the UCR archive that is not there.

    Examples:
        >>> archive_of("mnist").file
        'mnist.npz'
    """
    if not _is_ucr(name):
        return ARCHIVES[name]
    path = UCR.found(name)
    wanted = name.removeprefix(_UCR.rstrip("/")).lstrip("/")
    keys = [key.removesuffix(_TRAIN) for key in npz_keys(path) if key.endswith(_TRAIN)]
    if wanted not in keys:
        raise DataNotFound(_unknown_set(name, wanted, keys))
    return dataclasses.replace(UCR, key=f"{wanted}{_TRAIN}")


def _is_ucr(name: str) -> bool:
    return name == _UCR.rstrip("/") or (name.startswith(_UCR) and "." not in name)


def _read_archive(name: str, choice: Choice) -> Dataset:
    return archive_of(name).read(name, choice)


def _unknown_set(name: str, wanted: str, keys: list[str]) -> str:
    lower = {key.lower(): key for key in keys}
    near = difflib.get_close_matches(wanted.lower(), lower, n=3)
    hint = f"Did you mean {' or '.join(_UCR + lower[key] for key in near)}? "
    more = f" and {len(keys) - _LISTED} more" if len(keys) > _LISTED else ""
    listed = ", ".join(keys[:_LISTED]) or "none"
    return (
        f"`{name}`: {UCR.file} has no set {wanted!r}. {hint if near else ''}"
        f"It has {listed}{more}."
    )


def available() -> dict[str, bool]:
    """Which built-in names can be read here: those that need a file may miss it.

    Examples:
        >>> available()["digits"]
        True
    """
    files = {**ARCHIVES, "ucr/<Name>": UCR}
    return {name: name in MADE or files[name].path() is not None for name in NAMES}
