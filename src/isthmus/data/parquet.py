"""Parquet files, read by pyarrow (extra ``parquet``)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.core.errors import DataError, MissingDependency
from isthmus.data.base import Dataset
from isthmus.data.columns import ALL, Choice, settled

_PLAIN, _ENCRYPTED = b"PAR1", b"PARE"


def read_parquet(path: Path, key: str | None, choice: Choice = ALL) -> Dataset:
    """Read a .parquet file.

    Columns that are not numbers (text, dates, categories, nested ones) are left out and
    named; so is a column of nothing but nulls.

    Args:
        path: The file.
        key: Must be None: such a file has no parts.
        choice: Which columns, the others are not read; and whether rows with nulls are
            left out.

    Returns:
        The columns that are numbers, float32 if none needs more.

    Raises:
        DataError: If the file is no Parquet file or damaged, two columns share a name, a
            value is missing or infinite, or no column is numbers.
        MissingDependency: If pyarrow is not installed.
    """
    refuse_parts(path, key)
    with opened_parquet(path) as (file, pyarrow):
        return _read(path.name, file, pyarrow.types, choice)


@contextlib.contextmanager
def opened_parquet(path: Path, buffer: int = 0) -> Iterator[tuple[Any, Any]]:
    """Open a file and turn pyarrow's exceptions into one clear line.

    Args:
        path: The file.
        buffer: Bytes of a column to read at a time; 0 reads all of a row group at once.

    Yields:
        The open `ParquetFile` and pyarrow.

    Raises:
        DataError: If it is no Parquet file or damaged, then or while it is read.
        MissingDependency: If pyarrow is not installed.
    """
    _refuse_other_files(path)
    pyarrow = _pyarrow(path.name)
    try:
        with pyarrow.parquet.ParquetFile(
            path, buffer_size=buffer, pre_buffer=False
        ) as file:
            yield file, pyarrow
    except DataError:
        raise
    except (pyarrow.ArrowException, OSError, MemoryError, ValueError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(
            f"`{path.name}` cannot be read as a Parquet file: it is cut short or damaged "
            f"({first}). Write it again."
        ) from error


def refuse_parts(path: Path, key: str | None) -> None:
    """Refuse ``file:key`` where a file has no parts."""
    if key is not None:
        raise DataError(f"`{path.name}` has no parts; leave out ':{key}'.")


def _refuse_other_files(path: Path) -> None:
    """Tell by the magic bytes, before pyarrow is needed."""
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(max(0, path.stat().st_size - 4))
        tail = file.read(4)
    if _ENCRYPTED in (head, tail):
        raise DataError(f"`{path.name}` is encrypted; decrypt it first.")
    if not head:
        raise DataError(f"`{path.name}` must be a Parquet file; it is empty (0 bytes).")
    if head != _PLAIN:
        raise DataError(
            f"`{path.name}` must be a Parquet file; it begins with {head!r}, not "
            f"{_PLAIN!r}. Give it the ending of what it is, or write it again."
        )
    if tail != _PLAIN:
        raise DataError(
            f"`{path.name}` cannot be read as a Parquet file: it is cut short or damaged "
            f"(its end is missing). Write it again."
        )


def _pyarrow(name: str) -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "pyarrow":
            raise
        raise MissingDependency(
            f"`{name}` must be read by pyarrow; it is not installed. "
            "Run pip install 'isthmus[parquet]'."
        ) from error
    return pyarrow


def _read(name: str, file: Any, types: Any, choice: Choice) -> Dataset:
    wanted, left_out, dtype = number_columns(name, file.schema_arrow, types, choice)
    table = file.read(columns=wanted)
    columns, used = [], []
    for column in wanted:
        values = np.array(table.column(column).to_numpy(), dtype)
        if values.size and np.isnan(values).all():
            left_out += (f"{column} (not numbers)",)
        else:
            columns.append(values)
            used.append(column)
    if not columns:
        raise DataError(no_numbers(name, left_out))
    return settled(name, np.stack(columns, axis=1), tuple(used), left_out, choice)


def number_columns(
    name: str, schema: Any, types: Any, choice: Choice
) -> tuple[list[str], tuple[str, ...], np.dtype]:
    """Columns that were asked for and are numbers, by their types.

    Args:
        name: What to call the file.
        schema: Its Arrow schema.
        types: ``pyarrow.types``.
        choice: Which columns.

    Returns:
        Their names, the others with the reason in brackets, and the type that holds all.

    Raises:
        DataError: If two columns share a name, or a name is not there.
    """
    _refuse_twins(name, schema.names)
    kept, left_out = choice.split(name, schema.names)
    wanted = []
    single = True
    for index in kept:
        reason = _why_not(schema.types[index], types)
        if reason:
            left_out += (f"{schema.names[index]} ({reason})",)
        else:
            wanted.append(schema.names[index])
            single &= _fits_single(schema.types[index], types)
    return wanted, left_out, np.dtype(np.float32 if single else np.float64)


def no_numbers(name: str, left_out: tuple[str, ...]) -> str:
    """Message on a file without a column of numbers."""
    return (
        f"`{name}` must have a column of numbers; left out: "
        f"{', '.join(left_out[:10])}. Write nested columns as one column per number, "
        "or as .npy."
    )


def _why_not(kind: Any, types: Any) -> str:
    """Reason to leave a column of this type out; empty if it is numbers."""
    if types.is_nested(kind):
        return "nested"
    numeric = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal)
    return "" if any(test(kind) for test in numeric) else "not numbers"


def _fits_single(kind: Any, types: Any) -> bool:
    return bool(types.is_float16(kind) or types.is_float32(kind))


def _refuse_twins(name: str, names: list[str]) -> None:
    twins = sorted({column for column in names if names.count(column) > 1})
    if twins:
        raise DataError(
            f"`{name}` must have different column names; {twins[0]!r} comes twice. "
            "Rename one."
        )
