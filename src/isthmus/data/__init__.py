from isthmus.data.base import Dataset
from isthmus.data.builtin import available
from isthmus.data.checks import checked, without_constant_columns
from isthmus.data.moments import Moments, ledoit_wolf_shrinkage, training_covariance
from isthmus.data.readers import load
from isthmus.data.spectrum import read_spectrum

__all__ = [
    "Dataset",
    "Moments",
    "available",
    "checked",
    "ledoit_wolf_shrinkage",
    "load",
    "read_spectrum",
    "training_covariance",
    "without_constant_columns",
]
