"""From codes back to inputs. Names that need torch are loaded on first use."""

from isthmus.core.lazy import lazy_attributes
from isthmus.decoders.base import AbstractDecoder, checked_codes
from isthmus.decoders.denoising import DenoisingDecoder
from isthmus.decoders.gate import Gate, fit_gate
from isthmus.decoders.learn_prior import learn_prior
from isthmus.decoders.linear import LinearDecoder
from isthmus.decoders.message_passing import Decoding, MessagePassingDecoder
from isthmus.decoders.rigamp import RIGAMP
from isthmus.decoders.spec import CodecSpec

_NEED_TORCH = {"LearnedDecoder": "isthmus.decoders.learned"}
__all__ = [
    "AbstractDecoder",
    "CodecSpec",
    "Decoding",
    "DenoisingDecoder",
    "Gate",
    "LearnedDecoder",  # noqa: F822
    "LinearDecoder",
    "MessagePassingDecoder",
    "RIGAMP",
    "checked_codes",
    "fit_gate",
    "learn_prior",
]
__getattr__ = lazy_attributes(__name__, _NEED_TORCH, needs="torch")
