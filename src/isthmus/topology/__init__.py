"""The shape of point clouds: dimension, loops and holes, and what they rule out."""

from isthmus.topology.certificate import Certificate, certificate
from isthmus.topology.latent_dimension import (
    LatentDimensionReport,
    latent_dimension_report,
)

__all__ = ["Certificate", "LatentDimensionReport", "certificate", "latent_dimension_report"]
