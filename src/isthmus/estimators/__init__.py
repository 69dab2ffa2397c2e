from isthmus.estimators.persistence import load, save
from isthmus.estimators.shallow import ShallowAutoencoder

__all__ = ["ShallowAutoencoder", "load", "save"]
