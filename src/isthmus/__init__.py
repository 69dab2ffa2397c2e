"""Autoencoders that know their limits.

Everything is loaded on first use: ``import isthmus`` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_SUBPACKAGES = (
    "codec",
    "core",
    "data",
    "decoders",
    "estimators",
    "frames",
    "geometry",
    "limits",
    "models",
    "priors",
    "report",
    "topology",
    "training",
)
_ATTRIBUTES = {
    "Analysis": "isthmus.report",
    "DeepAutoencoder": "isthmus.estimators",
    "IntrinsicDimension": "isthmus.estimators",
    "OneBitDecoder": "isthmus.estimators",
    "ShallowAutoencoder": "isthmus.estimators",
    "advise": "isthmus.estimators",
    "analyse": "isthmus.report",
    "compare_penalties": "isthmus.estimators",
    "diagnose": "isthmus.report",
    "load": "isthmus.estimators",
    "save": "isthmus.estimators",
    "should_rotate": "isthmus.training",
    "sweep": "isthmus.estimators",
}
__all__ = ["__version__", *_SUBPACKAGES, *_ATTRIBUTES]


def __getattr__(name: str) -> Any:
    """Import a subpackage or a public name when it is first asked for."""
    if name in _SUBPACKAGES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _ATTRIBUTES:
        return getattr(importlib.import_module(_ATTRIBUTES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Public names, loaded or not."""
    return sorted(__all__)
