from isthmus.core.lazy import lazy_attributes
from isthmus.estimators.advise import advise
from isthmus.estimators.codec_scores import CodecAdvice, CodecCurves, CodecScore, Winner
from isthmus.estimators.codec_spec import codec_spec
from isthmus.estimators.compare_penalties import compare_penalties
from isthmus.estimators.elbows import Elbows
from isthmus.estimators.intrinsic_dimension import IntrinsicDimension
from isthmus.estimators.penalty_runs import PenaltyRun
from isthmus.estimators.penalty_scores import (
    PairedDifference,
    PenaltyComparison,
    PenaltyScore,
)
from isthmus.estimators.persistence import load, save
from isthmus.estimators.ranking import asymmetric_scores, recall_at
from isthmus.estimators.shallow import ShallowAutoencoder
from isthmus.estimators.sweep import Sweep, sweep
from isthmus.estimators.sweep_runs import SweepRun
from isthmus.estimators.transform_coding import TransformCoder

__all__ = [
    "CodecAdvice",
    "CodecCurves",
    "CodecScore",
    "DeepAutoencoder",  # noqa: F822
    "Elbows",
    "IntrinsicDimension",
    "PairedDifference",
    "PenaltyComparison",
    "PenaltyRun",
    "PenaltyScore",
    "ShallowAutoencoder",
    "Sweep",
    "SweepRun",
    "TransformCoder",
    "Winner",
    "advise",
    "asymmetric_scores",
    "codec_spec",
    "compare_penalties",
    "load",
    "recall_at",
    "save",
    "sweep",
]
__getattr__ = lazy_attributes(
    __name__, {"DeepAutoencoder": "isthmus.estimators.deep"}, needs="torch"
)
