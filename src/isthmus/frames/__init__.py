from isthmus.frames.base import AbstractFrame
from isthmus.frames.dct import DctFrame, dct
from isthmus.frames.haar import HaarFrame, haar

__all__ = ["AbstractFrame", "DctFrame", "HaarFrame", "dct", "haar"]
