"""Comma-separated text."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import numpy as np

from isthmus.core.errors import DataError
from isthmus.data.base import Dataset
from isthmus.data.checks import checked

_MISSING = frozenset(["", "na", "n/a", "nan", "null", "none", "?"])


def read_csv(path: Path, key: str | None) -> Dataset:
    """Read a .csv file.

    A first line that holds a word over a column of numbers is a header. Columns that
    are not numbers are left out and named.

    Args:
        path: The file, UTF-8.
        key: Must be None: such a file has no parts.

    Returns:
        The columns that are numbers.

    Raises:
        DataError: If the file is empty, lines differ in length, a value is missing or
            no column is numbers; the message gives the line.
    """
    if key is not None:
        raise DataError(f"`{path.name}` has no parts; leave out ':{key}'.")
    lines, numbers = _lines(path)
    if not lines:
        raise DataError(f"`{path.name}` must not be empty.")
    header = _is_header(lines)
    names = [c.strip() for c in lines[0]] if header else []
    names = names or [f"column {i}" for i in range(len(lines[0]))]
    rows, numbers = (lines[1:], numbers[1:]) if header else (lines, numbers)
    if not rows:
        raise DataError(f"`{path.name}` must have rows; it has a header only.")
    columns, left_out, kept = [], [], []
    for index, (name, cells) in enumerate(zip(names, zip(*rows, strict=True), strict=True)):
        column = _numbers(path.name, name, cells, numbers)
        if column is None:
            left_out.append(f"{name} (not numbers)")
        else:
            columns.append(column)
            kept.append(name or f"column {index}")
    if not columns:
        raise DataError(f"`{path.name}` must have a column of numbers; all are text.")
    dataset = checked(path.name, np.stack(columns, axis=1), tuple(kept))
    return dataclasses.replace(dataset, left_out=tuple(left_out))


def _lines(path: Path) -> tuple[list[list[str]], list[int]]:
    """Cells of every line that is not blank, and the line's number in the file."""
    lines: list[list[str]] = []
    numbers: list[int] = []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            for cells in reader:
                if not any(cell.strip() for cell in cells) and len(cells) <= 1:
                    continue
                if lines and len(cells) != len(lines[0]):
                    raise DataError(
                        f"`{path.name}` must have {len(lines[0])} cells on every line; "
                        f"line {reader.line_num} has {len(cells)}."
                    )
                lines.append(cells)
                numbers.append(reader.line_num)
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(
            f"`{path.name}` cannot be read as UTF-8 comma-separated text: {error}."
        ) from error
    return lines, numbers


def _is_header(lines: list[list[str]]) -> bool:
    first = lines[0]
    if all(_is_number(cell) for cell in first):
        return False
    if len(lines) == 1:
        return True
    words = [not _is_number(c) and c.strip().lower() not in _MISSING for c in first]
    below = lines[1]
    return all(words) or any(w and _is_number(b) for w, b in zip(words, below, strict=True))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return cell.strip().lower() not in _MISSING


def _numbers(
    file: str, name: str, cells: tuple[str, ...], lines: list[int]
) -> np.ndarray | None:
    """Column as float64, or None if it is text; a gap in a numeric column is an error."""
    try:
        column = np.array(cells, dtype=np.float64)
        if not np.isnan(column).any():
            return column
    except ValueError:
        pass
    present = [c.strip().lower() not in _MISSING for c in cells]
    for cell, here in zip(cells, present, strict=True):
        if here and not _is_number(cell):
            return None
    if not any(present):
        return None
    gap = present.index(False)
    raise DataError(
        f"`{file}` must have no missing values; line {lines[gap]}, column {name!r} is "
        f"{cells[gap]!r}. Fill it, or leave the row or column out."
    )
