"""Models in files: numbers as safetensors, the rest as JSON in its header. No pickle."""

from __future__ import annotations

import importlib
import os
from typing import Any

from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.core.files import packed, path_of, unpacked, write_whole

_FORMAT, _VERSION = "isthmus-model", 3
_OLDEST = 1
"""Version of every model that older readers can make, unless its header says another."""
_CODECS = {
    "ShallowAutoencoder": "isthmus.estimators.shallow_file",
    "DeepAutoencoder": "isthmus.estimators.deep_file",
    "OneBitDecoder": "isthmus.estimators.one_bit_file",
}
"""Kind -> module with `parts(model)`, header and arrays, and `restored(header, arrays)`."""


def save(model: Any, path: str | os.PathLike) -> None:
    """Write a fitted model to one .safetensors file.

    The file appears whole or not at all: it is written beside its place and renamed.

    Args:
        model: Fitted ShallowAutoencoder, with an activation that has a name,
            DeepAutoencoder or OneBitDecoder.
        path: Where to; must end in .safetensors. A file that is there is replaced.

    Raises:
        ValueOutOfRange: If the model is not fitted, its activation has no name, or the path
            is none.
        OutputError: If the file cannot be written.

    Examples:
        >>> import tempfile
        >>> import numpy as np
        >>> from isthmus.estimators import ShallowAutoencoder
        >>> rows = np.eye(12)
        >>> model = ShallowAutoencoder(4, random_state=0).fit(rows)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save(model, f"{folder}/m.safetensors")
        ...     again = load(f"{folder}/m.safetensors")
        >>> bool((again.transform(rows) == model.transform(rows)).all())
        True
    """
    kind = type(model).__name__
    if kind not in _CODECS or not hasattr(model, "mean_"):
        raise ValueOutOfRange(f"`save(model=...)` must be a fitted {' or '.join(_CODECS)}.")
    target = path_of("save(path=...)", path)
    if target.suffix != ".safetensors":
        raise ValueOutOfRange(
            f"`save(path=...)` must end in .safetensors; got {target.name!r}."
        )
    header, arrays = importlib.import_module(_CODECS[kind]).parts(model)
    same = {"format": _FORMAT, "version": _OLDEST, "kind": kind}
    write_whole(target, packed(arrays, {**same, **header}))


def load(path: str | os.PathLike) -> Any:
    """Read a model that :func:`save` wrote.

    Args:
        path: The .safetensors file.

    Returns:
        The fitted model; its codes and reconstructions are the same to the last bit.

    Raises:
        DataNotFound: If there is no such file.
        DataError: If the file is damaged, or is no model of this library or version.
        MissingDependency: If it is a DeepAutoencoder and torch is not installed.
    """
    source = path_of("load(path=...)", path)
    header, arrays = unpacked(source, kind=_FORMAT, noun="model", version=_VERSION)
    kind = header.get("kind")
    if not isinstance(kind, str) or kind not in _CODECS:
        raise DataError(
            f"`{source.name}` is a model of a kind that this isthmus does not know: "
            f"{kind!r}. Update isthmus."
        )
    try:
        return importlib.import_module(_CODECS[kind]).restored(header, arrays)
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(f"`{source.name}` lacks a part of its model: {error}.") from error
