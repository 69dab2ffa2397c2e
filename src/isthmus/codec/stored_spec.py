"""A code as bytes in an archive, and back: safetensors with a checksummed JSON header."""

from __future__ import annotations

from isthmus.core.errors import DataError
from isthmus.core.files import packed, unpacked_bytes
from isthmus.decoders.spec import CodecSpec

_KIND, _VERSION = "isthmus-codec", 1


def spec_to_bytes(spec: CodecSpec) -> bytes:
    """All of a code.

    Examples:
        >>> import numpy as np
        >>> spec = CodecSpec(mean=np.zeros(8), n_code=8, frame="hadamard", seed=1)
        >>> spec_from_bytes("x", spec_to_bytes(spec)).digest == spec.digest
        True
    """
    plain, arrays = spec.parts()
    return packed(arrays, {"format": _KIND, "version": _VERSION, **plain})


def spec_from_bytes(name: str, raw: bytes) -> CodecSpec:
    """The code that :func:`spec_to_bytes` stored.

    Args:
        name: What to call the file in messages.
        raw: The bytes.

    Raises:
        DataError: If they are damaged, or no code that this version knows.
    """
    plain, arrays = unpacked_bytes(name, raw, kind=_KIND, noun="code", version=_VERSION)
    try:
        return CodecSpec.restored(plain, arrays)
    except DataError as error:
        raise DataError(f"`{name}`: {error}") from error
