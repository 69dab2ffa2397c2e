from isthmus.report.analysis import analyse
from isthmus.report.diagnosis import Diagnosis, diagnose_model
from isthmus.report.records import (
    Analysis,
    DataFacts,
    LimitCurves,
    Method,
    Reached,
    Sentence,
)
from isthmus.report.rows import held_out_rows

__all__ = [
    "Analysis",
    "DataFacts",
    "Diagnosis",
    "LimitCurves",
    "Method",
    "Reached",
    "Sentence",
    "analyse",
    "diagnose_model",
    "held_out_rows",
]
