"""Checkpoints of a training run: safetensors with a JSON header, whole or not there."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.core.files import packed, path_of, unpacked, write_whole

_FORMAT, _VERSION = "isthmus-checkpoint", 1


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """All that a run needs to go on as if it had never stopped.

    Attributes:
        fingerprint: Of the run: ``architecture`` and ``data`` as text, ``settings`` by
            name.
        state: Plain values: seed, epochs done, early stopping, why it ended.
        arrays: Weights, best weights, moments of the optimiser, history.
    """

    fingerprint: dict[str, Any]
    state: dict[str, Any]
    arrays: dict[str, np.ndarray]


def checked_path(call: str, path: object) -> Path:
    """Where a checkpoint may lie.

    Args:
        call: Call and argument.
        path: What was given.

    Raises:
        ValueOutOfRange: If it is no path, or does not end in .safetensors.

    Examples:
        >>> checked_path("f(checkpoint=...)", "run.safetensors").name
        'run.safetensors'
    """
    target = path_of(call, path)
    if target.suffix != ".safetensors":
        raise ValueOutOfRange(f"`{call}` must end in .safetensors; got {target.name!r}.")
    return target


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Replace the file by a newer state, in one step that cannot be seen half done.

    Args:
        path: Where to.
        checkpoint: What to keep.

    Raises:
        OutputError: If it cannot be written.
    """
    header = {
        "format": _FORMAT,
        "version": _VERSION,
        "fingerprint": checkpoint.fingerprint,
        "state": checkpoint.state,
    }
    payload = packed(checkpoint.arrays, header)
    write_whole(path, payload, temporary=f".{path.name}.part")


def read_checkpoint(path: Path) -> Checkpoint:
    """The state that :func:`write_checkpoint` left.

    Raises:
        DataNotFound: If there is none.
        DataError: If it is damaged, no checkpoint, or of a newer isthmus.

    Examples:
        >>> import tempfile
        >>> state = Checkpoint({"data": "a"}, {"epoch": 3}, {"weights/x": np.ones(2)})
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_checkpoint(Path(folder) / "c.safetensors", state)
        ...     read_checkpoint(Path(folder) / "c.safetensors").state
        {'epoch': 3}
    """
    try:
        header, arrays = unpacked(path, kind=_FORMAT, noun="checkpoint", version=_VERSION)
        if not all(isinstance(header[name], dict) for name in ("fingerprint", "state")):
            raise DataError(f"`{path.name}` is damaged: parts of it are no tables.")
        return Checkpoint(header["fingerprint"], header["state"], arrays)
    except KeyError as error:
        raise DataError(
            f"`{path.name}` lacks a part of its checkpoint: {error}."
        ) from error
    except DataError as error:
        raise DataError(f"{error} Or delete it: training then starts anew.") from error


def check_fingerprint(
    path: Path, written: Mapping[str, Any], now: Mapping[str, Any]
) -> None:
    """Refuse to go on with a run that was another one.

    Args:
        path: The checkpoint.
        written: Fingerprint in it.
        now: Fingerprint of the run that wants to go on.

    Raises:
        DataError: If they differ; the message says in what.
    """
    if dict(written) == dict(now):
        return
    where = "Give the run its own file, or delete this one to start anew."
    if written.get("architecture") != now["architecture"]:
        raise DataError(
            f"`{path.name}` is the checkpoint of another architecture: "
            f"{_short(written.get('architecture'))} there, "
            f"{_short(now['architecture'])} here. {where}"
        )
    if written.get("data") != now["data"]:
        raise DataError(f"`{path.name}` is the checkpoint of other data. {where}")
    old, new = written.get("settings", {}), now["settings"]
    changed = [name for name in new if old.get(name) != new[name]]
    told = ", ".join(
        f"{name}={old.get(name)!r} there, {new[name]!r} here" for name in changed
    )
    raise DataError(f"`{path.name}` is the checkpoint of other settings: {told}. {where}")


def _short(architecture: object) -> str:
    """Its layers with weights, without what torch prints around them."""
    lines = str(architecture).partition("|")[0].split("\n")
    layers = [line.partition(": ")[2] for line in lines if "in_" in line]
    return ", ".join(layers) or "none"
