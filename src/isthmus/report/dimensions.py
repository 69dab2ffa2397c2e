"""How many latent dimensions: estimates, holes, and what they rule out."""

from __future__ import annotations

import dataclasses
import importlib.util
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from isthmus.core.errors import DataError, DataWarning, NotConverged, ValueOutOfRange
from isthmus.core.progress import Progress
from isthmus.core.random import as_rng, random_subset
from isthmus.report.costs import Task, Work
from isthmus.report.dimension_records import CodeStatus, Dimensions, Estimate, Hole

if TYPE_CHECKING:
    from isthmus.topology import (
        Certificate,
        DimensionReport,
        LatentDimensionReport,
    )

MOST_ROWS, LEAST_ROWS, MOST_VALUES = 5000, 1000, 4_000_000
"""Rows that neighbours are looked for among, in a report; fewer where they are wide."""
MOST_POINTS = {1: 5000, 2: 5000, 3: 3000}
"""Points triangulated in a report by columns; beyond three columns 1000."""
FEW_POINTS = 1000
SHORTEST = 0.005
"""Of the largest radius at which a hole is filled: shorter bars are not drawn."""
LEVEL = 0.05
BUDGET_SHARE = 0.2
BARS = 12
"""Holes of each degree that are drawn, the longest."""
_LEAST_ROWS = 20
_HOLES = {1: 1e7, 2: 1e7, 3: 1e8}  # entries passed over for each 1000 points, by columns
_HOLES_WIDE = 5e9
_NO_EXTRA = (
    "Holes were not looked for: that needs gudhi, which the extra brings: "
    "pip install 'isthmus[topology]'."
)


