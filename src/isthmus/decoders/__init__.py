from isthmus.decoders.base import AbstractDecoder, checked_codes
from isthmus.decoders.denoising import DenoisingDecoder
from isthmus.decoders.gate import Gate, fit_gate
from isthmus.decoders.linear import LinearDecoder
from isthmus.decoders.message_passing import Decoding, MessagePassingDecoder
from isthmus.decoders.rigamp import RIGAMP

__all__ = [
    "AbstractDecoder",
    "Decoding",
    "DenoisingDecoder",
    "Gate",
    "LinearDecoder",
    "MessagePassingDecoder",
    "RIGAMP",
    "checked_codes",
    "fit_gate",
]
