"""The shape of point clouds: dimension, loops and holes, and what they rule out."""

from isthmus.topology.certificate import Certificate, certificate
from isthmus.topology.latent_dimension import (
    LatentDimensionReport,
    latent_dimension_report,
)
from isthmus.topology.significance import monte_carlo_p_value
from isthmus.topology.torsion import TorsionCertificate

__all__ = [
    "Certificate",
    "LatentDimensionReport",
    "TorsionCertificate",
    "certificate",
    "latent_dimension_report",
    "monte_carlo_p_value",
]
