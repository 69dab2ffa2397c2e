"""What the parameters of the shallow autoencoder may be."""

from __future__ import annotations

from typing import Any

import numpy as np

from isthmus.core.activations import Activation, resolve_activation
from isthmus.core.door import real_number, shown, whole_number
from isthmus.core.errors import DataError, ValueOutOfRange
from isthmus.core.memory import check_memory
from isthmus.decoders.spec import MOST_FLIPS
from isthmus.priors import AbstractPrior

BIT_ENCODERS = ("quantised", "search", "auto")
"""Encoders whose bits are more than the activation of a linear map."""

_CALL = "ShallowAutoencoder"
_BLOCK = 4096
_LEAST, _MOST = 1e-60, 1e60  # of a spread: fourth powers must not overflow
_LEAST_SINGLE = 1e-34  # float32 loses digits below 1e-38


def code_length(n_code: int | None, rate: float | None, n_input: int) -> int:
    """Code symbols per row from a number, a rate or neither (rate 1).

    Examples:
        >>> code_length(None, 0.5, 64), code_length(None, None, 64)
        (32, 64)
    """
    if n_code is not None and rate is not None:
        raise ValueOutOfRange(
            f"`{_CALL}` must get `n_code` or `rate`, not both; "
            f"got n_code={n_code} and rate={rate}."
        )
    if n_code is not None:
        return whole_number(f"{_CALL}(n_code=...)", n_code, least=1)
    wanted = 1.0 if rate is None else real_number(f"{_CALL}(rate=...)", rate)
    if not (wanted > 0 and np.isfinite(wanted)):
        raise ValueOutOfRange(
            f"`{_CALL}(rate=...)` must be positive and finite; got {wanted}."
        )
    return max(1, round(wanted * n_input))


def check_size(n_code: int, n_input: int, n_directions: int) -> None:
    """Refuse a code whose moments and weights do not fit into memory, before the work."""
    weights = 5 * n_code * n_input + 3 * n_code * n_directions
    needed = 8 * (4 * n_code**2 + weights + n_input * n_directions + 3 * n_directions**2)
    way_out = "Take a shorter code, or columns that were projected first."
    check_memory(f"{_CALL}(n_code=...)", n_code, needed, way_out)


def check_choices(**choices: tuple[object, tuple[str, ...]]) -> None:
    """Refuse a name that is not among those allowed."""
    for name, (value, allowed) in choices.items():
        if not isinstance(value, str) or value not in allowed:
            raise ValueOutOfRange(
                f"`{_CALL}({name}=...)` must be one of {', '.join(allowed)}; got {value!r}."
            )


def check_numbers(ridge: object, n_steps: object) -> None:
    """Refuse a penalty below zero and steps that are not whole."""
    number = isinstance(ridge, (int, float, np.number)) and ridge >= 0
    if not (number or (isinstance(ridge, str) and ridge == "gcv")):
        raise ValueOutOfRange(
            f"`{_CALL}(ridge=...)` must be 'gcv' or a number >= 0; got {ridge!r}."
        )
    if n_steps is None:
        return
    whole = isinstance(n_steps, (int, np.integer)) and not isinstance(n_steps, bool)
    if not whole or n_steps < 1:  # type: ignore[operator]
        raise ValueOutOfRange(
            f"`{_CALL}(n_steps=...)` must be None or a whole number of at least 1; "
            f"got {n_steps!r}."
        )


def check_posterior(
    decoder: object, encoder: object, activation: object, prior: object
) -> None:
    """Refuse what a decoder that knows the distribution cannot decode."""
    if not (
        isinstance(prior, AbstractPrior) or (isinstance(prior, str) and prior == "auto")
    ):
        raise ValueOutOfRange(
            f"`{_CALL}(prior=...)` must be 'auto' or a prior of isthmus.priors; got "
            f"{shown(prior)}."
        )
    if decoder in ("linear", "columns"):
        return
    if activation != "sign":
        raise ValueOutOfRange(
            f"`{_CALL}(decoder={decoder!r})` decodes signs; got activation={activation!r}. "
            "Take activation='sign', or decoder='linear'."
        )
    if encoder == "straight-through" and decoder == "learned":
        return
    if encoder not in ("design", "itq", "random"):
        raise ValueOutOfRange(
            f"`{_CALL}(decoder={decoder!r})` needs an encoder of orthonormal rows in some "
            f"coordinates: design, itq or random; got encoder={encoder!r}. Rows trained "
            "freely are none; take decoder='linear' for them, or train them straight "
            "through under decoder='learned', which keeps them so."
        )


