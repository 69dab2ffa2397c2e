from isthmus.core.lloyd_max import lloyd_max_distortion, lloyd_max_quantiser
from isthmus.limits.baselines import (
    TransformCoding,
    additive_coding,
    isotropic_transform_coding,
    rate_distortion,
    transform_coding,
)
from isthmus.limits.blahut_arimoto import BlahutArimoto, blahut_arimoto
from isthmus.limits.covariance import (
    CovarianceLimit,
    code_length_for,
    covariance_limit,
)
from isthmus.limits.distortion_bracket import DistortionBracket, distortion_bracket
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
from isthmus.limits.rotations import (
    BlockChoice,
    axes_limit,
    best_block,
    block_haar_limit,
    givens_angle,
    givens_limit,
)
from isthmus.limits.scalar_bounds import gaussian_bound, genie_bound
from isthmus.limits.scalar_quantiser import ScalarQuantiser, ecsq
from isthmus.limits.shannon_bound import shannon_bound
from isthmus.limits.state_evolution import (
    BayesLimit,
    Trajectory,
    bayes_limit,
    state_evolution,
)
from isthmus.limits.structured import critical_density, denoised_limit

__all__ = [
    "BayesLimit",
    "BlahutArimoto",
    "BlockChoice",
    "CovarianceLimit",
    "DistortionBracket",
    "GapSplit",
    "HadamardDesign",
    "ScalarQuantiser",
    "Trajectory",
    "TransformCoding",
    "additive_coding",
    "axes_limit",
    "bayes_limit",
    "best_block",
    "blahut_arimoto",
    "block_haar_limit",
    "code_length_for",
    "covariance_limit",
    "critical_density",
    "denoised_limit",
    "distortion_bracket",
    "ecsq",
    "gap_split",
    "gaussian_bound",
    "genie_bound",
    "givens_angle",
    "givens_limit",
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
    "shannon_bound",
    "state_evolution",
    "tied_decoder",
    "transform_coding",
]
