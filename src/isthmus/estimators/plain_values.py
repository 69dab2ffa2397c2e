"""Parameters of estimators as values that JSON can hold."""

from __future__ import annotations

import os
from typing import Any

import numpy as np


def plain_value(value: Any) -> Any:
    """NumPy scalars as Python ones, sequences as lists, paths as text, infinity as "inf".

    Examples:
        >>> plain_value(np.float32(0.5)), plain_value(float("inf")), plain_value((1, 2))
        (0.5, 'inf', [1, 2])
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain_value(one) for one in value]
    return "inf" if isinstance(value, float) and value == float("inf") else value


def feature_names(model: Any) -> list[str] | None:
    """Names of the columns that a model was fitted on, if they had any."""
    names = getattr(model, "feature_names_in_", None)
    return None if names is None else [str(name) for name in names]


def set_feature_names(model: Any, names: list[str] | None) -> None:
    """Give a model the names that :func:`feature_names` returned."""
    if names is not None:
        model.feature_names_in_ = np.array(names, dtype=object)
