"""Bytes of codes: those that an index holds, and those that it makes of rows."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from jaxtyping import Float, Int, UInt8

from isthmus.codec.faiss.library import kind_of, library
from isthmus.codec.faiss.unwrapping import Unwrapped


@dataclasses.dataclass(frozen=True, eq=False)
class Stored:
    """Codes as faiss writes them.

    Attributes:
        packed: Bits and what follows them, "sample byte".
        lists: Inverted list of each row; None if there are no lists.
        ids: Numbers of the rows where they are not 0, 1, 2, ...; or None.
    """

    packed: UInt8[np.ndarray, "sample byte"]
    lists: Int[np.ndarray, " sample"] | None = None
    ids: Int[np.ndarray, " sample"] | None = None


def has_lists(core: Any) -> bool:
    """Whether an index keeps its codes in inverted lists."""
    return kind_of(core).startswith("IndexIVF")


def encoded(index: Unwrapped, rows: Float[np.ndarray, "sample input"]) -> Stored:
    """Codes that a trained index makes of rows."""
    for transform in index.transforms:
        rows = transform.apply(rows)
    return split(index.core, index.core.sa_encode(rows))


def split(core: Any, made: UInt8[np.ndarray, "sample byte"]) -> Stored:
    """Take the number of the list off the front of codes that stand alone."""
    if not has_lists(core):
        return Stored(made)
    size = int(core.coarse_code_size())
    powers = 256 ** np.arange(size, dtype=np.int64)
    return Stored(np.ascontiguousarray(made[:, size:]), made[:, :size] @ powers)


def held(index: Unwrapped) -> Stored:
    """Codes that an index holds, in the order in which they were added.

    Where there are inverted lists the order is that of the rows' numbers.
    """
    core = index.core
    if not has_lists(core):
        return Stored(_flat(core), None, index.ids)
    faiss = library()
    lists = faiss.downcast_InvertedLists(core.invlists)
    packed, numbers, ids = [], [], []
    for number in range(int(core.nlist)):
        count = int(lists.list_size(number))
        if count:
            ids.append(faiss.rev_swig_ptr(lists.get_ids(number), count).copy())
            packed.append(_of_list(core, lists, number, count))
            numbers.append(np.full(count, number))
    order = np.argsort(np.concatenate(ids), kind="stable")
    found = np.concatenate(ids)[order]
    if index.ids is not None:
        found = index.ids[found]
    named = not np.array_equal(found, np.arange(found.size))
    return Stored(
        np.concatenate(packed)[order],
        np.concatenate(numbers)[order],
        found if named else None,
    )


def _flat(core: Any) -> np.ndarray:
    faiss = library()
    everything = faiss.vector_to_array(core.codes)
    if kind_of(core).endswith("FastScan"):
        return _unpacked(core.get_CodePacker(), everything, int(core.ntotal))
    rows: np.ndarray = everything.reshape(-1, int(core.code_size))[: int(core.ntotal)]
    return rows


def _of_list(core: Any, lists: Any, number: int, count: int) -> np.ndarray:
    faiss = library()
    if kind_of(core).endswith("FastScan"):
        packer = lists.packer
        size = packer.block_size * -(-count // packer.nvec)
        return _unpacked(packer, faiss.rev_swig_ptr(lists.get_codes(number), size), count)
    size = int(core.code_size)
    block = faiss.rev_swig_ptr(lists.get_codes(number), count * size)
    rows: np.ndarray = block.reshape(count, size).copy()
    return rows


def _unpacked(packer: Any, blocks: np.ndarray, count: int) -> np.ndarray:
    """Codes out of blocks that interleave them for fast scans."""
    table = blocks.reshape(-1, packer.block_size)
    return np.stack([packer.unpack_1(table, i) for i in range(count)])
