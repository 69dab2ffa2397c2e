"""Whatever is diagnosed as an encoder, a decoder and what both do to rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from isthmus.core.errors import ValueOutOfRange

CALL = "diagnose"


@dataclasses.dataclass(frozen=True, eq=False)
class Halves:
    """Two networks, and what is done to rows before and after them.

    Attributes:
        encoder: Torch module.
        decoder: Torch module.
        reconstruct: Rows to rows, input units.
        encode: Rows to codes.
        mean: Taken off rows before; None where the networks take rows as they are.
        scale: By which rows are divided then.
    """

    encoder: Any
    decoder: Any
    reconstruct: Callable[[np.ndarray], np.ndarray]
    encode: Callable[[np.ndarray], np.ndarray] | None
    mean: np.ndarray | None = None
    scale: float = 1.0

    def inside(self, rows: np.ndarray) -> np.ndarray:
        """Rows as the networks take them."""
        return rows if self.mean is None else (rows - self.mean) / self.scale


def halves_of(model: Any, bottleneck: str | None, n_input: int) -> Halves:
    """Take an estimator, a pair of modules, or one module for encoder and decoder.

    Raises:
        ValueOutOfRange: If it is none of these, or has no code that can be told.
    """
    if hasattr(model, "network_") and hasattr(model, "scale_"):
        network = model.network_
        return Halves(
            network.encoder,
            network.plain_decoder()
            if hasattr(network, "plain_decoder")
            else network.decoder,
            lambda x: model.inverse_transform(model.transform(x)),
            model.transform,
            np.asarray(model.mean_, dtype=np.float64),
            float(model.scale_),
        )
    from isthmus.topology.round_trip import round_trip

    if isinstance(model, tuple) and len(model) == 2:
        encoder, decoder = model
    elif bottleneck is not None:
        from isthmus.geometry import split_at

        encoder, decoder = split_at(model, bottleneck)
    elif hasattr(model, "encoder") and hasattr(model, "decoder"):
        encoder, decoder = model.encoder, model.decoder
    else:
        raise ValueOutOfRange(
            f"`{CALL}(model=...)` must be a fitted estimator, the path of a saved one, a "
            "pair (encoder, decoder) of torch modules, a module with these two as "
            f"attributes, or one whose code is named by `bottleneck`; got "
            f"{type(model).__name__}."
        )

    trip = round_trip((encoder, decoder), n_input=n_input, name=CALL)
    return Halves(encoder, decoder, trip.reconstruct, trip.encode)
