"""Our sign codes, decoded by `OneBitDecoder` in place of their own decoder with curves.

The bits are those of the table's linear and searched sign codes; what decodes them is
chosen on training rows set aside, the codes' own decoder among the choices.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from threadpoolctl import threadpool_limits

from isthmus.core.bits import pack_signs, unpack_signs
from isthmus.data.checks import equal_norms
from isthmus.estimators import OneBitDecoder, ShallowAutoencoder
from isthmus.estimators.codec_fits import NORM, Fit, Fitted, Ground, LeftOut, too_few
from isthmus.estimators.codec_ground import NEIGHBOURS
from isthmus.estimators.codec_ground import prepared as on_one_scale
from isthmus.estimators.codec_scores import CodecScore
from isthmus.estimators.codec_trials import HeldOutRows, tried

REDECODED = ("linear sign code, redecoded", "searched sign code, redecoded")
_ENCODERS = dict(zip(REDECODED, ("design", "search"), strict=True))
_MOST_QUERIES = 500


def redecoded_scores(
    train: np.ndarray, test: np.ndarray, queries: np.ndarray, budget: int, seed: int
) -> list[CodecScore]:
    """Both codes, without and with a norm, at a budget of bits."""
    found = []
    with threadpool_limits(1):
        one_length = equal_norms(train, test)
        ground, units = on_one_scale(train, unit_norm=one_length, seed=seed)
        held = HeldOutRows.of(test, units, ground, queries, NEIGHBOURS, _MOST_QUERIES, 5)
        for norm in (False, True):
            for label, encoder in _ENCODERS.items():
                trial = tried(label, norm, _fit(encoder), ground, held, budget, ours=True)
                if not isinstance(trial, LeftOut):
                    label = f"{label} + norm" if norm else label
                    found.append(dataclasses.replace(trial.score, label=label))
    return found


def _fit(encoder: str) -> Fit:
    def fit(ground: Ground, budget: int, norm: bool) -> Fitted | LeftOut:
        n_code = budget - NORM if norm else budget
        if n_code < 1:
            return too_few(budget)
        model = ShallowAutoencoder(
            n_code,
            encoder=encoder,  # type: ignore[arg-type]
            decoder="columns",
            norm="float16" if norm else "none",
            random_state=ground.seed,
        ).fit_principal(ground.principal, ground.train)

        def own(codes: np.ndarray, norms: np.ndarray | None) -> np.ndarray:
            whole = codes if norms is None else np.column_stack([codes, norms])
            return np.asarray(model.inverse_transform(whole.astype(np.float32)))

        def lengths(codes: np.ndarray) -> np.ndarray | None:
            return codes[:, n_code] if norm else None

        seen = model.transform(ground.train)
        decoder = OneBitDecoder(
            encoder_weight=model.encoder_weight_ if encoder == "design" else None,
            center=ground.principal.mean,
            baseline=own,
            random_state=ground.seed,
        ).fit(seen[:, :n_code], ground.train, lengths(seen))

        def encode(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            codes = model.transform(x)
            return pack_signs(codes[:, :n_code]), codes[:, n_code:].astype(np.float16)

        def decode(codes: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
            norms = codes[1][:, 0].astype(np.float32) if norm else None
            return decoder.inverse_transform(unpack_signs(codes[0], n_code), norms)

        return Fitted(
            payload_bits=n_code,
            side_bits=NORM if norm else 0,
            encode=encode,
            decode=decode,
            norms=(lambda codes: codes[1][:, 0].astype(np.float32)) if norm else None,
            note=decoder.method_used_,
        )

    return fit
