"""What the parameters of the deep autoencoder may be, and the network they make."""

from __future__ import annotations

import contextlib
import itertools
import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from isthmus.core.door import real_number, shown, whole_number
from isthmus.core.errors import DataError, DataWarning, ValueOutOfRange
from isthmus.core.memory import check_memory
from isthmus.core.protocol import hold_out
from isthmus.estimators.deep_penalty import check_penalty
from isthmus.estimators.unit_rows import UnitRows
from isthmus.models.convolutional import ConvolutionalAutoencoder, image_sizes
from isthmus.models.dense import DenseAutoencoder, unit_counts
from isthmus.models.layers import activation_layer
from isthmus.training.checkpoint import checked_path
from isthmus.training.deep_plan import TrainingPlan

if TYPE_CHECKING:
    from isthmus.estimators.deep import DeepAutoencoder

CALL = "DeepAutoencoder"
_COPIES = 5  # of the weights: gradient, two moments, the best ones
ARCHITECTURES = ("dense", "convolutional")
STARTS = ("random", "layout")
STEP_SETTINGS = (
    "batch_size",
    "learning_rate",
    "optimizer",
    "weight_decay",
    "clip_norm",
    "mixed_precision",
)
"""What every pass over rows needs; `fit` also takes n_epochs, patience and schedule."""

_LONG_CODE = (
    "n_code={} is not below the {} columns: the code is no bottleneck, and a network may "
    "pass rows through as they are."
)
_NO_VALIDATION = (
    "validation_fraction={:g} of {} rows leaves none to choose the best epoch by: all are "
    "trained on, and the last epoch is kept. Give more rows, or validation_fraction=0."
)


def check_parameters(model: DeepAutoencoder) -> None:
    """Refuse parameters outside their domains, before any work.

    Raises:
        ValueOutOfRange: At the first that is; the message names it.
    """
    settings = ("n_epochs", "patience", "schedule", *STEP_SETTINGS)
    TrainingPlan.checked(CALL, **{name: getattr(model, name) for name in settings})
    whole_number(f"{CALL}(n_code=...)", model.n_code, least=1)
    activation_layer(f"{CALL}(activation=...)", model.activation)
    activation_layer(f"{CALL}(code_activation=...)", model.code_activation)
    unit_counts(f"{CALL}(hidden_layer_sizes=...)", model.hidden_layer_sizes)
    unit_counts(f"{CALL}(channels=...)", model.channels)
    for name in ("tied", "bias", "mixed_precision"):
        flag = getattr(model, name)
        if not (
            isinstance(flag, (bool, np.bool_)) or (type(flag) is int and 0 <= flag < 2)
        ):
            raise ValueOutOfRange(
                f"`{CALL}({name}=...)` must be True or False; got {shown(flag)}."
            )
    if model.architecture not in ARCHITECTURES:
        raise ValueOutOfRange(
            f"`{CALL}(architecture=...)` must be one of {', '.join(ARCHITECTURES)}; got "
            f"{shown(model.architecture)}."
        )
    if model.start not in STARTS:
        raise ValueOutOfRange(
            f"`{CALL}(start=...)` must be one of {', '.join(STARTS)}; got "
            f"{shown(model.start)}."
        )
    check_penalty(model)
    if model.checkpoint is not None:
        checked_path(f"{CALL}(checkpoint=...)", model.checkpoint)
        if model.random_state is None:
            raise ValueOutOfRange(
                f"`{CALL}(checkpoint=...)` needs a random_state: another one would draw "
                "another split, and nothing could go on. Give random_state=0."
            )


def validation_rows(
    x: np.ndarray, fraction: object, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray | None]:
    """Row numbers to train on, and those to choose the best epoch by.

    Args:
        x: Rows, "sample input"; equal ones stay together.
        fraction: Share of the second, 0 to 0.5.
        rng: Draws them.

    Returns:
        Both; None for the second where there are none, which is said by a warning unless
        they were not asked for.

    Raises:
        ValueOutOfRange: If the fraction is outside its domain.

    Examples:
        >>> rows = np.arange(20.0)[:, None]
        >>> train, held = validation_rows(rows, 0.1, np.random.default_rng(0))
        >>> train.size, held.size
        (18, 2)
    """
    share = real_number(f"{CALL}(validation_fraction=...)", fraction)
    if not 0.0 <= share <= 0.5:
        raise ValueOutOfRange(
            f"`{CALL}(validation_fraction=...)` must lie in [0, 0.5]; got "
            f"{shown(fraction)}."
        )
    everything = np.arange(x.shape[0])
    if share == 0.0:
        return everything, None
    wanted = round(share * x.shape[0])
    with contextlib.suppress(DataError):  # nearly all rows are equal
        split = hold_out(x, rng=rng, n_test=max(1, wanted))
        differ = any((x[i] != x[split.train[0]]).any() for i in split.train)
        if wanted and differ and _off_the_mean(x, split.train, split.test):
            return split.train, split.test
    text = _NO_VALIDATION.format(share, x.shape[0])
    warnings.warn(text, DataWarning, stacklevel=3)
    return everything, None


def _off_the_mean(x: np.ndarray, train: np.ndarray, held: np.ndarray) -> bool:
    """Whether the error of held-out rows has a unit: some are not the training mean."""
    units = UnitRows.of(x, train)
    return bool(units.scaled(x, held).any())


def make_network(model: DeepAutoencoder, n_input: int, rng: np.random.Generator) -> Any:
    """The network that checked parameters ask for, with its starting weights.

    Raises:
        ValueOutOfRange: If images do not have `n_input` numbers, or their networks should
            be tied.

    Warns:
        DataWarning: If the code is as long as a row.
    """
    if model.n_code >= n_input:
        text = _LONG_CODE.format(model.n_code, n_input)
        warnings.warn(text, DataWarning, stacklevel=3)
    same: dict[str, Any] = {
        "activation": model.activation,
        "code_activation": model.code_activation,
        "bias": bool(model.bias),
        "rng": rng,
    }
    if model.architecture == "dense":
        sizes = unit_counts(CALL, model.hidden_layer_sizes)
        widths = [n_input, *sizes, int(model.n_code)]
        weights = 2 * sum(a * b for a, b in itertools.pairwise(widths))
        check_memory(
            f"{CALL}(n_code=..., hidden_layer_sizes=...)",
            weights,
            _COPIES * 4 * weights,
            "That is how many weights there are: give smaller layers.",
        )
        return DenseAutoencoder(
            n_input,
            int(model.n_code),
            hidden_layer_sizes=sizes,
            tied=bool(model.tied),
            **same,
        )
    if model.tied:
        raise ValueOutOfRange(
            f"`{CALL}(tied=True)` is for dense networks; got architecture='convolutional'."
        )
    shape = image_sizes(f"{CALL}(image_shape=...)", model.image_shape)
    if math.prod(shape) != n_input:
        raise ValueOutOfRange(
            f"`{CALL}(image_shape=...)` must have as many pixels as a row has columns, "
            f"{n_input}; got {shown(model.image_shape)}."
        )
    depths = unit_counts(CALL, model.channels)
    return ConvolutionalAutoencoder(shape, int(model.n_code), channels=depths, **same)
