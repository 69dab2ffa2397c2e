"""The checks at the door of deep training."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.training.samples import check_samples

CALL = "train_autoencoder"


def check_network(network: nn.Module, penalty: object) -> None:
    """Refuse a network without weights to train, or without the parts of a penalty."""
    if not any(part.requires_grad for part in network.parameters()):
        raise ValueOutOfRange(
            f"`{CALL}(network=...)` must have weights to train; all of its parameters are "
            "frozen, or it has none."
        )
    parts = hasattr(network, "encoder") and hasattr(network, "decoder")
    if penalty is not None and not parts:
        raise ValueOutOfRange(
            f"`{CALL}(penalty=...)` needs a network whose parts are its attributes "
            f"`encoder` and `decoder`; {type(network).__name__} has not both."
        )


def check_shape(network: nn.Module, rows: Tensor) -> None:
    """Send two rows through, before any training."""
    network.eval()
    given = rows[:2]
    try:
        with torch.no_grad():
            shape = tuple(network(given).shape)
    except RuntimeError as error:
        raise ValueOutOfRange(
            f"`{CALL}(network=...)` must take rows of {rows.shape[1]} columns; it says: "
            f"{error}."
        ) from error
    if shape != tuple(given.shape):
        raise ValueOutOfRange(
            f"`{CALL}(network=...)` must give back the shape it was given; "
            f"{tuple(given.shape)} became {shape}. Flatten images on both sides."
        )


def held_out_rows(validation: object, n_input: int) -> np.ndarray:
    """Validation rows of as many columns as the others have."""
    held = check_samples(CALL, validation, None, name="validation").values
    if held.shape[1] != n_input:
        raise ValueOutOfRange(
            f"`{CALL}(validation=...)` must have {n_input} columns, as x has; "
            f"got {held.shape[1]}."
        )
    return held


def to_tensor(values: np.ndarray, network: nn.Module) -> Tensor:
    """Rows in the type of the network, where it lies."""
    like = next(part for part in network.parameters() if part.requires_grad)
    rows = torch.from_numpy(np.ascontiguousarray(values)).to(like)
    if not bool(rows.isfinite().all()):
        raise DataError(
            f"`{CALL}(x=...)` must hold numbers that {like.dtype} can; some are too "
            "large. Divide the rows by a constant."
        )
    return rows
