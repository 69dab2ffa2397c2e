"""A ledger of finished runs: one line of JSON each, so that a killed study goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from isthmus.core.errors import DataError, OutputError
from isthmus.core.files import header_sum, path_of

_CALL = "Ledger(path=...)"


class Ledger:
    """Results of runs under everything that determines them, kept in a file.

    Every line is flushed to the disk before the run counts as done. A last line that a
    killed process left unfinished is dropped when the file is opened again.

    Args:
        path: The file, made with the first line; None keeps the lines in memory only.

    Raises:
        DataError: If a line other than the last is damaged.

    Examples:
        >>> ledger = Ledger(None)
        >>> ledger.add({"seed": 0}, {"error": 0.5})
        >>> ledger.found({"seed": 0}), ledger.found({"seed": 1})
        ({'error': 0.5}, None)
    """

    def __init__(self, path: object = None) -> None:
        self.path: Path | None = None if path is None else path_of(_CALL, path)
        self._results: dict[str, dict[str, Any]] = {}
        if self.path is not None and self.path.exists():
            self._read(self.path)

    def __len__(self) -> int:
        return len(self._results)

    def found(self, run: Mapping[str, Any]) -> dict[str, Any] | None:
        """What a run gave, or None if it has not been finished.

        Args:
            run: Everything that determines it, plain values.
        """
        return self._results.get(header_sum(run))

    def add(self, run: Mapping[str, Any], result: Mapping[str, Any]) -> None:
        """Write a finished run down.

        Args:
            run: Everything that determines it, plain values.
            result: What it gave, plain values; numbers must be finite.

        Raises:
            OutputError: If the line cannot be written.
        """
        key = header_sum(run)
        line = json.dumps({"key": key, "run": run, "result": result}, allow_nan=False)
        if self.path is not None:
            try:
                with self.path.open("ab") as file:
                    file.write(line.encode() + b"\n")
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                raise OutputError(
                    f"`{self.path}` cannot be written: {error.strerror}."
                ) from error
        self._results[key] = json.loads(line)["result"]

    def _read(self, path: Path) -> None:
        whole = path.read_bytes()
        lines = whole.splitlines(keepends=True)
        good = 0
        for number, line in enumerate(lines, start=1):
            entry = _entry(line)
            if entry is None and number < len(lines):
                raise DataError(
                    f"`{path.name}` must hold a finished run in every line; line {number} "
                    "is damaged. Delete that line to have its run done again."
                )
            if entry is not None:
                self._results[entry[0]] = entry[1]
                good += len(line)
        if good < len(whole):
            os.truncate(path, good)


def _entry(line: bytes) -> tuple[str, dict[str, Any]] | None:
    """Key and result of a line, or None if it is not whole."""
    if not line.endswith(b"\n"):
        return None
    try:
        entry = json.loads(line)
        key, result = entry["key"], entry["result"]
        whole = key == header_sum(entry["run"]) and isinstance(result, dict)
    except (ValueError, KeyError, TypeError):
        return None
    return (key, result) if whole else None
