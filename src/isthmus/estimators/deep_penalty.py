"""The penalty that a deep autoencoder is trained with."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np

from isthmus.core.door import shown
from isthmus.core.errors import ValueOutOfRange
from isthmus.training.penalties.base import AbstractPenalty, checked_weight
from isthmus.training.penalties.named import NAMED, generators_of, named_penalty

if TYPE_CHECKING:
    from isthmus.estimators.deep import DeepAutoencoder

_CALL = "DeepAutoencoder"


def check_penalty(model: DeepAutoencoder) -> None:
    """Refuse what is no penalty, and weights that belong to none.

    Raises:
        ValueOutOfRange: At the first that is; the message names it.
    """
    penalty, weight = model.penalty, model.penalty_weight
    known = isinstance(penalty, str) and penalty in NAMED
    if not (penalty is None or known or isinstance(penalty, AbstractPenalty)):
        raise ValueOutOfRange(
            f"`{_CALL}(penalty=...)` must be None, one of {', '.join(NAMED)}, or an object "
            f"of isthmus.training.penalties; got {shown(penalty)}."
        )
    if weight is None:
        return
    if not known:
        raise ValueOutOfRange(
            f"`{_CALL}(penalty_weight=...)` is for a penalty given by name; got "
            f"{shown(weight)} with penalty={shown(penalty)}. An object has its own weight."
        )
    checked_weight(f"{_CALL}(penalty_weight=...)", weight)


def make_penalty(
    model: DeepAutoencoder, n_input: int, rng: np.random.Generator
) -> AbstractPenalty | None:
    """The penalty of one fit: a new one by name, or a copy of the object that was given.

    Raises:
        ValueOutOfRange: If its generators are of another number of columns, or would not
            fit into memory.
    """
    if model.penalty is None:
        return None
    if isinstance(model.penalty, str):
        return named_penalty(
            model.penalty,
            n_input,
            int(model.n_code),
            weight=model.penalty_weight,
            rng=rng,
        )
    own = copy.deepcopy(model.penalty)
    learnt = generators_of(own)
    if learnt is not None and learnt.n_input != n_input:
        raise ValueOutOfRange(
            f"`{_CALL}(penalty=...)` has generators of {learnt.n_input} columns, and the "
            f"rows have {n_input}. Give Generators({n_input}, ...)."
        )
    return own
