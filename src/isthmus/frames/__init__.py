from isthmus.frames.base import AbstractFrame, AbstractOperator
from isthmus.frames.coloured import ColouredFrame, coloured
from isthmus.frames.dct import DctFrame, dct
from isthmus.frames.dense import DenseFrame, RotatedFrame, polar, rotated
from isthmus.frames.haar import haar
from isthmus.frames.hadamard import HadamardFrame, hadamard
from isthmus.frames.signs import encode_signs

__all__ = [
    "AbstractFrame",
    "AbstractOperator",
    "ColouredFrame",
    "DctFrame",
    "DenseFrame",
    "HadamardFrame",
    "RotatedFrame",
    "coloured",
    "dct",
    "encode_signs",
    "haar",
    "hadamard",
    "polar",
    "rotated",
]
