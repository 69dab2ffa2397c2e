"""Blocks of a .csv file of numbers."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Float

from isthmus.core.errors import DataError
from isthmus.data.checks import MIN_ROWS
from isthmus.data.stream_base import (
    AbstractStream,
    block_rows,
    refuse_not_finite,
    rows_by_passing,
)
from isthmus.data.text import as_numbers, is_header, numbered_lines

_TEXT = 4  # bytes of memory per byte of number: the lines of a block are text first


@final
class CsvStream(AbstractStream):
    """A .csv file in which every column is numbers."""

    stored_dtype = None
    sample_shape = None
    n_rows = None

    def __init__(
        self, path: Path, column_names: tuple[str, ...], skip: int, chunk: int | None
    ):
        self.path = path
        self.name = path.name
        self.column_names = column_names
        self.n_columns = len(column_names)
        self.dtype = np.dtype(np.float64)
        self.n_bytes = path.stat().st_size
        self.skip = skip
        self.chunk = block_rows(_TEXT * 8 * self.n_columns, None, chunk)

    def blocks(self) -> Iterator[Float[np.ndarray, "row column"]]:
        """Read blocks of rows; see :meth:`AbstractStream.blocks`."""
        done = 0
        try:
            with self.path.open(encoding="utf-8-sig") as file:
                numbered = islice(enumerate(file, start=1), self.skip, None)
                filled = (line for line in numbered if line[1].strip())
                while lines := list(islice(filled, self.chunk)):
                    block = _fast(lines, self.n_columns)
                    if block is None:
                        block = _carefully(self.name, lines, self.column_names)
                    refuse_not_finite(self.name, block, done, self.column_names)
                    done += block.shape[0]
                    yield block
        except UnicodeDecodeError as error:
            raise DataError(
                f"`{self.name}` cannot be read as UTF-8 comma-separated text: {error}."
            ) from error

    def rows(self, indices: Sequence | np.ndarray) -> Float[np.ndarray, "row column"]:
        """Pass over the text and keep some rows; see :meth:`AbstractStream.rows`."""
        return rows_by_passing(self, indices)


def open_csv(path: Path, key: str | None, chunk: int | None) -> AbstractStream:
    """Open a .csv file; only its first lines are read.

    Args:
        path: The file, UTF-8.
        key: Must be None: such a file has no parts.
        chunk: Rows of a block, or None.

    Returns:
        The stream.

    Raises:
        DataError: If the file is empty or has fewer than ten rows.
    """
    if key is not None:
        raise DataError(f"`{path.name}` has no parts; leave out ':{key}'.")
    head = list(islice(numbered_lines(path), MIN_ROWS + 1))
    if not head:
        raise DataError(f"`{path.name}` must not be empty.")
    header = is_header(head[:2])
    if header and len(head) == 1:
        raise DataError(f"`{path.name}` must have rows; it has a header only.")
    n_rows = len(head) - header
    if n_rows < MIN_ROWS:
        raise DataError(
            f"`{path.name}` must have at least {MIN_ROWS} rows; got {n_rows}. "
            "Fewer leave nothing to hold out."
        )
    cells = [cell.strip() if header else "" for cell in head[0][1]]
    names = tuple(cell or f"column {i}" for i, cell in enumerate(cells))
    return CsvStream(path, names, head[0][0] if header else 0, chunk)


def _fast(lines: list[tuple[int, str]], n_columns: int) -> np.ndarray | None:
    """Numbers of some lines by NumPy's parser; None where anything else is found."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            values = np.loadtxt(
                (text for _, text in lines), delimiter=",", comments=None, ndmin=2
            )
    except (ValueError, UserWarning):
        return None
    right = values.shape == (len(lines), n_columns)
    return values if right and np.isfinite(values).all() else None


def _carefully(
    name: str, lines: list[tuple[int, str]], column_names: tuple[str, ...]
) -> np.ndarray:
    """Numbers cell by cell, or an error that names the line and the column."""
    block = np.empty((len(lines), len(column_names)))
    for index, (number, text) in enumerate(lines):
        try:
            cells = next(csv.reader([text], strict=True))
        except csv.Error as error:
            raise DataError(
                f"`{name}` cannot be read as comma-separated text: line {number}: {error}."
            ) from error
        if len(cells) != len(column_names):
            raise DataError(
                f"`{name}` must have {len(column_names)} cells on every line; "
                f"line {number} has {len(cells)}."
            )
        for column, cell in enumerate(cells):
            value = as_numbers((cell,))
            if value is None or not np.isfinite(value[0]):
                raise DataError(
                    f"`{name}` must have a finite number in every cell to be read in "
                    f"blocks; line {number}, column {column_names[column]!r} is {cell!r}. "
                    "Fill it, or leave the row or column out."
                )
            block[index, column] = value[0]
    return block