def rows_looked_at(n_columns: int) -> int:
    """How many rows a report looks for neighbours among.

    Examples:
        >>> rows_looked_at(64), rows_looked_at(3072), rows_looked_at(20_000)
        (5000, 1302, 1000)
    """
    return min(MOST_ROWS, max(LEAST_ROWS, MOST_VALUES // n_columns))


def dimensions_work(task: Task) -> Work:
    """Neighbours of all rows looked at, and the holes of fewer."""
    n, d = min(task.n_rows, rows_looked_at(task.n_input)), task.n_input
    points = min(n, MOST_POINTS.get(d, FEW_POINTS))
    holes = _HOLES.get(d, _HOLES_WIDE) * points / FEW_POINTS
    products = 2.0 * n**2 * d + 2.0 * n * d * min(n, d)
    return Work(products, 60.0 * n**2 + holes)


def why_no_dimensions(task: Task, budget: float) -> str:
    """Why the dimension is not looked at, in one sentence; empty if it is."""
    if min(task.n_rows, task.n_train) < _LEAST_ROWS:
        return f"The dimension of fewer than {_LEAST_ROWS} rows cannot be told."
    seconds = dimensions_work(task).assumed_seconds
    if seconds > BUDGET_SHARE * budget:
        return (
            f"The dimension was not looked at: that would take about {seconds:.0f} s on "
            "two slow cores. A larger --budget has room for it."
        )
    return ""


def measure_dimensions(
    rows: np.ndarray,
    *,
    seed: int = 0,
    most_rows: int | None = None,
    max_points: int | None = None,
    progress: Progress | None = None,
) -> Dimensions:
    """Intrinsic dimension, holes and what they rule out, of a sample of the rows.

    Args:
        rows: Finite rows.
        seed: Of the draw.
        most_rows: Rows to look for neighbours among; None for as many as in a report.
        max_points: Points to triangulate; None for as many as there is memory for.
        progress: Called with a label, the steps done and the steps in all.

    Returns:
        The record.

    Raises:
        DataError: If there are too few different rows, or all are equally far apart.
        ValueOutOfRange: If so many points would make too large a complex.
    """
    from isthmus.topology import intrinsic_dimension

    tell = progress or (lambda label, done, total: None)
    most_rows = rows_looked_at(rows.shape[1]) if most_rows is None else most_rows
    if rows.shape[0] > most_rows:
        kept = random_subset(as_rng(seed), rows.shape[0], most_rows)
        rows = rows[np.sort(kept)]
    rows = _in_their_span(rows)
    tell("neighbours", 0, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # each stands in the record
        found = intrinsic_dimension(rows)
    record = _estimated(found)
    if importlib.util.find_spec("gudhi") is None:
        return dataclasses.replace(record, no_holes=_NO_EXTRA)
    from isthmus.topology import latent_dimension_report

    tell("holes", 1, 2)
    try:
        report = latent_dimension_report(rows, dim=found.dimension, max_points=max_points)
    except NotConverged as error:
        return dataclasses.replace(record, no_holes=f"Holes could not be found: {error}")
    tell("done", 2, 2)
    return dataclasses.replace(record, **_of_report(report))


def _in_their_span(rows: np.ndarray) -> np.ndarray:
    """Fewer columns with the same distances, where there are fewer rows than columns."""
    if rows.shape[0] >= rows.shape[1]:
        return rows
    centred = rows - rows.mean(axis=0, dtype=np.float64)
    triangle: np.ndarray = np.linalg.qr(centred.T, mode="r")  # type: ignore[assignment]
    return np.ascontiguousarray(triangle.T)


def _estimated(found: DimensionReport) -> Dimensions:
    return Dimensions(
        n_rows=found.n_points,
        dimension=found.dimension,
        median=found.median,
        spread=found.spread,
        estimates=tuple(
            Estimate(one.method, one.value, one.standard_error)
            for one in found.estimates.values()
        ),
        scan_radius=found.scan.radius,
        scan_value=found.scan.value,
        scan_error=found.scan.standard_error,
        doubts=found.warnings,
    )


def _of_report(report: LatentDimensionReport) -> dict[str, Any]:
    return {
        "certified_lower": report.certified_lower,
        "estimated_lower": report.estimated_lower,
        "reasons": tuple(
            f"at least {least}: {why}" for least, why in report.reasons.values()
        ),
        "upper": report.upper,
        "upper_is_theorem": report.upper_is_theorem,
        "orientable": report.orientable,
        "n_components": report.n_components,
        "codes": _codes(report),
        "holes": _longest(report),
        "n_points": report.n_points,
        "covering_radius": report.covering_radius,
        "n_columns": max(holes.dim for holes in report.holes),
    }


def _codes(report: LatentDimensionReport) -> tuple[CodeStatus, ...]:
    """One entry for each latent dimension with a certificate, then runs of one status."""
    found: list[CodeStatus] = []
    for n_code in range(1, report.upper + 1):
        status = report.status(n_code)
        bound = report.certificates.get(n_code)
        if status == "obstructed":
            bound = _significant(report, n_code)
        elif bound is not None and bound.degree is None:
            bound = None
        before = found[-1] if found else None
        same = before is not None and before.status == status
        if before is not None and same and before.certificate is None and bound is None:
            found[-1] = dataclasses.replace(before, last=n_code)
        else:
            found.append(CodeStatus(n_code, n_code, status, bound))
    return tuple(found)


def _significant(report: LatentDimensionReport, n_code: int) -> Certificate:
    """The largest error that a hole which is more than chance certifies."""
    n_tests = sum(holes.degree.size for holes in report.holes)
    given = report.certificates[n_code]
    radius = given.bound / given.relative  # both are of one hole at least as good
    found = []
    for component, holes in enumerate(report.holes):
        sure = holes.counts & (holes.degree >= n_code) & (n_tests * holes.p_value < LEVEL)
        for i in np.flatnonzero(sure & (holes.bound > 0.0)).tolist():
            found.append((float(holes.bound[i]), component, i))
    bound, component, i = max(found)
    holes = report.holes[component]
    longest, share = holes.longest_edge(float(holes.birth[i]))
    return dataclasses.replace(
        given,
        bound=bound,
        relative=bound / radius,
        p_value=min(1.0, n_tests * float(holes.p_value[i])),
        degree=int(holes.degree[i]),
        birth=float(holes.birth[i]),
        death=float(holes.death[i]),
        component=component,
        longest_edge=longest,
        longest_edge_quantile=share,
    )


def _longest(report: LatentDimensionReport) -> tuple[Hole, ...]:
    found: list[Hole] = []
    n_tests = sum(holes.degree.size for holes in report.holes)
    for component, holes in enumerate(report.holes):
        for degree in np.unique(holes.degree).tolist():
            at = np.flatnonzero(holes.degree == degree)
            length = holes.death[at] - holes.birth[at]
            at = at[np.argsort(-length, kind="stable")][:BARS]
            at = at[holes.death[at] - holes.birth[at] > SHORTEST * holes.death.max()]
            for i in at.tolist():
                p = float(holes.p_value[i])
                corrected = None if np.isnan(p) else min(1.0, n_tests * p)
                birth, death = float(holes.birth[i]), float(holes.death[i])
                found.append(Hole(degree, birth, death, component, corrected))
    return tuple(sorted(found, key=lambda hole: (hole.degree, hole.birth - hole.death)))


def dimensions_or_why(rows: np.ndarray, *, seed: int) -> tuple[Dimensions | None, str]:
    """The record of a report, or why there is none, in one sentence."""
    why = ""
    for points in (MOST_POINTS.get(rows.shape[1], FEW_POINTS), FEW_POINTS):
        try:
            return measure_dimensions(rows, seed=seed, max_points=points), ""
        except (DataError, ValueOutOfRange) as error:
            why = f"The dimension cannot be told: {error}"
            if isinstance(error, DataError):
                break
    return None, why
