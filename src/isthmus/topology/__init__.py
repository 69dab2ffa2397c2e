"""The shape of point clouds: dimension, loops and holes, and what they rule out."""

from isthmus.topology.certificate import Certificate, certificate

__all__ = ["Certificate", "certificate"]
