"""The one table of tolerances: theory in float64, coding in float32."""

CORRELATION_GAP = 1e-12
"""Floor of 1 - M**2, and gap below which two encoder rows count as the same."""

RELATIVE_RANK = 1e-10
"""Eigenvalues below this share of the largest count as zero when inverted."""

JITTER = 1e-10
"""Added to the diagonal of a singular code covariance before it is solved."""

SYMMETRY = 1e-8
"""Largest relative asymmetry that a covariance may have."""

QUADRATURE = 1e-13
"""Absolute accuracy asked of a Gaussian mean."""

SPIKE = 0.05
"""Share of the code on one direction above which a limit is only asymptotic."""

ROWS_PER_COLUMN = 20
"""Training rows per coordinate below which eigenvalues are shrunk."""

KERNEL = 1e-12
"""Accuracy asked of a kernel, relative to its value at correlation 1."""

UNIT_VARIANCE = 1e-6
"""Deviation of a pre-activation's standard deviation from 1 that is taken for rounding."""
