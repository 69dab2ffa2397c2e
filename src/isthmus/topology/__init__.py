"""The shape of point clouds: dimension, loops and holes, and what they rule out."""

from isthmus.topology.certificate import Certificate, certificate
from isthmus.topology.correlation import correlation_dimension
from isthmus.topology.dimension_estimate import DimensionEstimate
from isthmus.topology.fold_measures import ErrorCurve, RequiredLipschitz
from isthmus.topology.folds import FoldReport, fold_report
from isthmus.topology.intrinsic_dimension import DimensionReport, intrinsic_dimension
from isthmus.topology.latent_dimension import LatentDimensionReport, latent_dimension_report
from isthmus.topology.likelihood import levina_bickel, mackay_ghahramani
from isthmus.topology.local_pca import local_pca
from isthmus.topology.neighbours import Neighbours, nearest_neighbours
from isthmus.topology.ratios import ScaleScan, gride, gride_scan, two_nn
from isthmus.topology.significance import monte_carlo_p_value
from isthmus.topology.torsion import TorsionCertificate

__all__ = [
    "Certificate",
    "DimensionEstimate",
    "DimensionReport",
    "ErrorCurve",
    "FoldReport",
    "LatentDimensionReport",
    "Neighbours",
    "RequiredLipschitz",
    "ScaleScan",
    "TorsionCertificate",
    "certificate",
    "correlation_dimension",
    "fold_report",
    "gride",
    "gride_scan",
    "intrinsic_dimension",
    "latent_dimension_report",
    "levina_bickel",
    "local_pca",
    "mackay_ghahramani",
    "monte_carlo_p_value",
    "nearest_neighbours",
    "two_nn",
]
