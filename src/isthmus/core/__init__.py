from isthmus.core.activations import Activation, resolve_activation
from isthmus.core.errors import (
    DataError,
    DataNotFound,
    DataWarning,
    IsthmusError,
    MissingDependency,
    NotConverged,
    OutputError,
    SpeedWarning,
    TrainingWarning,
    ValueOutOfRange,
)
from isthmus.core.hermite import hermite_coefficients
from isthmus.core.protocol import (
    HeldOut,
    Measurement,
    hold_out,
    measure,
    paired_difference,
    total_bits,
)
from isthmus.core.quadrature import gaussian_mean
from isthmus.core.random import as_rng

__all__ = [
    "Activation",
    "DataError",
    "DataNotFound",
    "DataWarning",
    "HeldOut",
    "IsthmusError",
    "Measurement",
    "MissingDependency",
    "NotConverged",
    "OutputError",
    "SpeedWarning",
    "TrainingWarning",
    "ValueOutOfRange",
    "as_rng",
    "gaussian_mean",
    "hermite_coefficients",
    "hold_out",
    "measure",
    "paired_difference",
    "resolve_activation",
    "total_bits",
]
