from isthmus.estimators.shallow import ShallowAutoencoder

__all__ = ["ShallowAutoencoder"]
