"""How numbers and figures look: one format, and one colour and dash per series."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

# Okabe-Ito, which stays apart for colour-blind readers and on grey prints.
BLACK, GREY, WHITE = "#000000", "#7a7a7a", "#ffffff"
ORANGE, BLUE, GREEN = "#e69f00", "#0072b2", "#009e73"
VERMILLION, PURPLE, SKY, YELLOW = "#d55e00", "#cc79a7", "#56b4e9", "#f0e442"
TEXT, GRID, AXIS = "#1d1f21", "#e6e6e3", "#9b9b97"

# Colours of a figure are written for the light scheme; the page's script replaces them
# by these when the reader's scheme is dark.
DARK = {
    BLACK: "#f2f2f0",
    WHITE: "#16181a",
    TEXT: "#e4e4e1",
    GRID: "#303336",
    AXIS: "#73777b",
    GREY: "#a0a3a6",
    BLUE: "#4aa8e0",
    VERMILLION: "#f2793a",
}

REFERENCE: dict[str, Any] = {"color": BLACK, "dash": "dash", "width": 2}
RATE_DISTORTION: dict[str, Any] = {"color": GREY, "dash": "solid", "width": 2}
TRANSFORM_CODING: dict[str, Any] = {"color": ORANGE, "dash": "solid", "width": 2}

# The method that isthmus designs is the measured blue; others take what is left.
_METHODS = {
    "design": (BLUE, "circle"),
    "descent": (GREEN, "triangle-up"),
    "random": (VERMILLION, "diamond-open"),
    "transform-coding": (ORANGE, "square"),
    "search": (PURPLE, "diamond"),
}
_OTHERS = (
    (PURPLE, "square-open"),
    (SKY, "triangle-down-open"),
    (YELLOW, "x-open"),
)

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif'
NONE = "–"
_SMALLEST_DECIMAL, _MOST_DECADES = 1e-6, 8  # labels of a logarithmic axis
_NEAR_A_DECADE = 5.0  # from here on labels of all nine digits collide
_FEW = 10  # labels of an axis that counts
_NOISE = 1e-9  # of a value: a smaller error is rounding
_MINUS, _SPACE, _TIMES = "\N{MINUS SIGN}", "\N{NO-BREAK SPACE}", "\u2009×\u2009"
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float, *, signed: bool = False) -> str:
    """Write a number with three significant digits; a dash if it is not finite.

    Examples:
        >>> number(0.41234), number(12.345), number(0.0), number(4.2e-7)
        ('0.412', '12.3', '0', '4.20\u2009×\u200910⁻⁷')
        >>> number(0.9996), number(0.0123, signed=True)
        ('1.00', '+0.0123')
    """
    if not math.isfinite(value):
        return NONE
    if value == 0:
        return "0"
    exponent = _exponent(value)
    if exponent >= 3 and abs(value) < 1e7:
        text = f"{abs(value):,.0f}"
    elif -4 <= exponent < 3:
        text = f"{abs(value):.{2 - exponent}f}"
    else:
        mantissa = abs(value) / 10.0**exponent
        text = f"{mantissa:.2f}{_TIMES}10{str(exponent).translate(_SUPERSCRIPT)}"
    return _sign(value, signed) + text


def with_error(value: float, standard_error: float, *, signed: bool = False) -> str:
    """Write an estimate and its standard error with the same decimals.

    Three significant digits, or more where the error is so small that it shows none.

    Examples:
        >>> with_error(0.41234, 0.0041), with_error(0.41234, 0.00036)
        ('0.412 ± 0.004', '0.4123 ± 0.0004')
        >>> with_error(0.41234, 1e-17)
        '0.412 ± 0.000'
    """
    if not (math.isfinite(value) and math.isfinite(standard_error)):
        return number(value, signed=signed)
    decimals = 2 - _exponent(value) if value else 3
    if standard_error > _NOISE * abs(value):
        decimals = max(decimals, -_exponent(standard_error, digits=1))
        if signed:
            decimals = -_exponent(standard_error, digits=2) + 1
    decimals = min(max(decimals, 0), 12)
    text = f"{abs(value):.{decimals}f} ± {standard_error:.{decimals}f}"
    return _sign(value, signed) + text


def count(value: int) -> str:
    """Write a whole number with commas at its thousands.

    Examples:
        >>> count(1797)
        '1,797'
    """
    return f"{value:,}"


def percent(share: float) -> str:
    r"""Write a share as a percentage with at most three digits.

    Examples:
        >>> percent(0.4643), percent(0.00012), percent(1.0)
        ('46.4\xa0%', '0.012\xa0%', '100\xa0%')
        >>> percent(4.88e-7)
        '4.88\u2009×\u200910⁻⁵\xa0%'
    """
    if not math.isfinite(share):
        return NONE
    if 0 < abs(share) < 1e-6:
        return f"{number(100 * share)}{_SPACE}%"
    return f"{float(f'{100 * share:.3g}'):.10g}{_SPACE}%"


def in_errors(z: float) -> str:
    r"""Write a difference in standard errors, with its sign.

    Examples:
        >>> in_errors(2.345), in_errors(-0.31), in_errors(float("nan"))
        ('+2.3', '−0.3', '–')
    """
    return f"{z:+,.1f}".replace("-", _MINUS) if math.isfinite(z) else NONE


def codec(encoder: str) -> str:
    """Write the name of an encoder, or of what takes its place, for tables and legends.

    Examples:
        >>> codec("transform-coding"), codec("design")
        ('transform coding', 'design')
    """
    return "transform coding" if encoder == "transform-coding" else encoder


def duration(seconds: float) -> str:
    """Write seconds with a unit that keeps the digits few.

    Examples:
        >>> duration(0.0123), duration(3.21), duration(250.0)
        ('12 ms', '3.2 s', '4 min 10 s')
    """
    if not math.isfinite(seconds):
        return NONE
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60} s"


def method_style(encoder: str, encoders: tuple[str, ...]) -> tuple[str, str]:
    """Colour and marker of an encoder, the same in every figure of a page.

    Args:
        encoder: Its name.
        encoders: All names on the page, in order.

    Returns:
        Colour and Plotly marker symbol.

    Examples:
        >>> method_style("design", ("design", "itq"))
        ('#0072b2', 'circle')
        >>> method_style("itq", ("design", "itq"))
        ('#cc79a7', 'square-open')
    """
    if encoder in _METHODS:
        return _METHODS[encoder]
    others = [name for name in encoders if name not in _METHODS]
    return _OTHERS[others.index(encoder) % len(_OTHERS)]


def axis(title: str, **more: Any) -> dict[str, Any]:
    """One axis with its title, which must carry the unit."""
    return {
        "title": {"text": title, "standoff": 10},
        "gridcolor": GRID,
        "linecolor": AXIS,
        "showline": True,
        "ticks": "outside",
        "tickcolor": AXIS,
        "zeroline": False,
        "automargin": True,
        **more,
    }


def log_axis(title: str, **more: Any) -> dict[str, Any]:
    """Draw a logarithmic axis whose labels are plain decimals."""
    plain = {"type": "log", "tickformat": ".6~g", "minorloglabels": "none"}
    return axis(title, **(plain | more))


def decades(values: Iterable[float | None]) -> dict[str, Any]:
    """How a logarithmic axis is labelled.

    1, 2 and 5 of each decade where labels of all nine would collide; powers of ten where
    decimals would be too long.

    Examples:
        >>> decades([0.5, None, 0.02])
        {'dtick': 'D2'}
        >>> decades([1.0, 1e-8])
        {'tickformat': '', 'exponentformat': 'power', 'dtick': 1}
        >>> decades([0.5, 0.3])  # much less than a decade: Plotly's own labels
        {}
    """
    shown = [v for v in values if v is not None and v > 0]
    if not shown:
        return {}
    span = max(shown) / min(shown)
    if min(shown) < _SMALLEST_DECIMAL:
        steps = max(1, math.ceil(math.log10(span) / _MOST_DECADES))
        return {"tickformat": "", "exponentformat": "power", "dtick": steps}
    return {"dtick": "D2"} if _NEAR_A_DECADE <= span <= 1e4 else {}


def whole(largest: int) -> dict[str, Any]:
    """Label whole numbers alone on an axis that counts to a few.

    Examples:
        >>> whole(2), whole(200)
        ({'dtick': 1}, {})
    """
    return {"dtick": 1} if largest <= _FEW else {}


def layout(height: int, **more: Any) -> dict[str, Any]:
    """What every figure's layout shares; the script adds what a narrow screen needs."""
    return {
        "height": height,
        "paper_bgcolor": WHITE,
        "plot_bgcolor": WHITE,
        "font": {"family": FONT, "size": 14, "color": TEXT},
        "margin": {"l": 64, "r": 16, "t": 16, "b": 56},
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 1.02,
            "yanchor": "bottom",
            "bgcolor": "rgba(0,0,0,0)",
        },
        "hoverlabel": {"font": {"family": FONT, "size": 13}},
        "hovermode": "closest",
        "uirevision": "kept",
        **more,
    }


def _exponent(value: float, *, digits: int = 3) -> int:
    """Decimal exponent after rounding to `digits` digits, 0.9996 counting as 1."""
    return int(f"{abs(value):.{digits - 1}e}".split("e")[1])


def _sign(value: float, signed: bool) -> str:
    if value < 0:
        return _MINUS
    return "+" if signed and value > 0 else ""
