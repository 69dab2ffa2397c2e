from isthmus.limits.baselines import (
    TransformCoding,
    isotropic_transform_coding,
    rate_distortion,
    transform_coding,
)
from isthmus.limits.covariance import (
    CovarianceLimit,
    code_length_for,
    covariance_limit,
)
from isthmus.limits.hadamard import HadamardDesign
from isthmus.limits.isotropic import (
    isotropic_limit,
    isotropic_rate_for,
    isotropic_status,
)
from isthmus.limits.lloyd_max import lloyd_max_distortion, lloyd_max_quantiser
from isthmus.limits.population import optimal_decoder, population_risk

__all__ = [
    "CovarianceLimit",
    "HadamardDesign",
    "TransformCoding",
    "code_length_for",
    "covariance_limit",
    "isotropic_limit",
    "isotropic_rate_for",
    "isotropic_status",
    "isotropic_transform_coding",
    "lloyd_max_distortion",
    "lloyd_max_quantiser",
    "optimal_decoder",
    "population_risk",
    "rate_distortion",
    "transform_coding",
]
