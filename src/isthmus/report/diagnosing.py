"""What a fitted autoencoder of any kind loses on rows it has not seen."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from isthmus.report.deep_diagnosis import diagnose_deep
from isthmus.report.rows import Reading


def diagnose(
    model: Any,
    data: object,
    *,
    train: object | None = None,
    bottleneck: str | None = None,
    columns: Sequence[str] | None = None,
    drop: Sequence[str] = (),
    drop_missing: bool = False,
    known_generators: Any = None,
    seed: int = 0,
) -> Any:
    """Tell what a fitted autoencoder loses on rows it has not seen, and where.

    Args:
        model: Fitted :class:`isthmus.ShallowAutoencoder` or
            :class:`isthmus.DeepAutoencoder`; the path of a saved one; a pair (encoder,
            decoder) of torch modules; or one module, with these as attributes or with its
            code named by `bottleneck`. Modules must be in eval mode and take flat rows.
        data: Rows, array, path or built-in name.
        train: Its training rows in the same form.
        bottleneck: Path of the layer whose answer is the code.
        columns: Names of the only columns to read; None reads all.
        drop: Names of columns to leave out.
        drop_missing: Leave out rows with a missing value.
        known_generators: Matrices, "generator input input", to tell the principal angles
            of those that the model's penalty has learnt to; only for deep autoencoders.
        seed: Of the rows chosen where there are many.

    Returns:
        :class:`~isthmus.report.diagnosis.Diagnosis` of a shallow autoencoder: its gap to
        the Gaussian reference, term by term. Of all others
        :class:`~isthmus.report.deep_diagnosis.DeepDiagnosis`: what encoder and decoder
        miss, regions, slopes and the worst place between rows.

    Raises:
        DataError: If columns disagree, or the rows do not differ.
        ValueOutOfRange: If the model cannot be used.

    Examples:
        >>> import numpy as np
        >>> import torch
        >>> rows = np.random.default_rng(0).normal(size=(80, 3))
        >>> pair = torch.nn.Linear(3, 2).eval(), torch.nn.Linear(2, 3).eval()
        >>> found = diagnose(pair, rows[40:], train=rows[:40])
        >>> found.n_code, bool(found.principal.nmse < found.nmse)
        (2, True)

    References:
        [cosentino:22], [kvalheim:24]
    """
    from isthmus.estimators import ShallowAutoencoder, load
    from isthmus.report.diagnosis import diagnose_model

    if isinstance(model, (str, os.PathLike)):
        model = load(model)
    if isinstance(model, ShallowAutoencoder):
        return diagnose_model(
            model,
            data,
            train=train,
            columns=columns,
            drop=drop,
            drop_missing=drop_missing,
        )
    reading = Reading(columns, drop, drop_missing)
    return diagnose_deep(
        model,
        data,
        train=train,
        bottleneck=bottleneck,
        reading=reading,
        known_generators=known_generators,
        seed=seed,
    )
