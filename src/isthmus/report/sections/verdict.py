"""Verdict: what the analysis says, in sentences that link to their evidence."""

from __future__ import annotations

from isthmus.report.records import Analysis
from isthmus.report.sections.base import Block, Section, Statements, Text, Warnings


def build(analysis: Analysis) -> Section:
    """Put the verdict's sentences first and the warnings right below them.

    Args:
        analysis: The analysis.

    Returns:
        The section.
    """
    blocks: list[Block] = []
    if analysis.verdict:
        sentences = tuple((line.text, line.section) for line in analysis.verdict)
        blocks.append(Statements(sentences))
    else:
        blocks.append(Text("This analysis came to no verdict."))
    warnings = analysis.warnings + _left_out(analysis)
    if warnings:
        blocks.append(Warnings(warnings))
    return Section("verdict", "Verdict", tuple(blocks))


def _left_out(analysis: Analysis) -> tuple[str, ...]:
    size = len(analysis.left_out)
    if not size:
        return ()
    parts = "One part was" if size == 1 else f"{size} parts were"
    return (f"{parts} left out for lack of time; see Method for what and why.",)
