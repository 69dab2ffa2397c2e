"""Fitted models as codes that files of packed bits are made with."""

from __future__ import annotations

from typing import Any

from isthmus.core.activations import resolve_activation
from isthmus.core.errors import ValueOutOfRange
from isthmus.decoders.spec import CodecSpec
from isthmus.estimators.shallow import ShallowAutoencoder


def codec_spec(model: Any) -> CodecSpec:
    """The code of a fitted model, in plain numbers.

    Args:
        model: Fitted ShallowAutoencoder with sign activation and decoder ``"linear"`` or
            ``"columns"``; with
            ``norm="float16"`` the code has the length of each row beside the bits.

    Returns:
        Encoder, decoder, mean and the unit of lengths.

    Raises:
        ValueOutOfRange: If it is another model, not fitted, or its code is not one bit per
            symbol or not decoded linearly.

    Examples:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(100, 8))
        >>> spec = codec_spec(ShallowAutoencoder(8, random_state=0).fit(x))
        >>> spec.n_input, spec.bits_per_vector
        (8, 8)
    """
    if not isinstance(model, ShallowAutoencoder):
        raise ValueOutOfRange(
            "`codec_spec(model=...)` must be a ShallowAutoencoder, whose code is bits; got "
            f"{type(model).__name__}. Fit one with --kind shallow."
        )
    if not hasattr(model, "mean_"):
        raise ValueOutOfRange(
            "`codec_spec(model=...)` must be fitted; call its fit(X) first."
        )
    activation = resolve_activation(model.activation)
    if activation.name != "sign":
        raise ValueOutOfRange(
            "`codec_spec(model=...)` must have the sign activation, one bit per symbol; "
            f"got {activation.name}. Fit one with --activation sign."
        )
    if model.posterior_ is not None:
        raise ValueOutOfRange(
            "`codec_spec(model=...)` must have decoder linear or columns, which an archive "
            f"holds; got decoder={model.decoder!r}. Fit one with --decoder linear, and "
            "--norm float16 if row lengths are to be sent."
        )
    return CodecSpec(
        mean=model.mean_,
        n_code=model.n_code_,
        encoder_weight=model.encoder_weight_,
        decoder_weight=model.decoder_weight_,
        decoder="linear" if model.curves_ is None else "columns",
        curves=model.curves_,
        norm=model.norm_scale_,
        encoder="sign" if model.encoder_steps_ is None else model.encoder_used_,
        encoder_steps=model.encoder_steps_,
        search_flips=model.search_flips if model.encoder_used_ == "search" else 0,
    )
