"""Reading archives: any rows, with memory for one chunk, each chunk checked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
from jaxtyping import Float16, UInt8

from isthmus.codec.contents import Contents, Damage, read_contents
from isthmus.codec.crc32c import crc32c
from isthmus.codec.format import UNIT, parse_chunk, payload_size
from isthmus.codec.pieces import Piece, missing_piece
from isthmus.codec.scanning import read_at
from isthmus.codec.stored_spec import spec_from_bytes
from isthmus.core.door import whole_number
from isthmus.core.errors import DataError, DataNotFound, ValueOutOfRange
from isthmus.core.files import path_of
from isthmus.core.memory import available_memory
from isthmus.decoders.spec import CodecSpec


class ArchiveReader:
    """Packed rows of an .isth file; header and table are read, and chunks when asked for.

    Every length is checked against the file before memory is taken, every chunk has its
    checksum checked before a row of it is given out. Nothing of a file is executed.

    Args:
        path: The file.
        recover: Whether to take whole chunks in that no table vouches for, as of an
            archive that was cut or whose writer was stopped.

    Attributes:
        file: The open file.
        contents: Where everything is, and what is damaged.
        chunks: Places of the chunks, in the order of their rows.
        n_rows: Rows.
        n_bits: Bits of each.

    Raises:
        DataNotFound: If there is no such file.
        DataError: If it is no archive, of a newer version, or its header is damaged; or,
            without `recover`, if its table is missing.

    Examples:
        >>> import tempfile
        >>> from isthmus.codec import SignCoder, encode_archive
        >>> coder = SignCoder(CodecSpec(mean=np.zeros(8), n_code=8, frame="hadamard"))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = encode_archive([np.eye(8)], coder, f"{folder}/x.isth")
        ...     with ArchiveReader(f"{folder}/x.isth") as archive:
        ...         archive.n_rows, archive.packed_rows(2, 4)[0].shape
        (8, (2, 1))
    """

    def __init__(self, path: str | os.PathLike, *, recover: bool = False):
        self.path: Path = path_of("ArchiveReader(path=...)", path)
        self.file: BinaryIO = _opened(self.path)
        try:
            self.contents: Contents = read_contents(self.file)
        except BaseException as error:
            self.file.close()
            if isinstance(error, DataError):
                raise DataError(f"`{self.path.name}` cannot be read: {error}.") from error
            raise
        self.chunks: np.ndarray = self.contents.chunks
        self.n_rows: int = self.contents.n_rows
        self.n_bits: int = int(self.contents.header["n_bits"])
        if recover:
            self._take_loose()
        elif not self.contents.end:
            self.file.close()
            raise DataError(_without_table(self.path.name, self.contents))

    def __enter__(self) -> ArchiveReader:
        """The reader itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    @property
    def header(self) -> dict[str, Any]:
        """The JSON header."""
        return self.contents.header

    @property
    def has_norms(self) -> bool:
        """Whether a length is stored for every row."""
        return self.contents.norm_bytes > 0

    def spec(self) -> CodecSpec | None:
        """The code that is stored in the archive; None if only its digest is.

        Raises:
            DataError: If it is damaged.
        """
        preamble, model = self.contents.preamble, self.header["model"]
        if not preamble.model_size:
            return None
        way_out = (
            "Give the model that the archive was made with (--model, or coder=...); its "
            f"digest begins {model['digest'][:16]}."
        )
        if model["bytes"] > preamble.model_size:
            raise DataError(
                f"`{self.path.name}`: its model has an impossible size. {way_out}"
            )
        available = available_memory()
        if available is not None and 4 * preamble.model_size > available:
            raise DataError(f"`{self.path.name}`: its model does not fit into memory.")
        raw = read_at(self.file, preamble.front_size, preamble.model_size)
        if len(raw) < preamble.model_size or crc32c(raw) != preamble.model_crc:
            raise DataError(f"`{self.path.name}`: its model is damaged. {way_out}")
        spec = spec_from_bytes(self.path.name, raw[: model["bytes"]])
        if spec.digest != model["digest"] or spec.n_code != self.n_bits:
            raise DataError(f"`{self.path.name}` holds the model of another one. {way_out}")
        return spec

    def pieces(self, start: int = 0, stop: int | None = None) -> Iterator[Piece]:
        """Rows chunk by chunk, whole chunks, damaged ones without their bits.

        Args:
            start: First row wanted.
            stop: One behind the last; None for all.

        Yields:
            The chunks that have any of these rows, and a piece without bits for rows that
            are in no chunk.

        Raises:
            ValueOutOfRange: If there are no such rows.
        """
        start, stop = self.checked_range(start, stop)
        due = start
        chunks = self.chunks
        ends = chunks["first"] + chunks["n_rows"]
        for place in range(int(np.searchsorted(ends, start, side="right")), chunks.size):
            first, end = int(chunks["first"][place]), int(ends[place])
            if first >= stop:
                break
            if first > due:
                yield missing_piece(due, first)
            yield self.piece(place)
            due = end
        if due < stop:
            yield missing_piece(due, stop)

    def piece(self, place: int) -> Piece:
        """One chunk, by its place in `chunks`."""
        chunk = self.chunks[place]
        first, n_rows = int(chunk["first"]), int(chunk["n_rows"])
        contents = self.contents
        size = payload_size(n_rows, contents.row_bytes, contents.norm_bytes)
        raw = read_at(self.file, int(chunk["offset"]) + UNIT, size)
        if len(raw) != size or crc32c(raw) != chunk["crc"]:
            reason = (
                "its checksum is another" if len(raw) == size else "the file ends in it"
            )
            damage = Damage(f"chunk {chunk['index']}", reason, (first, first + n_rows))
            return Piece(first, n_rows, None, None, damage)
        bits = n_rows * contents.row_bytes
        packed = np.frombuffer(raw, np.uint8, bits).reshape(n_rows, contents.row_bytes)
        norms = None
        if contents.norm_bytes:
            norms = np.frombuffer(raw, "<f2", n_rows, bits).astype(np.float16, copy=False)
        return Piece(first, n_rows, packed, norms)

    def packed_rows(
        self, start: int = 0, stop: int | None = None
    ) -> tuple[UInt8[np.ndarray, "row byte"], Float16[np.ndarray, " row"] | None]:
        """Bits and lengths of some rows, all in memory.

        Args:
            start: First row wanted.
            stop: One behind the last; None for all.

        Returns:
            Bits, bit j of a row in byte j // 8 at position j % 8, and the lengths or None.

        Raises:
            DataError: If a chunk with one of these rows is damaged; it names the chunk.
            ValueOutOfRange: If there are no such rows.
        """
        start, stop = self.checked_range(start, stop)
        bits, norms = [np.empty((0, self.contents.row_bytes), np.uint8)], []
        for piece in self.pieces(start, stop):
            if piece.packed is None:
                raise self.damaged(piece)
            kept = slice(max(start - piece.first, 0), stop - piece.first)
            bits.append(piece.packed[kept])
            norms.append(None if piece.norms is None else piece.norms[kept])
        joined = np.concatenate(bits)
        if not self.has_norms:
            return joined, None
        return joined, np.concatenate([np.empty(0, np.float16), *norms])

    def damaged(self, piece: Piece) -> DataError:
        """The error that names a damaged chunk and says what can still be read."""
        first, end = piece.first, piece.first + piece.n_rows
        return DataError(
            f"`{self.path.name}`: {piece.damage}. Rows before {first} and from {end} on "
            "are not touched by it: read them apart, or take NaN for the others "
            "(--damaged nan, or damaged='nan')."
        )

    def head_damage(self, place: int) -> Damage | None:
        """What is wrong with the head of a chunk, whose rows the table has as well."""
        chunk, contents = self.chunks[place], self.contents
        name = f"chunk {chunk['index']}"
        try:
            head = parse_chunk(read_at(self.file, int(chunk["offset"]), UNIT))
        except DataError as error:
            return Damage(name, f"{error}; its rows are read by the table")
        found = (head.uid, head.index, head.first, head.n_rows, head.crc)
        told = tuple(int(chunk[name]) for name in ("index", "first", "n_rows", "crc"))
        sizes = (head.row_bytes, head.norm_bytes)
        if found != (contents.preamble.uid, *told) or sizes != (
            contents.row_bytes,
            contents.norm_bytes,
        ):
            return Damage(name, "its head contradicts the table")
        return None

    def checked_range(self, start: object, stop: object) -> tuple[int, int]:
        """Row numbers as ints, in order and in the archive."""
        call = "ArchiveReader"
        first = whole_number(f"{call}(start=...)", start, least=0)
        last = (
            self.n_rows
            if stop is None
            else whole_number(f"{call}(stop=...)", stop, least=0)
        )
        if not first <= last <= self.n_rows:
            raise ValueOutOfRange(
                f"`{self.path.name}` has rows 0-{self.n_rows - 1}; got {first}-{last - 1}."
            )
        return first, last

    def _take_loose(self) -> None:
        """Go on after the last row that a table vouches for, as far as chunks follow."""
        taken = [self.chunks]
        for place in range(self.contents.loose.size):
            chunk = self.contents.loose[place : place + 1]
            if chunk["first"][0] >= self.n_rows and chunk["n_rows"][0] < 2**32:
                taken.append(chunk)
                self.n_rows = int(chunk["first"][0] + chunk["n_rows"][0])
        self.chunks = np.concatenate(taken)


def _opened(path: Path) -> BinaryIO:
    if os.path.isdir(path):
        raise DataError(f"`{path}` is a folder; name an archive in it.")
    try:
        return path.open("rb", buffering=0)
    except FileNotFoundError as error:
        raise DataNotFound(f"`{path}`: there is no such file.") from error
    except OSError as error:
        raise DataError(f"`{path}` cannot be read: {error.strerror}.") from error


def _without_table(name: str, contents: Contents) -> str:
    there = contents.loose.size
    rows = int(contents.loose["n_rows"].sum()) if there else 0
    return (
        f"`{name}` has no table of its chunks: it was cut, or its writer was stopped. "
        f"{there} chunks with {rows} rows can still be read with --recover, or "
        "recover=True."
    )
