from isthmus.core.lloyd_max import lloyd_max_distortion, lloyd_max_quantiser
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
from isthmus.limits.encoders import norm_spread_limit, random_encoder_limit
from isthmus.limits.gap import GapSplit, gap_split
from isthmus.limits.gradient import population_gradient
from isthmus.limits.hadamard import HadamardDesign
from isthmus.limits.isotropic import (
    isotropic_limit,
    isotropic_rate_for,
    isotropic_status,
)
from isthmus.limits.norm_spread import norm_spread_gap
from isthmus.limits.population import optimal_decoder, population_risk, tied_decoder
from isthmus.limits.state_evolution import (
    BayesLimit,
    Trajectory,
    bayes_limit,
    state_evolution,
)
from isthmus.limits.structured import critical_density, denoised_limit

__all__ = [
    "BayesLimit",
    "CovarianceLimit",
    "GapSplit",
    "HadamardDesign",
    "Trajectory",
    "TransformCoding",
    "bayes_limit",
    "code_length_for",
    "covariance_limit",
    "critical_density",
    "denoised_limit",
    "gap_split",
    "isotropic_limit",
    "isotropic_rate_for",
    "isotropic_status",
    "isotropic_transform_coding",
    "lloyd_max_distortion",
    "lloyd_max_quantiser",
    "norm_spread_gap",
    "norm_spread_limit",
    "optimal_decoder",
    "population_gradient",
    "population_risk",
    "random_encoder_limit",
    "rate_distortion",
    "state_evolution",
    "tied_decoder",
    "transform_coding",
]
