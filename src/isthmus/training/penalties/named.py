"""Penalties by name, with a weight to start from and some to try."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from isthmus.core.door import shown
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.random import as_rng
from isthmus.training.penalties.base import AbstractPenalty, PenaltySum, checked_weight
from isthmus.training.penalties.contraction import Contractive, HigherOrderContractive
from isthmus.training.penalties.extensions import CycleConsistency, OrbitAugmentation
from isthmus.training.penalties.generators import Generators
from isthmus.training.penalties.lie_first import Lie1
from isthmus.training.penalties.lie_second import Lie2
from isthmus.training.penalties.plain import Denoising, WeightDecay

_NEAR = 0.1  # noise between the two slopes of the higher-order penalty


@dataclasses.dataclass(frozen=True)
class Named:
    """What a name stands for.

    Attributes:
        make: From the weight and generators, which it may leave alone.
        weight: Default; of denoising the noise's standard deviation, of orbit augmentation
            the size of the moves relative to a row.
        weights: Candidates worth trying, ascending.
        generators: Whether it learns some.
    """

    make: Callable[[float, Generators | None], AbstractPenalty]
    weight: float
    weights: tuple[float, ...]
    generators: bool = False


def _moved(amount: float, learnt: Generators | None) -> AbstractPenalty:
    """Rows moved along what a lie-1 penalty of weight 1 learns."""
    assert learnt is not None
    return PenaltySum(Lie1(1.0, learnt), OrbitAugmentation(1.0, learnt, amount=amount))


NAMED: dict[str, Named] = {
    "contractive": Named(lambda w, _: Contractive(w), 0.01, (1e-4, 1e-3, 1e-2, 1e-1)),
    "higher-order-contractive": Named(
        lambda w, _: HigherOrderContractive(w, curvature_weight=w, noise_std=_NEAR),
        0.01,
        (1e-4, 1e-3, 1e-2, 1e-1),
    ),
    "denoising": Named(lambda w, _: Denoising(w), 0.3, (0.1, 0.3, 1.0, 2.0)),
    "weight-decay": Named(lambda w, _: WeightDecay(w), 1e-4, (1e-4, 1e-3, 3e-3, 1e-2)),
    "lie-1": Named(
        lambda w, g: Lie1(w, g),  # type: ignore[arg-type]
        1.0,
        (1.0, 10.0, 100.0, 1000.0),
        generators=True,
    ),
    "lie-2": Named(
        lambda w, g: Lie2(w, g),  # type: ignore[arg-type]
        10.0,
        (0.1, 1.0, 10.0, 100.0),
        generators=True,
    ),
    "cycle-consistency": Named(
        lambda w, _: CycleConsistency(w), 0.01, (0.01, 0.1, 1.0, 10.0)
    ),
    "orbit-augmentation": Named(_moved, 1.0, (0.03, 0.1, 0.3, 1.0), generators=True),
}
"""Rows are taken to be centred and of root mean square 1, as DeepAutoencoder's are.

Defaults are the median weights that the study of penalties chose (docs/theory)."""


def named_penalty(
    name: str,
    n_input: int,
    n_code: int,
    *,
    weight: float | None = None,
    rng: np.random.Generator | int | None,
) -> AbstractPenalty:
    """A new penalty for a network, with as many generators as its code is long.

    Args:
        name: One of :data:`NAMED`.
        n_input: Coordinates of a row.
        n_code: Coordinates of a code.
        weight: At least 0; None for the default of the name. For ``"denoising"`` the
            standard deviation of the noise, for ``"orbit-augmentation"`` the size of the
            moves relative to a row.
        rng: Seed or generator of the generators' start.

    Raises:
        ValueOutOfRange: If there is no such name, the weight is negative, or generators
            would not fit into memory.

    Examples:
        >>> named_penalty("contractive", 8, 2, rng=0)
        Contractive(weight=0.01, n_probes=1)
        >>> named_penalty("lie-1", 600, 2, rng=0).generators
        Generators(n_input=600, n_generators=2, kind=low-rank, rank=16)
    """
    if not isinstance(name, str) or name not in NAMED:
        raise ValueOutOfRange(
            f"`named_penalty(name=...)` must be one of {', '.join(NAMED)}; got "
            f"{shown(name)}."
        )
    known = NAMED[name]
    strength = (
        known.weight
        if weight is None
        else checked_weight("named_penalty(weight=...)", weight)
    )
    learnt = Generators(n_input, n_code, rng=as_rng(rng)) if known.generators else None
    return known.make(strength, learnt)


def generators_of(penalty: AbstractPenalty | None) -> Generators | None:
    """The generators of a penalty, or of the first part that has some.

    Examples:
        >>> generators_of(named_penalty("orbit-augmentation", 5, 2, rng=0))
        Generators(n_input=5, n_generators=2, kind=full)
        >>> generators_of(None) is None
        True
    """
    if penalty is None:
        return None
    return next((m for m in penalty.modules() if isinstance(m, Generators)), None)
