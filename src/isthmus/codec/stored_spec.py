"""A code as bytes in an archive, and back: safetensors with a checksummed JSON header."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from isthmus import __version__
from isthmus.codec.coder import AbstractCoder
from isthmus.core.errors import DataError
from isthmus.core.files import packed, unpacked_bytes
from isthmus.decoders.spec import CodecSpec

_KIND, _VERSION = "isthmus-codec", 3


def spec_to_bytes(spec: CodecSpec) -> bytes:
    """All of a code.

    Examples:
        >>> import numpy as np
        >>> spec = CodecSpec(mean=np.zeros(8), n_code=8, frame="hadamard", seed=1)
        >>> spec_from_bytes("x", spec_to_bytes(spec)).digest == spec.digest
        True
    """
    plain, arrays = spec.parts()
    version = 1 if spec.encoder == "sign" else 2
    if spec.decoder != "linear":
        version = _VERSION
    return packed(arrays, {"format": _KIND, "version": version, **plain})


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


def archive_header(
    coder: AbstractCoder, column_names: Sequence[str] | None, model_bytes: int
) -> dict[str, Any]:
    """JSON header of an archive.

    Args:
        coder: Whose bits it will hold.
        column_names: Of the rows; None or names that number them are not stored.
        model_bytes: Size of the code where it is stored, else 0.

    Examples:
        >>> import numpy as np
        >>> from isthmus.codec.coder import SignCoder
        >>> spec = CodecSpec(mean=np.zeros(8), n_code=8, frame="hadamard")
        >>> header = archive_header(SignCoder(spec), None, 0)
        >>> header["n_bits"], header["norm"], header["coder"]["frame"]
        (8, 'none', 'hadamard')
    """
    spec = coder.spec
    names = None if column_names is None else list(column_names)
    if names == [f"column {i}" for i in range(coder.n_input)]:
        names = None
    return {
        "n_bits": coder.n_bits,
        "norm": "float16" if coder.has_norms else "none",
        "n_input": coder.n_input,
        "coder": {"encoder": spec.encoder, "frame": spec.frame, "decoder": spec.decoder},
        "model": {"digest": spec.digest, "bytes": model_bytes},
        "writer": f"isthmus {__version__}",
        "column_names": names,
    }
