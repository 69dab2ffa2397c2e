"""Files of packed bits, the codes that make them, and the arithmetic behind both."""

from isthmus.codec import faiss
from isthmus.codec.archive import (
    decode_archive,
    encode_archive,
    inspect_archive,
    verify_archive,
)
from isthmus.codec.arrow import export_codes, import_codes
from isthmus.codec.bits import decode_bits, encode_bits
from isthmus.codec.coder import AbstractCoder, SignCoder, coder_of
from isthmus.codec.contents import Damage
from isthmus.codec.crc32c import crc32c
from isthmus.codec.native import kernel_in_use, kernels
from isthmus.codec.opening import append_archive, create_archive
from isthmus.codec.output import decode_to_file
from isthmus.codec.reader import ArchiveReader
from isthmus.codec.records import Inspection, Verification
from isthmus.codec.rounds import one_round_loss, rounds_for
from isthmus.codec.writer import ArchiveWriter

__all__ = [
    "AbstractCoder",
    "ArchiveReader",
    "ArchiveWriter",
    "Damage",
    "Inspection",
    "SignCoder",
    "Verification",
    "append_archive",
    "coder_of",
    "crc32c",
    "create_archive",
    "decode_archive",
    "decode_bits",
    "decode_to_file",
    "encode_archive",
    "encode_bits",
    "export_codes",
    "faiss",
    "import_codes",
    "inspect_archive",
    "kernel_in_use",
    "kernels",
    "one_round_loss",
    "rounds_for",
    "verify_archive",
]
