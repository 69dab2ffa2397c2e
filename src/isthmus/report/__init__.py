from isthmus.report.analysis import analyse
from isthmus.report.deep_diagnosis import DeepDiagnosis
from isthmus.report.diagnosing import diagnose
from isthmus.report.diagnosis import Diagnosis, diagnose_model
from isthmus.report.generator_drawing import GeneratorDrawing, draw_generators
from isthmus.report.generators import GeneratorFacts
from isthmus.report.read import held_out_rows, read_rows
from isthmus.report.records import (
    Analysis,
    DataFacts,
    LimitCurves,
    Method,
    Reached,
    Sentence,
)
from isthmus.report.rows import Reading

__all__ = [
    "Analysis",
    "DataFacts",
    "DeepDiagnosis",
    "Diagnosis",
    "GeneratorDrawing",
    "GeneratorFacts",
    "LimitCurves",
    "Method",
    "Reached",
    "Reading",
    "Sentence",
    "analyse",
    "diagnose",
    "diagnose_model",
    "draw_generators",
    "held_out_rows",
    "read_rows",
]
