from isthmus.report.analysis import analyse
from isthmus.report.records import (
    Analysis,
    DataFacts,
    LimitCurves,
    Method,
    Reached,
    Sentence,
)

__all__ = [
    "Analysis",
    "DataFacts",
    "LimitCurves",
    "Method",
    "Reached",
    "Sentence",
    "analyse",
]
