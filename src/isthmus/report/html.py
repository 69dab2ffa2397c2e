"""One analysis as one HTML file that opens without a network."""

from __future__ import annotations

import functools
import importlib.resources
import json
from typing import Any

import jinja2
from markupsafe import Markup

from isthmus.report import style
from isthmus.report.records import Analysis, to_plain
from isthmus.report.sections import SECTIONS, Section


def render(analysis: Analysis) -> str:
    """Write the report page.

    The page holds everything it needs, Plotly once among it, and asks for nothing. All
    text of the analysis is escaped, also inside the figures' JSON.

    Args:
        analysis: What :func:`isthmus.analyse` returned.

    Returns:
        A whole HTML document, about 5 MB.
    """
    sections = tuple(build(analysis) for build in SECTIONS)
    return _template("template.html").render(
        analysis=analysis,
        sections=sections,
        titles={section.id: section.title for section in sections},
        figures=script_json(_figures(sections)),
        dark=script_json(style.DARK),
        plotly=Markup(plotly_source()),
        subtitle=_subtitle(analysis),
    )


def render_section(section: Section, maker: str = "isthmus diagnose") -> str:
    """Write one section as a page of its own.

    Args:
        section: Any; Plotly is on the page only if it has interactive figures.
        maker: The command that the page names.

    Returns:
        A whole HTML document that asks for nothing.
    """
    return _template("drawing.html").render(
        section=section,
        maker=maker,
        titles={},
        figures=script_json(_figures((section,))) if section.figures else None,
        dark=script_json(style.DARK),
        plotly=Markup(plotly_source()) if section.figures else None,
    )


def script_json(value: Any) -> Markup:
    r"""Encode a value as JSON that may stand inside a ``<script>`` element.

    Characters that could end the element, open a comment or break a line of JavaScript
    are written as ``\uXXXX``; numbers that are not finite become null.

    Args:
        value: Records, arrays, numbers, text, and containers of them.

    Returns:
        JSON that the template does not escape again.

    Examples:
        >>> print(script_json({"name": "</script>"}))
        {"name":"\u003c/script\u003e"}
    """
    text = json.dumps(
        to_plain(value), ensure_ascii=True, allow_nan=False, separators=(",", ":")
    )
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


@functools.cache
def plotly_source() -> str:
    """Plotly's JavaScript, from the installed package (its Python is not loaded)."""
    folder = importlib.resources.files("plotly") / "package_data"
    return (folder / "plotly.min.js").read_text(encoding="utf-8")


def _figures(sections: tuple[Section, ...]) -> dict[str, Any]:
    figures = [figure for section in sections for figure in section.figures]
    return {figure.id: figure.spec for figure in figures}


def _subtitle(analysis: Analysis) -> str:
    data = analysis.data
    columns = "column" if data.n_input == 1 else "columns"
    version = analysis.method.versions.get("isthmus", "")
    return (
        f"{style.count(data.n_rows)} rows, {style.count(data.n_input)} {columns} used. "
        f"Analysed {analysis.method.created[:10]} with isthmus {version}".rstrip()
        + "."
    )


@functools.cache
def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_read),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def _read(name: str) -> str:
    folder = importlib.resources.files("isthmus.report")
    return (folder / name).read_text(encoding="utf-8")
