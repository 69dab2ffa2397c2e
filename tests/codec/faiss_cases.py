"""Indexes that tests take apart, and rows for them."""

import numpy as np

FACTORIES = [
    "LSH",
    "LSHr",
    "LSHt",
    "LSHrt",
    "LSH17",
    "LSH17rt",
    "LSH40rt",
    "RaBitQ",
    "RR,RaBitQ",
    "RR,RaBitQfs",
    "HR,RaBitQ",
    "HR,LSHt",
    "RR,EDEN1",
    "RR,SQtqmse1",
    "L2norm,RR,SQtqmse1",
    "ITQ,LSH",
    "PCA12,LSH",
    "PCAR12,RaBitQ",
    "PCAW12,LSH",
    "OPQ3,RaBitQ",
    "OPQ3_12,EDEN1",
    "Pad40,LSH",
    "RR,IVF4,RaBitQ",
    "IVF4,RaBitQfs",
    "RR,IVF4,EDEN1",
    "IVF4,SQtqmse1",
    "RR,RaBitQ,Refine(Flat)",
]
"""Every kind of code behind every kind of transform."""


def rows_about(mean, n_rows=300, n_input=27, seed=0):
    """Correlated rows about a point that is not 0; 27 columns are no whole bytes."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(n_input, n_input)) * np.linspace(0.2, 1.5, n_input)
    rows = rng.normal(size=(n_rows, n_input)) @ mixing + mean
    return rows.astype(np.float32)
