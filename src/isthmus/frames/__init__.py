from isthmus.frames.base import AbstractFrame, AbstractOperator
from isthmus.frames.dct import DctFrame, dct
from isthmus.frames.haar import HaarFrame, haar

__all__ = ["AbstractFrame", "AbstractOperator", "DctFrame", "HaarFrame", "dct", "haar"]
