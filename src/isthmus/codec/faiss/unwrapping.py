"""The quantiser inside an index, and what stands around it."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from isthmus.codec.faiss.library import kind_of, library
from isthmus.core.door import shown
from isthmus.core.errors import ValueOutOfRange

READABLE = (
    "IndexEDEN",
    "IndexIVFEDEN",
    "IndexIVFRaBitQ",
    "IndexIVFRaBitQFastScan",
    "IndexIVFScalarQuantizer",
    "IndexLSH",
    "IndexRaBitQ",
    "IndexRaBitQFastScan",
    "IndexScalarQuantizer",
)
_AROUND = "IndexPreTransform, IndexIDMap, IndexRefine or IndexHNSW"
_CENTROIDS = ("PQ", "Residual", "LocalSearch", "Additive")


@dataclasses.dataclass(frozen=True, eq=False)
class Unwrapped:
    """An index taken apart.

    Attributes:
        whole: The index that was given; it keeps the rest alive.
        core: The one that holds codes.
        transforms: What rows go through before it sees them.
        ids: Numbers that the user gave to rows, in the order of the rows; or None.
    """

    whole: Any
    core: Any
    transforms: tuple[Any, ...]
    ids: np.ndarray | None


def unwrapped(index: Any) -> Unwrapped:
    """Look through transforms, numbers of rows and graphs.

    Args:
        index: Of faiss, trained or not.

    Returns:
        Its parts.

    Raises:
        ValueOutOfRange: If it is no index of faiss, holds no codes that are signs, or does
            not search by Euclidean distance.
    """
    faiss = library()
    if not isinstance(index, faiss.Index):
        raise ValueOutOfRange(
            "`sign_codes(index)` must be an index of faiss or a factory string such as "
            f"'RR,RaBitQ'; got {shown(index)}.{_way_out(index)}"
        )
    transforms: list[Any] = []
    ids, core = None, faiss.downcast_index(index)
    while True:
        _check_metric(faiss, core)
        kind = kind_of(core)
        if kind == "IndexPreTransform":
            count = core.chain.size()
            chain = (faiss.downcast_VectorTransform(core.chain.at(i)) for i in range(count))
            transforms.extend(chain)
            inside = core.index
        elif kind in ("IndexIDMap", "IndexIDMap2"):
            ids = faiss.vector_to_array(core.id_map) if ids is None else ids
            inside = core.index
        elif kind in ("IndexRefine", "IndexRefineFlat"):
            inside = core.base_index
        elif kind.startswith("IndexHNSW"):
            inside = core.storage
        else:
            break
        core = faiss.downcast_index(inside)
    if kind not in READABLE:
        raise ValueOutOfRange(
            f"`sign_codes(index)` must hold codes of signs; got {kind}{_reason(kind)}. "
            f"Readable are {', '.join(READABLE)}, also inside {_AROUND}."
        )
    return Unwrapped(index, core, tuple(transforms), ids)


def _check_metric(faiss: Any, index: Any) -> None:
    if index.metric_type != faiss.METRIC_L2:
        raise ValueOutOfRange(
            "`sign_codes(index)` must search by Euclidean distance (METRIC_L2); got metric "
            f"{index.metric_type} of {kind_of(index)}. Its stored factors belong to "
            "another distance: make the index again with faiss.METRIC_L2, whose signs are "
            "the same."
        )


def _reason(kind: str) -> str:
    if kind.startswith("IndexFlat") or kind == "IndexIVFFlat":
        return ", which keeps the rows themselves"
    if any(word in kind for word in _CENTROIDS):
        return ", whose codes are numbers of centroids"
    return ""


def _way_out(index: object) -> str:
    if kind_of(index).startswith("IndexBinary"):
        return (
            " A binary index no longer knows what made its bits: give them to "
            "isthmus.OneBitDecoder as -1 and +1, beside the rows."
        )
    return ""
