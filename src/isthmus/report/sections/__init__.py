"""Sections of the report page, in the order of the page.

A new section is one new file that has ``build(analysis) -> Section`` and one line here.
"""

from __future__ import annotations

from collections.abc import Callable

from isthmus.report.records import Analysis
from isthmus.report.sections import (
    data,
    decoders,
    dimensions,
    fails,
    generalise,
    limits,
    method,
    reached,
    verdict,
)
from isthmus.report.sections.base import Section

SECTIONS: tuple[Callable[[Analysis], Section], ...] = (
    verdict.build,
    data.build,
    dimensions.build,
    limits.build,
    reached.build,
    decoders.build,
    fails.build,
    generalise.build,
    method.build,
)

__all__ = ["SECTIONS", "Section"]
