"""Types of arguments that users may give as numbers, lists or arrays.

They are loose on purpose: what is inside is checked at the door, by errors that teach.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Real

Numbers = Real[np.ndarray, "..."] | Sequence[float]
"""A list or array of real numbers."""

Matrix = Real[np.ndarray, "..."]
"""An array of real numbers whose shape is checked at the door."""
