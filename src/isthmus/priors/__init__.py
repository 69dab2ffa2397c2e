from isthmus.priors.base import AbstractPrior, PriorMoments
from isthmus.priors.coordinates import CoordinatePriors
from isthmus.priors.fit import fit_scale_mixture
from isthmus.priors.fit_coordinates import fit_coordinate_priors
from isthmus.priors.gauss_bernoulli import GaussBernoulli
from isthmus.priors.gaussian import Gaussian
from isthmus.priors.laplace import SparseLaplace
from isthmus.priors.rademacher import SparseRademacher
from isthmus.priors.scale_mixture import ScaleMixture
from isthmus.priors.uniform import Uniform

__all__ = [
    "AbstractPrior",
    "CoordinatePriors",
    "GaussBernoulli",
    "Gaussian",
    "PriorMoments",
    "ScaleMixture",
    "SparseLaplace",
    "SparseRademacher",
    "Uniform",
    "fit_coordinate_priors",
    "fit_scale_mixture",
]
