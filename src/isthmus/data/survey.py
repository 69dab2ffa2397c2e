"""One pass over a stream: moments of all rows, and a fair sample of them."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Bool, Float, Int

from isthmus.core.errors import DataError
from isthmus.core.progress import Progress
from isthmus.core.random import raw_words
from isthmus.data.moments import Moments
from isthmus.data.stream_base import AbstractStream

_LEAST_BLOCKS = 4


@dataclasses.dataclass(frozen=True, eq=False)
class Survey:
    """What one pass over a stream leaves.

    Attributes:
        moments: Of all rows read.
        sample: Rows drawn from those read, every set of them equally likely, in no
            order; all rows if these are no more.
        numbers: Which rows of the file they are.
        constant: Columns that did not change over the rows read.
        complete: Whether the file was read to its end.
    """

    moments: Moments
    sample: Float[np.ndarray, "sample column"]
    numbers: Int[np.ndarray, " sample"]
    constant: Bool[np.ndarray, " column"]
    complete: bool


def survey(
    source: AbstractStream,
    n_sample: int,
    *,
    rng: np.random.Generator,
    seconds: float | None = None,
    n_rows: int | None = None,
    transform: Callable[[int, np.ndarray], np.ndarray] | None = None,
    progress: Progress | None = None,
) -> Survey:
    """Read a stream once, for its moments and for a sample of its rows.

    Where there is no time for all, blocks are read in random order, if the file allows
    to jump, so that a file sorted by class is not mistaken for its first class.

    Args:
        source: The stream.
        n_sample: Rows to keep, at least one.
        rng: Draws the order of the blocks and the rows.
        seconds: When to stop reading; None reads all. A few blocks are read in any case.
        n_rows: Read only that many first rows of the file; None reads all.
        transform: From the number of a block's first row and the block to the rows that
            the moments are of; the sample keeps the rows as they are.
        progress: Told a label, rows read and rows in all (0 where not known).

    Returns:
        The survey. Products of float32 rows are taken in float32 and added up in
        float64: good to 1e-6 of the largest eigenvalue.

    Raises:
        DataError: If a block cannot be read.
    """
    keep = _Reservoir(n_sample, source.n_columns, source.dtype, rng)
    watch = _Watch(source, n_rows, seconds, rng, transform, keep, progress)
    products = "float32" if source.dtype == np.float32 else "float64"
    moments = Moments.from_blocks(watch.blocks(), products=products)
    constant = np.zeros(source.n_columns, dtype=bool)
    constant[watch.still] = True
    rows, numbers = keep.rows[: keep.count], keep.numbers[: keep.count]
    return Survey(moments, rows, numbers, constant, watch.complete)


class _Watch:
    """Blocks on their way to the moments, seen by the sample."""

    def __init__(
        self,
        source: AbstractStream,
        n_rows: int | None,
        seconds: float | None,
        rng: np.random.Generator,
        transform: Callable[[int, np.ndarray], np.ndarray] | None,
        keep: _Reservoir,
        progress: Progress | None,
    ):
        self.source, self.end, self.seconds = source, n_rows, seconds
        self.rng, self.transform, self.keep = rng, transform, keep
        self.tell = progress or (lambda label, done, total: None)
        self.still = np.arange(source.n_columns)
        self.first: np.ndarray | None = None
        self.complete = True

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield every block after looking at it."""
        total = self.source.n_rows or 0
        if self.end is not None:
            total = self.end
        started = time.perf_counter()
        done = n_blocks = 0
        for start, block in self._numbered():
            if self.end is not None:
                block = block[: max(0, self.end - start)]
            if not block.shape[0]:
                continue
            late = self.seconds is not None and time.perf_counter() - started > self.seconds
            if late and n_blocks >= _LEAST_BLOCKS:
                self.complete = False
                break
            self._compare(block)
            self.keep.add(block, start)
            done, n_blocks = done + block.shape[0], n_blocks + 1
            self.tell("reading rows", done, max(total, done))
            yield block if self.transform is None else self.transform(start, block)

    def _numbered(self) -> Iterator[tuple[int, np.ndarray]]:
        if self.seconds is not None:
            yield from self.source.shuffled_blocks(self.rng)
            return
        start = 0
        for block in self.source.blocks():
            yield start, block
            start += block.shape[0]

    def _compare(self, block: np.ndarray) -> None:
        """Strike columns that change; few are left to look at after the first block."""
        if self.first is None:
            self.first = block[0].copy()
        if self.still.size:
            seen = block[:, self.still] if self.still.size < block.shape[1] else block
            same = (seen == self.first[self.still]).all(axis=0)
            self.still = self.still[same]


class _Reservoir:
    """The rows of least priority among those seen, priorities drawn at random."""

    def __init__(
        self, size: int, n_columns: int, dtype: np.dtype, rng: np.random.Generator
    ):
        if size < 1:
            raise DataError(f"`survey(n_sample=...)` must be at least 1; got {size}.")
        self.size, self.rng = size, rng
        self.rows = np.empty((size, n_columns), dtype)
        self.numbers = np.empty(size, np.int64)
        self.priority = np.empty(size, np.uint64)
        self.count = 0

    def add(self, block: np.ndarray, start: int) -> None:
        """See a block whose first row has this number in the file."""
        drawn = raw_words(self.rng, block.shape[0])
        free = min(self.size - self.count, block.shape[0])
        self._put(slice(self.count, self.count + free), block, start, drawn, slice(free))
        self.count += free
        rest = np.arange(free, block.shape[0])
        rest = rest[drawn[rest] < self.priority.max()] if rest.size else rest
        if not rest.size:
            return
        both = np.concatenate([self.priority, drawn[rest]])
        least = np.argpartition(both, self.size - 1)[: self.size]
        stay = np.zeros(both.size, dtype=bool)
        stay[least] = True
        into = np.flatnonzero(~stay[: self.size])
        self._put(into, block, start, drawn, rest[stay[self.size :]])

    def _put(
        self,
        into: slice | np.ndarray,
        block: np.ndarray,
        start: int,
        drawn: np.ndarray,
        chosen: slice | np.ndarray,
    ) -> None:
        self.rows[into] = block[chosen]
        self.numbers[into] = start + np.arange(block.shape[0])[chosen]
        self.priority[into] = drawn[chosen]