def check_parameters(model: Any) -> None:
    """Refuse what a ShallowAutoencoder cannot be made of, before it looks at rows."""
    from isthmus.estimators.encoders import ENCODERS
    from isthmus.estimators.posterior_fit import DECODERS
    from isthmus.estimators.shallow_fit import FRAMES

    resolve_activation(model.activation)  # its own message for odd and unknown ones
    check_choices(
        encoder=(model.encoder, (*ENCODERS, "auto")),
        decoder=(model.decoder, ("linear", "columns", *DECODERS, "learned")),
        frame=(model.frame, tuple(FRAMES)),
        norm=(model.norm, ("auto", "none", "float16")),
    )
    check_numbers(model.ridge, model.n_steps)
    check_posterior(model.decoder, model.encoder, model.activation, model.prior)
    whole_number(f"{_CALL}(search_flips=...)", model.search_flips, least=0, most=MOST_FLIPS)
    if model.encoder not in BIT_ENCODERS:
        return
    if model.activation != "sign" or model.whiten:
        got = f"activation={model.activation!r}, whiten={model.whiten!r}"
        raise ValueOutOfRange(
            f"`{_CALL}(encoder={model.encoder!r})` must have activation='sign' and "
            f"whiten=False: its bits serve the error in input units; got {got}. Take "
            "encoder='design' for others."
        )


def check_spread(x: np.ndarray, *, name: str = f"{_CALL}.fit(X)") -> None:
    """Refuse rows that are all equal, and units whose fourth power overflows."""
    spread = max(
        float(np.abs(x[i : i + _BLOCK].astype(np.float64) - x[0]).max())
        for i in range(0, x.shape[0], _BLOCK)
    )
    if spread == 0:
        raise DataError(
            f"`{name}` must see rows that differ; all {x.shape[0]} to fit on are equal."
        )
    least = _LEAST_SINGLE if x.dtype == np.float32 else _LEAST
    if not least <= spread <= _MOST:
        raise DataError(
            f"`{name}` must see rows that differ by {least:g} to {_MOST:g}; they "
            f"differ by {spread:.3g}. Multiply or divide the data by a constant."
        )


def check_codes(
    given: np.ndarray, n_code: int, activation: Activation, *, norm: bool
) -> None:
    """Refuse codes that no transform has returned.

    Args:
        given: Codes, and lengths in one further column if `norm`.
        n_code: Code symbols per row.
        activation: Of the code layer.
        norm: Whether lengths are sent.

    Raises:
        ValueOutOfRange: If there are too few or too many columns, an activation of two
            levels has others, or a length is negative.
    """
    if given.shape[1] != n_code + norm:
        also = " and one of lengths" if norm else ""
        raise ValueOutOfRange(
            f"`inverse_transform(X)` must have {n_code} code columns{also}; "
            f"got {given.shape[1]} columns."
        )
    if activation.n_levels == 2:
        level = activation.function(np.ones(1, dtype=given.dtype))[0]
        if not np.all(np.abs(given[:, :n_code]) == level):
            raise ValueOutOfRange(
                f"`inverse_transform(X)` must hold codes of {-level:g} and {level:+g} "
                "only. Pass what `transform` returned; for bits b of the sign "
                "activation use 2 * b - 1."
            )
    if norm and np.any(given[:, -1] < 0):
        raise ValueOutOfRange("`inverse_transform(X)` must have lengths >= 0 last.")
