"""Where the numbers of an array lie in its file, read without reading them."""

from __future__ import annotations

import dataclasses
import math
import struct
import zipfile
from typing import Any

import numpy as np

from isthmus.core.errors import DataError
from isthmus.data.npy import broken_message

_LOCAL_HEADER = struct.Struct("<26xHH")  # of a member: lengths of its name and extras


@dataclasses.dataclass(frozen=True, eq=False)
class Header:
    """Where the numbers of an array start, and what they are."""

    shape: tuple[int, ...]
    dtype: np.dtype
    start: int


def member_offset(file: Any, info: zipfile.ZipInfo) -> int | None:
    """Where a member that is neither compressed nor encrypted begins, else None."""
    if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
        return None
    file.seek(info.header_offset)
    header = file.read(_LOCAL_HEADER.size)
    if len(header) < _LOCAL_HEADER.size:
        raise zipfile.BadZipFile("the header of a member is cut short")
    return int(info.header_offset + _LOCAL_HEADER.size + sum(_LOCAL_HEADER.unpack(header)))


def check_there(name: str, header: Header, there: int) -> None:
    """Refuse a header that promises more than the file holds, before its names are made."""
    promised = math.prod(header.shape) * header.dtype.itemsize
    if promised > there and not header.dtype.hasobject:
        cause = ValueError(f"{promised} bytes of rows promised, {there} there")
        raise DataError(broken_message(name, cause))


def read_header(name: str, file: Any) -> Header:
    """Header of a .npy file or member; refuse Fortran order, which has no rows to read."""
    old = np.lib.format.read_magic(file) == (1, 0)
    read = np.lib.format
    shape, fortran, dtype = (
        read.read_array_header_1_0 if old else read.read_array_header_2_0
    )(file)
    if any(size < 0 for size in shape) or dtype.subdtype is not None:
        raise ValueError(f"shape {shape} of {dtype}")
    # An array of one column is the same in both orders.
    if fortran and len(shape) > 1 and np.count_nonzero(np.array(shape, object) != 1) > 1:
        raise DataError(
            f"`{name}` must be in C order, row after row, to be read in blocks; it is in "
            "Fortran order. Save np.ascontiguousarray(x) instead, or use load if it fits "
            "into memory."
        )
    return Header(shape, dtype, file.tell())
