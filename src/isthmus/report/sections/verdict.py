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
    if analysis.warnings:
        blocks.append(Warnings(analysis.warnings))
    return Section("verdict", "Verdict", tuple(blocks))
