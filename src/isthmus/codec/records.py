"""What is told about an archive."""

from __future__ import annotations

import dataclasses
from typing import Any

from isthmus.codec.contents import Damage


@dataclasses.dataclass(frozen=True)
class Inspection:
    """What header and tables of an archive say; no chunk was read.

    Attributes:
        path: The file.
        n_bytes: Its size.
        version: Of the format.
        n_rows: Rows.
        n_chunks: Chunks that hold them.
        n_commits: Times that rows were written: once, and at every append.
        n_input: Columns of a row.
        n_bits: Bits of its code.
        norm: ``"none"`` or ``"float16"``.
        bits_per_vector: All bits stored per row, without checksums and heads.
        coder: Kind of the code: encoder, frame, decoder.
        model_digest: SHA-256 of the code.
        model_bytes: Its size where the archive holds it; 0 where it does not.
        writer: Program that made the archive.
        column_names: Of the rows, if they were stored.
        recoverable_rows: Rows in whole chunks that no table vouches for.
        damages: What is damaged of header and tables.
    """

    path: str
    n_bytes: int
    version: int
    n_rows: int
    n_chunks: int
    n_commits: int
    n_input: int | None
    n_bits: int
    norm: str
    bits_per_vector: int
    coder: dict[str, Any]
    model_digest: str
    model_bytes: int
    writer: str | None
    column_names: tuple[str, ...] | None
    recoverable_rows: int
    damages: tuple[Damage, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return _plain(self)


@dataclasses.dataclass(frozen=True)
class Verification:
    """Whether every byte of an archive is as it was written.

    Attributes:
        path: The file.
        ok: Whether it is.
        n_rows: Rows that a table vouches for.
        n_chunks: Chunks that hold them.
        n_good_rows: Rows whose chunk has its checksum.
        damages: Everything that is not as it was written.
    """

    path: str
    ok: bool
    n_rows: int
    n_chunks: int
    n_good_rows: int
    damages: tuple[Damage, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return _plain(self)


def _plain(record: Inspection | Verification) -> dict[str, Any]:
    """Fields as JSON has them."""
    plain = dataclasses.asdict(record)
    names = plain.get("column_names")
    if names is not None:
        plain["column_names"] = list(names)
    plain["damages"] = [
        {**one, "rows": None if one["rows"] is None else list(one["rows"])}
        for one in plain["damages"]
    ]
    return plain
