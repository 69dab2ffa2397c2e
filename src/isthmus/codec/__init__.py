from isthmus.codec.bits import decode_bits, encode_bits
from isthmus.codec.native import kernel_in_use, kernels
from isthmus.codec.rounds import one_round_loss, rounds_for

__all__ = [
    "decode_bits",
    "encode_bits",
    "kernel_in_use",
    "kernels",
    "one_round_loss",
    "rounds_for",
]
