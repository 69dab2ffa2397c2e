from isthmus.data import manifolds
from isthmus.data.base import Dataset
from isthmus.data.builtin import available
from isthmus.data.checks import checked, without_constant_columns
from isthmus.data.moments import Moments
from isthmus.data.principal import Principal
from isthmus.data.readers import load
from isthmus.data.sampling import SampledRows, draw_rows, sample_stream
from isthmus.data.spectrum import read_spectrum
from isthmus.data.stream_base import AbstractStream
from isthmus.data.streams import stream

__all__ = [
    "AbstractStream",
    "Dataset",
    "Moments",
    "Principal",
    "SampledRows",
    "available",
    "checked",
    "draw_rows",
    "load",
    "manifolds",
    "read_spectrum",
    "sample_stream",
    "stream",
    "without_constant_columns",
]
