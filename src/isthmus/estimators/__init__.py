from isthmus.estimators.intrinsic_dimension import IntrinsicDimension
from isthmus.estimators.persistence import load, save
from isthmus.estimators.shallow import ShallowAutoencoder
from isthmus.estimators.transform_coding import TransformCoder

__all__ = ["IntrinsicDimension", "ShallowAutoencoder", "TransformCoder", "load", "save"]
