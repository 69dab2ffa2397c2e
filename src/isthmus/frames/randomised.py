"""Frames made of random signs, random places and a fast orthonormal transform."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_numpy_array
from jaxtyping import Float, Int

from isthmus.core.memory import check_memory
from isthmus.core.random import as_rng, random_signs, random_subset
from isthmus.frames.base import AbstractFrame
from isthmus.frames.blocks import row_blocks, worked_blocks
from isthmus.frames.sizes import check_rounds, check_rows, check_sizes
from isthmus.frames.transforms import Spare, index, like

_BYTES = 32
"""Peak of drawing one entry of the longer side: words, signs, places."""


@dataclasses.dataclass(frozen=True, eq=False)
class AbstractRandomisedFrame(AbstractFrame):
    """Sign flips, then an orthonormal transform T of size max(n_code, n_input).

    For n_code >= n_input the inputs go to random positions of the longer vector (random
    columns of T); for n_code < n_input random rows of the result are kept. Further
    rounds flip signs and transform again, T D_3 T D_2 T D_1.

    Attributes:
        n_code: Rows of W.
        n_input: Columns of W.
        signs: Of the inputs, ±1.
        places: Columns of T that the inputs go to, or rows of T that are kept.
        later: Signs of each further round, ±1.
    """

    n_code: int
    n_input: int
    signs: Float[np.ndarray, " input"]
    places: Int[np.ndarray, " short"]
    later: tuple[Float[np.ndarray, " long"], ...] = ()

    @abc.abstractmethod
    def _transform(self, x: Any, spare: Spare) -> Any:
        """Rows times T transposed, in `spare` where that helps."""

    @abc.abstractmethod
    def _inverse(self, y: Any, spare: Spare) -> Any:
        """Rows times T."""

    def forward(self, x: Float[Any, "sample input"]) -> Float[Any, "sample code"]:
        """Rows times W transposed."""
        check_rows(f"{type(self).__name__}.forward(x)", x, self.n_input)
        return row_blocks(self._forward, x, self.n_code, self._long)

    def adjoint(self, y: Float[Any, "sample code"]) -> Float[Any, "sample input"]:
        """Rows times W."""
        check_rows(f"{type(self).__name__}.adjoint(y)", y, self.n_code)
        return row_blocks(self._adjoint, y, self.n_input, self._long)

    def forward_blocks(
        self, x: Float[np.ndarray, "sample input"]
    ) -> Iterator[tuple[slice, np.ndarray]]:
        """Blocks of :meth:`forward`, each overwritten by the next."""
        check_rows(f"{type(self).__name__}.forward_blocks(x)", x, self.n_input)
        return worked_blocks(self._forward, x, self._long)

    def _forward(self, x: Any, spare: Spare) -> Any:
        if self.n_code < self.n_input or self._in_order:
            z = _flip(x, self.signs, spare)
        else:
            source, flips = self._slots
            z = _flip(_gather(x, source), flips, spare)
        z = self._transform(z, spare)
        for flips in self.later:
            z = self._transform(_flip(z, flips, spare), spare)
        return z if self.n_code >= self.n_input else _gather(z, self.places)

    def _adjoint(self, y: Any, spare: Spare) -> Any:
        if self.n_code < self.n_input:
            source, present = self._slots
            y = _flip(_gather(y, source), present, spare)
        z = self._inverse(y, spare)
        for flips in reversed(self.later):
            z = self._inverse(_flip(z, flips, spare), spare)
        if self.n_code >= self.n_input and not self._in_order:
            z = _gather(z, self.places)
        return z * like(y, self.signs)

    @property
    def _long(self) -> int:
        return max(self.n_code, self.n_input)

    @cached_property
    def _in_order(self) -> bool:
        """Whether every input stays where it is, so that nothing need be gathered."""
        return np.array_equal(self.places, np.arange(self._long))

    @cached_property
    def _slots(self) -> tuple[np.ndarray, np.ndarray]:
        """What each of the longer vector's entries reads, and its factor, 0 if nothing."""
        source = np.zeros(self._long, dtype=np.int64)
        factor = np.zeros(self._long)
        source[self.places] = np.arange(self.places.size)
        factor[self.places] = self.signs if self.n_code >= self.n_input else 1.0
        return source, factor


def draw(
    call: str,
    n_code: int,
    n_input: int,
    rng: np.random.Generator | int | None,
    rounds: int,
    *,
    keep_order: bool = False,
) -> tuple[int, int, np.ndarray, np.ndarray, tuple[np.ndarray, ...]]:
    """Check the sizes and draw what :class:`AbstractRandomisedFrame` holds.

    With `keep_order` a square frame takes its columns in order.
    """
    n_code, n_input = check_sizes(call, n_code, n_input)
    check_rounds(call, rounds)
    name, size = max(("n_code", n_code), ("n_input", n_input), key=lambda one: one[1])
    check_memory(f"{call}({name}=...)", size, _BYTES * rounds * size, "Take a shorter one.")
    generator = as_rng(rng)
    signs = random_signs(generator, n_input)
    long, short = max(n_code, n_input), min(n_code, n_input)
    if keep_order and long == short:
        places = np.arange(long, dtype=np.int64)
    else:
        places = random_subset(generator, long, short)
    later = tuple(random_signs(generator, long) for _ in range(rounds - 1))
    return n_code, n_input, signs, places, later


def _gather(x: Any, places: np.ndarray) -> Any:
    if is_numpy_array(x):  # twice as fast as an index expression
        return x.take(places, axis=1)
    return array_namespace(x).take(x, index(x, places), axis=1)


def _flip(x: Any, signs: np.ndarray, spare: Spare) -> Any:
    """Rows times signs, in the second spare array: transforms write to the first first."""
    if spare is None:
        return x * like(x, signs)
    # np.multiply takes seven times as long for some addresses of the three arrays.
    return np.einsum("ij,j->ij", x, like(x, signs), out=spare[1])
