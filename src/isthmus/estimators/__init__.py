from isthmus.core.lazy import lazy_attributes
from isthmus.estimators.codec_spec import codec_spec
from isthmus.estimators.elbows import Elbows
from isthmus.estimators.intrinsic_dimension import IntrinsicDimension
from isthmus.estimators.persistence import load, save
from isthmus.estimators.shallow import ShallowAutoencoder
from isthmus.estimators.sweep import Sweep, sweep
from isthmus.estimators.sweep_runs import SweepRun
from isthmus.estimators.transform_coding import TransformCoder

__all__ = [
    "DeepAutoencoder",  # noqa: F822
    "Elbows",
    "IntrinsicDimension",
    "ShallowAutoencoder",
    "Sweep",
    "SweepRun",
    "TransformCoder",
    "codec_spec",
    "load",
    "save",
    "sweep",
]
__getattr__ = lazy_attributes(
    __name__, {"DeepAutoencoder": "isthmus.estimators.deep"}, needs="torch"
)
