"""The shape of point clouds: dimension, loops and holes, and what they rule out."""

__all__: list[str] = []
