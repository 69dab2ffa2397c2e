"""What is said of dimensions, on the page and on the command line."""

from __future__ import annotations

from isthmus.report.dimension_records import Dimensions
from isthmus.report.style import number, percent

WIDE = 0.2
"""Relative spread of the estimates above which it is told in the verdict."""

METHODS = {
    "gride": "Gride, plateau",
    "mle": "Levina and Bickel",
    "local-pca": "local principal components",
    "two-nn": "two nearest neighbours",
    "mle-inverse": "MacKay and Ghahramani",
    "correlation": "correlation dimension",
}
VOTING = ("gride", "mle", "local-pca")


def about_dimensions(found: Dimensions) -> str:
    """One or two sentences: how many dimensions, and what is ruled out for certain."""
    ways = "direction" if found.dimension == 1 else "directions"
    start = f"The rows vary in about {found.dimension} {ways} locally{_range(found)}"
    if found.no_holes:
        return f"{start}; whether loops or cavities rule more out was not looked at."
    bound = found.certificate
    if bound is None or found.certified_lower < 2:
        return (
            f"{start}; no loop or cavity is more than chance, so that topology rules out "
            "no latent space."
        )
    least = found.certified_lower
    return (
        f"{start}, and {least} latent dimensions are the least: every continuous "
        f"autoencoder with {dimensions(least - 1)} errs by at least {number(bound.bound)} "
        f"({percent(bound.relative)} of the rows' root mean square distance from their "
        f"mean) somewhere between near rows, for they have {hole(bound.degree or 0)} "
        f"({with_p(bound.p_value)})."
    )


def hole(degree: int) -> str:
    """What a hole of some degree is called.

    Examples:
        >>> hole(1), hole(3)
        ('a loop', 'a hole of degree 3')
    """
    return {1: "a loop", 2: "a cavity"}.get(degree, f"a hole of degree {degree}")


def dimensions(count: int) -> str:
    """A number of latent dimensions, in words.

    Examples:
        >>> dimensions(1), dimensions(2)
        ('1 latent dimension', '2 latent dimensions')
    """
    return "1 latent dimension" if count == 1 else f"{count} latent dimensions"


def p_value(p: float | None) -> str:
    """A p-value with one digit; below 1e-10 it only says so.

    Examples:
        >>> p_value(0.034), p_value(1e-80), p_value(None)
        ('0.03', '< 1e-10', '–')
    """
    if p is None:
        return "–"
    return "< 1e-10" if p < 1e-10 else f"{p:.1g}"


def with_p(p: float | None) -> str:
    """The same with its name.

    Examples:
        >>> with_p(0.034), with_p(1e-80), with_p(None)
        ('p = 0.03', 'p < 1e-10', 'not tested')
    """
    if p is None:
        return "not tested"
    return f"p {'' if p < 1e-10 else '= '}{p_value(p)}"


def _range(found: Dimensions) -> str:
    votes = [one.value for one in found.estimates if one.method in VOTING]
    if found.spread <= WIDE or not votes:
        return ""
    return f" (estimates from {number(min(votes))} to {number(max(votes))})"
