"""Fitted posterior decoders as arrays and plain numbers, and back."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from isthmus import priors
from isthmus.core.errors import DataError
from isthmus.decoders import AbstractDecoder
from isthmus.estimators.posterior_fit import DECODERS, LAYERS, PosteriorFit
from isthmus.frames import DenseFrame
from isthmus.priors import AbstractPrior, CoordinatePriors

_PARTS = ("weights", "means", "variances")


def state_of(
    fit: PosteriorFit | None,
) -> tuple[dict[str, Any] | None, dict[str, np.ndarray]]:
    """What a file must hold of a fitted decoder: a header, and arrays by name."""
    if fit is None:
        return None, {}
    frame = fit.decoder.frame
    assert isinstance(frame, DenseFrame)
    arrays = {"posterior_frame": np.ascontiguousarray(frame.weight)}
    if fit.back is not None:
        arrays["posterior_back"] = np.ascontiguousarray(fit.back)
    header: dict[str, Any] = {
        "kind": fit.kind,
        "basis": fit.basis,
        "power": fit.power,
        "predicted_nmse": fit.predicted_nmse,
        "trials": dict(fit.trials),
        "prior": None,
    }
    if fit.kind == "learned":
        state = fit.decoder.state()  # type: ignore[attr-defined]
        arrays |= {f"learned_{name}": np.ascontiguousarray(state[name]) for name in state}
    if isinstance(fit.prior, CoordinatePriors):
        for name in _PARTS:
            part = getattr(fit.prior, name)
            arrays[f"posterior_{name}"] = np.ascontiguousarray(part)
    else:
        fields = dataclasses.asdict(fit.prior)  # type: ignore[call-overload]
        header["prior"] = {"name": type(fit.prior).__name__, "fields": fields}
    return header, arrays


def restored_posterior(
    header: dict[str, Any] | None, arrays: dict[str, np.ndarray]
) -> PosteriorFit | None:
    """The decoder that :func:`state_of` described.

    Raises:
        DataError: If the prior is none of this library.
    """
    if header is None:
        return None
    prior: AbstractPrior | CoordinatePriors
    if header["prior"] is None:
        prior = CoordinatePriors(*(arrays[f"posterior_{name}"] for name in _PARTS))
    else:
        name = header["prior"]["name"]
        made = getattr(priors, name, None) if name in priors.__all__ else None
        if not (isinstance(made, type) and issubclass(made, AbstractPrior)):
            raise DataError(f"The prior {name!r} of this model is none of isthmus.priors.")
        prior = made(**header["prior"]["fields"])
    frame, kind = DenseFrame(arrays["posterior_frame"]), header["kind"]
    decoder: AbstractDecoder
    if kind == "learned":
        from isthmus.decoders import LearnedDecoder

        start = "learned_"
        state = {k.removeprefix(start): v for k, v in arrays.items() if k.startswith(start)}
        decoder = LearnedDecoder(frame, prior, n_layers=LAYERS).restored(state)
    else:
        decoder = DECODERS[kind](frame, prior)
    return PosteriorFit(
        kind,
        decoder,
        arrays.get("posterior_back"),
        header["basis"],
        prior,
        header["power"],
        header["predicted_nmse"],
        header["trials"],
    )
