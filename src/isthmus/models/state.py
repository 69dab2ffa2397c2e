"""Networks as NumPy arrays: their weights, and what they make of rows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float
from torch import nn


def arrays_of(network: nn.Module) -> dict[str, np.ndarray]:
    """Weights and buffers by name.

    Examples:
        >>> sorted(arrays_of(nn.Linear(2, 3)))
        ['bias', 'weight']
    """
    return {name: part.cpu().numpy() for name, part in network.state_dict().items()}


def load_arrays(network: nn.Module, arrays: Mapping[str, np.ndarray]) -> bool:
    """Give a network the weights that :func:`arrays_of` returned.

    Args:
        network: Changed in place, if names and sizes are its own.
        arrays: By name.

    Returns:
        Whether they are.

    Examples:
        >>> twin = nn.Linear(2, 3)
        >>> load_arrays(twin, arrays_of(nn.Linear(2, 3))), load_arrays(twin, {})
        (True, False)
    """
    own = {name: tuple(part.shape) for name, part in network.state_dict().items()}
    if own != {name: array.shape for name, array in arrays.items()}:
        return False
    network.load_state_dict({name: torch.tensor(array) for name, array in arrays.items()})
    return True


def through(
    layers: nn.Module, rows: Float[np.ndarray, "sample a"]
) -> Float[np.ndarray, "sample b"]:
    """What layers make of a block of rows, without gradients, wherever they lie.

    Examples:
        >>> through(nn.Linear(2, 3), np.ones((5, 2), dtype=np.float32)).shape
        (5, 3)
    """
    place = next(layers.parameters()).device
    with torch.no_grad():
        found: torch.Tensor = layers(torch.from_numpy(rows).to(place))
    return np.asarray(found.cpu().numpy())
