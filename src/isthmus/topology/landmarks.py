"""A few points that stand for many: farthest-point sampling."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float, Int

from isthmus.core.door import whole_number


@dataclasses.dataclass(frozen=True)
class Landmarks:
    """Points chosen so that each is as far as possible from those before it.

    Attributes:
        indices: Rows chosen, in the order of choice.
        covering: Covering radius after each choice: largest distance of any point to
            the nearest landmark so far, in input units. It never rises.
    """

    indices: Int[np.ndarray, " landmark"]
    covering: Float[np.ndarray, " landmark"]

    @property
    def covering_radius(self) -> float:
        """Largest distance of a point to its nearest landmark."""
        return float(self.covering[-1])


def farthest_points(points: Float[np.ndarray, "sample dim"], count: int) -> Landmarks:
    """Max-min landmarks, from the point farthest from the mean on.

    The covering radius is at most twice the least that so many points can have. Points
    at distance 0 from a landmark are not chosen, so that fewer may come back.

    Args:
        points: The cloud.
        count: How many landmarks, at least 1.

    Returns:
        At most `count` landmarks; time grows with samples x landmarks x dimensions.

    Raises:
        ValueOutOfRange: If `count` is not a whole number of at least 1.

    Examples:
        >>> found = farthest_points(np.array([[0.0], [1.0], [4.0], [9.0]]), 3)
        >>> found.indices.tolist(), found.covering.tolist()
        ([3, 0, 2], [9.0, 4.0, 1.0])

    References:
        [gonzalez:85]
    """
    count = whole_number("farthest_points(count=...)", count, least=1)
    nearest = np.full(points.shape[0], np.inf)
    centred = points - points.mean(axis=0)
    newest = int(np.square(centred).sum(axis=1).argmax())
    chosen, covering = [], []
    for _ in range(min(count, points.shape[0])):
        chosen.append(newest)
        np.minimum(nearest, np.square(points - points[newest]).sum(axis=1), out=nearest)
        newest = int(nearest.argmax())
        covering.append(float(np.sqrt(nearest[newest])))
        if covering[-1] == 0.0:
            break
    return Landmarks(np.array(chosen), np.array(covering))
