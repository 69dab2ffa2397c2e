"""How wrong every continuous autoencoder with too few latent dimensions must be."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from isthmus.core.door import real_number
from isthmus.core.errors import ValueOutOfRange
from isthmus.core.typing import Matrix
from isthmus.topology.holes import Holes, component_holes
from isthmus.topology.parts import Parts, divided
from isthmus.topology.point_clouds import checked_cloud, checked_code
from isthmus.topology.significance import corrected


@dataclasses.dataclass(frozen=True)
class Certificate:
    """A lower bound of the largest error, and what it speaks of.

    Attributes:
        bound: Every continuous autoencoder with `n_code` real latent numbers has an error
            of at least this somewhere on the polyhedron; input units, 0 if nothing is
            certified.
        relative: Bound over the root mean square distance of the rows from their mean.
        p_value: Of the class that attains the bound: chance that a cloud without shape
            has one, corrected for all classes looked at. None if nothing is certified or
            there is no test.
        degree: Degree of its hole: 1 a loop, 2 a cavity. None if nothing is certified.
        birth: Radius of balls about the points at which the hole appears.
        death: Radius at which it is filled.
        component: Component that has it, 0 the largest.
        n_code: Latent dimension asked about.
        smallest_p_value: Least corrected p-value of any class looked at.
        n_tests: Classes looked at, all components and degrees from `n_code` on.
        max_birth: Largest birth that counted, in that component.
        longest_edge: Longest edge of the polyhedron, between samples as given.
        longest_edge_quantile: Share of all distances between samples that are shorter.
        kind: "alpha", "projected alpha" or "rips".
        dim: Dimensions of the complex.
        separate: Whether the component is farther than two births from the rest.
        n_components: Components of the cloud.
        n_points: Distinct points used.
        covering_radius: Largest distance of a row to the points used, 0 if all are used;
            of many wide rows only some are looked at.
        jitter: Displacement of a degenerate cloud; the bound allows for it.
    """

    bound: float
    relative: float
    p_value: float | None
    degree: int | None
    birth: float | None
    death: float | None
    component: int | None
    n_code: int
    smallest_p_value: float | None
    n_tests: int
    max_birth: float
    longest_edge: float
    longest_edge_quantile: float
    kind: str
    dim: int
    separate: bool
    n_components: int
    n_points: int
    covering_radius: float
    jitter: float

    @property
    def statement(self) -> str:
        """The bound in words, with the polyhedron that it speaks of."""
        if self.degree is None:
            return (
                f"No hole rules out {_dimensions(self.n_code)}; that does not say that "
                "they are enough."
            )
        of = "" if self.n_components == 1 else f" of component {self.component}"
        where = {
            "alpha": f"the samples{of} and the straight lines, triangles and so on between "
            "those whose balls of radius {:.3g} meet",
            "projected alpha": f"the samples{of} and the straight lines, triangles and so "
            f"on between those that are close after projection to {self.dim} dimensions "
            "(balls of radius {:.3g} meet)",
            "rips": f"the landmarks{of} and the simplices between those at most twice "
            "{:.3g} apart",
        }[self.kind].format(self.birth)
        own = "" if self.separate else " (interpolation of this component alone)"
        return (
            f"Every continuous autoencoder with {_dimensions(self.n_code)} errs by at "
            f"least {self.bound:.3g} somewhere on {where}{own}; the longest of these lines "
            f"is {self.longest_edge:.3g}, longer than {self.longest_edge_quantile:.1%} of "
            "all distances."
        )


def certificate(
    X: Matrix,
    n_code: int,
    *,
    max_birth: float | None = None,
    max_points: int | None = None,
) -> Certificate:
    r"""Lower bound of the worst error of any continuous autoencoder, from the data's holes.

    If a hole of degree :math:`j \ge l` of the union of balls about the points is born at
    radius b and filled at d, then for all continuous :math:`F: R^n \to R^l` and
    :math:`G: R^l \to R^n`, l at least 1,

    .. math:: \max_{x \in K_b} |G(F(x)) - x| \ge d - b

    with :math:`K_b` the alpha complex at radius b: the points, and the simplices between
    near ones. Otherwise the straight line from x to G(F(x)) would stay within d of the
    points and carry the hole through :math:`R^l`, which has none of that degree. It says
    nothing of discontinuous or stochastic encoders, quantised codes, or latent spheres.

    The bound is a theorem for every `max_birth`; whether the hole is more than chance
    is what the p-value tells. Clouds of more than four dimensions are projected to their
    principal axes, which the bound survives (it then speaks of the simplices lifted back),
    or from `n_code` = 4 on sampled by landmarks.

    Args:
        X: Samples along the first axis; images are flattened.
        n_code: Latent dimension l, from 1 to the number of columns.
        max_birth: Largest birth radius of a hole that counts, input units. None: 3.5 times
            the radius at which the component's points are connected.
        max_points: Most points to triangulate, drawn at random with a fixed seed. None:
            as many as stay within four million simplices.

    Returns:
        The largest bound over components, exact to rounding.

    Raises:
        ValueOutOfRange: If an argument is out of its range or too much is asked.
        DataError: If the rows are not finite numbers.
        MissingDependency: If gudhi is not installed.

    Examples:
        >>> angle = np.arange(60) * 2 * np.pi / 60
        >>> circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        >>> one = certificate(circle, 1)
        >>> round(one.bound, 3), one.degree, one.p_value < 0.01
        (0.948, 1, True)
        >>> certificate(circle, 2).bound
        0.0

    References:
        [kvalheim:24], [cohensteiner:07], [bobrowski:23]
    """
    points = checked_cloud("certificate(X=...)", X)
    n_code = checked_code("certificate", n_code, points.shape[1])
    check_birth("certificate", max_birth)
    parts = divided("certificate", points, max_points)
    holes = [
        component_holes(part, n_code, max_birth=max_birth, alpha=parts.alpha)
        for part in parts.members
    ]
    return from_holes(parts, holes, n_code)


def check_birth(call: str, max_birth: float | None) -> None:
    """Refuse a largest birth that is no positive number."""
    if max_birth is not None and not real_number(f"{call}(max_birth=...)", max_birth) > 0.0:
        raise ValueOutOfRange(
            f"`{call}(max_birth=...)` must be a positive radius in input units; got "
            f"{max_birth}. Leave it out to have it chosen."
        )


def from_holes(
    parts: Parts, holes: list[Holes], n_code: int, *, lowest: int | None = None
) -> Certificate:
    """The certificate that the holes of all components give together.

    Args:
        parts: The components.
        holes: Of each of them, from degree `lowest` on.
        n_code: Only holes of at least this degree certify.
        lowest: Lowest degree that counts as looked at; `n_code` by default.
    """
    lowest = n_code if lowest is None else lowest
    n_tests = int(sum(np.sum(each.degree >= lowest) for each in holes))
    p_values = [each.p_value[each.degree >= n_code] for each in holes]
    tested = np.concatenate(p_values)
    tested = tested[~np.isnan(tested)]
    smallest = corrected(float(tested.min()), n_tests) if tested.size else None
    best = [_best(each, n_code) for each in holes]
    bounds = [
        -np.inf if at is None else float(each.bound[at])
        for each, at in zip(holes, best, strict=True)
    ]
    component = int(np.argmax(bounds))
    chosen, at = holes[component], best[component]
    common: dict[str, Any] = {
        "n_code": n_code,
        "smallest_p_value": smallest,
        "n_tests": n_tests,
        "max_birth": chosen.max_birth,
        "kind": chosen.kind,
        "dim": chosen.dim,
        "n_components": len(holes),
        "n_points": parts.n_points,
        "covering_radius": parts.covering_radius,
        "jitter": chosen.jitter,
    }
    if at is None:
        common |= dict.fromkeys(("p_value", "degree", "birth", "death", "component"))
        return Certificate(
            bound=0.0,
            relative=0.0,
            longest_edge=0.0,
            longest_edge_quantile=0.0,
            separate=True,
            **common,
        )
    birth = float(chosen.birth[at])
    longest, share = chosen.longest_edge(birth)
    return Certificate(
        bound=bounds[component],
        relative=bounds[component] / parts.radius,
        p_value=corrected(float(chosen.p_value[at]), n_tests),
        degree=int(chosen.degree[at]),
        birth=birth,
        death=float(chosen.death[at]),
        component=component,
        longest_edge=longest,
        longest_edge_quantile=share,
        separate=parts.gap > 2.0 * birth,
        **common,
    )


def _best(holes: Holes, n_code: int) -> int | None:
    """Class that certifies most, or None."""
    able = holes.counts & (holes.degree >= n_code) & (holes.bound > 0.0)
    if not able.any():
        return None
    return int(np.where(able, holes.bound, -np.inf).argmax())


def _dimensions(count: int) -> str:
    return "1 latent dimension" if count == 1 else f"{count} latent dimensions"
