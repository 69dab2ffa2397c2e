"""Blocks of a .csv file."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Float, Int

from isthmus.core.errors import DataError
from isthmus.data.checks import MIN_ROWS
from isthmus.data.columns import ALL, Choice
from isthmus.data.stream_base import AbstractStream, block_rows, rows_by_passing
from isthmus.data.text import (
    Line,
    is_header,
    not_utf8,
    numbered_lines,
    numbers_and_gaps,
    records,
    refuse_bad_cells,
    refuse_ragged,
)

HEAD_ROWS = 1000
"""Rows that tell which columns are text: those of a shorter file, all."""

_HEAD_CELLS = 10**6
_TEXT = 4  # bytes of memory per byte of number, and of text: a block is lines first
_PIECE = 512  # rows taken apart at once: their cells stay in the cache
Numbered = tuple[int, str]


@dataclasses.dataclass(frozen=True, eq=False)
class Layout:
    """What the first rows of a .csv file tell.

    Attributes:
        names: Of all columns.
        kept: Which of them are numbers that were asked for.
        left_out: The others, the reason in brackets.
        skip: Lines of the header.
        row_bytes: Mean length of a line.
    """

    names: tuple[str, ...]
    kept: list[int]
    left_out: tuple[str, ...]
    skip: int
    row_bytes: int


@final
class CsvStream(AbstractStream):
    """The columns of a .csv file that are numbers."""

    stored_dtype = None
    sample_shape = None
    n_rows = None

    def __init__(self, path: Path, layout: Layout, chunk: int | None, choice: Choice):
        self.path = path
        self.name = path.name
        self.layout = layout
        self.column_names = tuple(layout.names[i] for i in layout.kept)
        self.left_out = layout.left_out
        self.n_columns = len(layout.kept)
        self.drop_missing = choice.drop_missing
        self.n_rows_dropped = None if choice.drop_missing else 0
        self.dtype = np.dtype(np.float64)
        self.n_bytes = path.stat().st_size
        needed = _TEXT * max(8 * self.n_columns, layout.row_bytes)
        self.chunk = block_rows(needed, None, chunk)

    def parts(
        self, order: Int[np.ndarray, " part"] | None = None
    ) -> Iterator[tuple[int, Float[np.ndarray, "row column"]]]:
        """Read blocks of rows, in the order of the file; see `AbstractStream.parts`."""
        first = 0
        try:
            with self.path.open(encoding="utf-8-sig") as file:
                numbered = islice(enumerate(file, start=1), self.layout.skip, None)
                filled = (line for line in numbered if line[1].strip())
                while lines := list(islice(filled, self.chunk)):
                    block = self._fast(lines)
                    if block is None:
                        block = self._carefully(chain(lines, filled), len(lines))
                    yield first, block
                    first += block.shape[0]
        except UnicodeDecodeError as error:
            raise DataError(not_utf8(self.name, error)) from error

    def rows(self, indices: Sequence | np.ndarray) -> Float[np.ndarray, "row column"]:
        """Pass over the text and keep some rows; see :meth:`AbstractStream.rows`."""
        return rows_by_passing(self, indices)

    def _fast(self, lines: list[Numbered]) -> np.ndarray | None:
        """Numbers of some lines by NumPy's parser; None where anything else is found."""
        usecols = None
        if self.left_out:
            # Of columns that it leaves out the parser does not see whether they are there.
            commas = len(self.layout.names) - 1
            if any(text.count(",") != commas or '"' in text for _, text in lines):
                return None
            usecols = self.layout.kept
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", UserWarning)
                values = np.loadtxt(
                    (text for _, text in lines),
                    delimiter=",",
                    comments=None,
                    ndmin=2,
                    usecols=usecols,
                )
        except (ValueError, UserWarning):
            return None
        right = values.shape == (len(lines), self.n_columns)
        return values if right and np.isfinite(values).all() else None

    def _carefully(self, lines: Iterator[Numbered], most: int) -> np.ndarray:
        """Numbers cell by cell, or an error that names the line and the column."""
        block = np.empty((most, self.n_columns))
        found = islice(records(self.name, lines), most)
        done = 0
        while piece := list(islice(found, _PIECE)):
            self._fill(piece, block[done : done + len(piece)])
            done += len(piece)
        return block[:done]

    def _fill(self, found: list[Line], out: np.ndarray) -> None:
        for number, cells in found:
            refuse_ragged(self.name, number, cells, len(self.layout.names))
        kept = self.layout.kept
        columns = list(zip(*(cells for _, cells in found), strict=True))
        for column, index in enumerate(kept):
            values = numbers_and_gaps(columns[index])
            if values is None:
                raise DataError(self._text_among_numbers(found, index))
            out[:, column] = values
        refuse_bad_cells(
            self.name,
            out,
            self.column_names,
            lambda row, column: (found[row][0], found[row][1][kept[column]]),
            self.drop_missing,
        )

    def _text_among_numbers(self, found: list[Line], index: int) -> str:
        number, cell = next(
            (number, cells[index])
            for number, cells in found
            if numbers_and_gaps([cells[index]]) is None
        )
        name = self.layout.names[index]
        return (
            f"`{self.name}` must have numbers all the way down a column to be read in "
            f"blocks; line {number}, column {name!r} is {cell!r}. Leave the column out "
            f"(--drop, drop=[{name!r}]), or mend the line."
        )


