from isthmus.frames.base import AbstractFrame, AbstractOperator
from isthmus.frames.dct import DctFrame, dct
from isthmus.frames.haar import HaarFrame, haar
from isthmus.frames.hadamard import HadamardFrame, hadamard

__all__ = [
    "AbstractFrame",
    "AbstractOperator",
    "DctFrame",
    "HaarFrame",
    "HadamardFrame",
    "dct",
    "haar",
    "hadamard",
]
