"""An Analysis written by hand: digits at three rates, numbers rounded."""

import dataclasses

import numpy as np

from isthmus.report.judgement import judge
from isthmus.report.records import (
    Analysis,
    DataFacts,
    Examples,
    LimitCurves,
    Method,
    Pair,
    Reached,
    Sentence,
)

REFERENCE = {0.25: 0.428, 1.0: 0.194, 2.0: 0.115}
STATUS = {0.25: "theorem", 1.0: "asymptotic", 2.0: "theorem (tied decoders)"}
MEASURED = {
    (0.25, "design"): (0.41642, 0.0051, 0.431),
    (0.25, "random"): (0.6131, 0.0083, 0.620),
    (1.0, "design"): (0.1907, 0.0029, 0.201),
    (1.0, "random"): (0.2035, 0.0028, 0.218),
    (2.0, "design"): (0.1189, 0.0020, 0.125),
    (2.0, "random"): (0.1284, 0.0019, 0.146),
}
CLASSIC = {0.25: (0.395, 0.321), 1.0: (0.103, 0.0665), 2.0: (0.0246, 0.0123)}


def facts(**changes):
    rng = np.random.default_rng(0)
    eigenvalues = 182.0 * np.exp(-0.1 * np.arange(60))
    values = {
        "name": "digits",
        "n_rows": 1797,
        "n_columns": 64,
        "n_input": 60,
        "n_train": 1438,
        "n_test": 359,
        "split": "random",
        "n_duplicate_rows": 2,
        "left_out": ("pixel 0,0 (constant)", "label (not numbers)"),
        "eigenvalues": eigenvalues,
        "shrinkage": 0.0,
        "n_effective": 13.1,
        "excess_kurtosis": -0.209,
        "zero_fraction": 0.464,
        "n_levels": 17.0,
        "largest_column_share": 0.0353,
        "sample_shape": (8, 8),
        "samples": rng.integers(0, 17, (12, 64)).astype(float),
    }
    return DataFacts(**(values | changes))


def curves():
    bits = np.arange(4, 124, 2)
    rate = bits / 60
    return LimitCurves(
        bits=bits,
        rate=rate,
        reference=1 / (1 + 4 * rate),
        status=tuple("theorem" if r <= 1 else "theorem (tied decoders)" for r in rate),
        tightness=0.3 / np.sqrt(bits),
        transform_coding=np.exp(-2.2 * rate) * 0.8,
        rate_distortion=np.exp(-2.5 * rate) * 0.7,
    )


def reached():
    return tuple(
        Reached(
            rate=rate,
            n_code=round(60 * rate),
            encoder=encoder,
            decoder="least-squares",
            norm="none",
            nmse=nmse,
            standard_error=error,
            reference=REFERENCE[rate],
            status=STATUS[rate],
            predicted=predicted,
            transform_coding=CLASSIC[rate][0],
            rate_distortion=CLASSIC[rate][1],
            bits_per_vector=round(60 * rate),
            seconds=0.021,
        )
        for (rate, encoder), (nmse, error, predicted) in MEASURED.items()
    )


def analysis(**changes):
    values = {
        "data": facts(),
        "limits": curves(),
        "reached": reached(),
        "verdict": (
            Sentence("digits has 1,797 rows; its variance is uneven.", "data"),
            Sentence("At 1 bit per column 0.191 ± 0.003 is left.", "reached"),
            Sentence("Transform coding is predicted to do better: 0.103.", "limits"),
            Sentence("One command makes these numbers again.", "method"),
        ),
        "warnings": ("2 of 64 columns were left out.",),
        "method": Method(
            command="isthmus report digits --rate 0.25,1,2",
            seed=7,
            versions={"isthmus": "0.1.0", "numpy": "2.4.6", "plotly": "7.1.0"},
            timings={"read": 0.5, "limits": 0.02, "total": 1.5},
            created="2026-11-21T08:00:00+00:00",
        ),
    }
    return Analysis(**(values | changes))


GAP = {
    "spectrum": 0.0021,
    "coherence": 0.0048,
    "decoder": 0.0023,
    "shift": -0.0012,
    "non_gaussianity": -0.0113,
}
CODING = {0.25: (0.3811, 0.0049), 1.0: (0.1042, 0.0018), 2.0: (0.0251, 0.0006)}


def measured_coding(like, **changes):
    """Transform coding measured beside a designed encoder."""
    nmse, error = CODING[like.rate]
    values = {
        "encoder": "transform-coding",
        "decoder": "cell-means",
        "nmse": nmse,
        "standard_error": error,
        "predicted": like.transform_coding,
        "versus": {"design": Pair(nmse - like.nmse, 0.0017)},
        "gap": {},
        "norm_spread": None,
        "norm_spread_error": None,
    }
    return replaced(like, **(values | changes))


def everything_reached():
    """Two encoders and transform coding at three rates, with gaps and paired errors."""
    rows = []
    for row in reached():
        design = next(r for r in reached() if (r.rate, r.encoder) == (row.rate, "design"))
        total = row.nmse - row.reference
        gap = GAP | {"non_gaussianity": total - sum(GAP.values()) + GAP["non_gaussianity"]}
        rows.append(
            replaced(
                row,
                gap=gap,
                norm_spread=0.0037,
                norm_spread_error=0.0004,
                versus={}
                if row.encoder == "design"
                else {"design": Pair(row.nmse - design.nmse, 0.0011)},
            )
        )
        if row.encoder == "random":
            rows.append(measured_coding(design))
    return tuple(rows)


def examples(n_columns=64, n_worst=6, n_typical=6):
    rng = np.random.default_rng(1)
    worst = rng.integers(0, 17, (n_worst, n_columns)).astype(float)
    typical = rng.integers(0, 17, (n_typical, n_columns)).astype(float)
    return Examples(
        n_code=60,
        worst=worst,
        worst_back=0.5 * worst + 4 + rng.normal(size=worst.shape),
        worst_nmse=0.9 * 0.93 ** np.arange(n_worst),
        typical=typical,
        typical_back=typical + rng.normal(size=typical.shape),
        typical_nmse=0.17 + 0.001 * np.arange(n_typical),
    )


def everything(**changes):
    """An analysis in which every part is filled, its verdict made from its numbers."""
    data = facts(n_moment_rows=1200, n_fit_rows=900, n_rows_dropped=3)
    rows = everything_reached()
    values = {
        "data": data,
        "reached": rows,
        "verdict": judge(data, rows),
        "examples": examples(),
        "left_out": ("The descent encoder at 2,000 bits: a step takes 40 s.",),
    }
    return analysis(**(values | changes))


def replaced(record, **changes):
    return dataclasses.replace(record, **changes)