def open_csv(
    path: Path, key: str | None, chunk: int | None, choice: Choice = ALL
) -> AbstractStream:
    """Open a .csv file; only its first rows are read, to see which columns are numbers.

    Args:
        path: The file, UTF-8.
        key: Must be None: such a file has no parts.
        chunk: Rows of a block, or None.
        choice: Which columns, and whether rows with gaps are left out.

    Returns:
        The stream.

    Raises:
        DataError: If the file is empty, has fewer than ten rows, no column of numbers, or
            not the columns chosen.
    """
    if key is not None:
        raise DataError(f"`{path.name}` has no parts; leave out ':{key}'.")
    lines = numbered_lines(path)
    head = list(islice(lines, 2))
    if not head:
        raise DataError(f"`{path.name}` must not be empty. Write a row per line.")
    header = is_header(head)
    if header and len(head) == 1:
        raise DataError(f"`{path.name}` must have rows; it has a header only. Add rows.")
    most = min(HEAD_ROWS, max(MIN_ROWS, _HEAD_CELLS // len(head[0][1]))) + header
    head += islice(lines, most - len(head))
    whole = next(lines, None) is None
    rows = [cells for _, cells in head[header:]]
    if len(rows) < choice.min_rows:
        raise DataError(
            f"`{path.name}` must have at least {choice.min_rows} rows; got {len(rows)}. "
            "Fewer leave nothing to hold out."
        )
    layout = _layout(path.name, head[0], header, rows, whole, choice)
    return CsvStream(path, layout, chunk, choice)


def _layout(
    name: str, first: Line, header: bool, rows: list[list[str]], whole: bool, choice: Choice
) -> Layout:
    """Tell columns of numbers from the others."""
    given = [cell.strip() if header else "" for cell in first[1]]
    names = tuple(cell or f"column {i}" for i, cell in enumerate(given))
    asked, left_out = choice.split(name, names)
    kept = []
    for index in asked:
        column = numbers_and_gaps([cells[index] for cells in rows])
        if column is not None and not np.isnan(column).all():
            kept.append(index)
        elif column is None or whole:
            left_out += (f"{names[index]} (not numbers)",)
        else:
            left_out += (f"{names[index]} (no number in the first {len(rows)} rows)",)
    if not kept:
        raise DataError(
            f"`{name}` must have a column of numbers; all are text. Cells are "
            "separated by commas, and decimals take a point."
        )
    length = sum(len(cell) + 1 for cells in rows for cell in cells) // len(rows)
    return Layout(names, kept, left_out, first[0] if header else 0, length)
