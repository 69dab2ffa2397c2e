"""What a section of the page is made of: plain records, drawn by the template.

Blocks hold text, never HTML: the template escapes all of it, because names of files and
columns come from outside.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar


@dataclasses.dataclass(frozen=True)
class Text:
    """A paragraph.

    Attributes:
        text: Its words.
        role: ``"plain"``, ``"lead"`` (muted, opens a section) or ``"heading"``.
    """

    text: str
    role: str = "plain"
    kind: ClassVar[str] = "text"


@dataclasses.dataclass(frozen=True)
class Statements:
    """The large sentences of the verdict.

    Attributes:
        sentences: Text and the id of the section it links to.
    """

    sentences: tuple[tuple[str, str], ...]
    kind: ClassVar[str] = "statements"


@dataclasses.dataclass(frozen=True)
class Warnings:
    """What the reader must know before believing a number."""

    texts: tuple[str, ...]
    kind: ClassVar[str] = "warnings"


@dataclasses.dataclass(frozen=True)
class Facts:
    """Rows of name, value and what the value means (may be empty)."""

    rows: tuple[tuple[str, str, str], ...]
    caption: str
    kind: ClassVar[str] = "facts"


@dataclasses.dataclass(frozen=True)
class Terms:
    """Words and their explanation; a series of the figures also carries its key.

    Attributes:
        items: Term and explanation.
        keys: Key of each term, ``""`` or one of the page's ``.key-...`` styles.
    """

    items: tuple[tuple[str, str], ...]
    keys: tuple[str, ...] = ()
    kind: ClassVar[str] = "terms"


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of text that is already formatted.

    Attributes:
        caption: What it shows.
        head: Names of the columns, with units.
        rows: One tuple per row, as long as `head`.
        folded: Shown only when the reader opens it.
        words: How many leading columns hold words, which are aligned left.
        marked: Positions of rows set in bold.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    folded: bool = False
    words: int = 0
    marked: tuple[int, ...] = ()
    kind: ClassVar[str] = "table"


@dataclasses.dataclass(frozen=True)
class Figure:
    """An interactive figure.

    Attributes:
        id: Unique on the page.
        title: What it shows, in plain words.
        caption: How to read it, and where its numbers stand.
        spec: Plotly JSON, ``{"data": [...], "layout": {...}}``, light colours.
    """

    id: str
    title: str
    caption: str
    spec: dict[str, Any]
    kind: ClassVar[str] = "figure"


@dataclasses.dataclass(frozen=True)
class Images:
    """Small pictures.

    Attributes:
        urls: ``data:`` addresses.
        caption: What they show and how grey levels were chosen.
    """

    urls: tuple[str, ...]
    caption: str
    kind: ClassVar[str] = "images"


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Small pictures two by two: an original and what came back of it.

    Attributes:
        pairs: ``data:`` addresses of both and the words below them.
        caption: What they show and how grey levels were chosen.
    """

    pairs: tuple[tuple[str, str, str], ...]
    caption: str
    kind: ClassVar[str] = "pairs"


@dataclasses.dataclass(frozen=True)
class Pictures:
    """Small pictures in groups.

    Attributes:
        groups: Words below, and ``data:`` addresses, of each.
        caption: What they show and how colours were chosen.
        least: Width of a group, in rem.
    """

    groups: tuple[tuple[str, tuple[str, ...]], ...]
    caption: str
    least: int = 12
    kind: ClassVar[str] = "pictures"


@dataclasses.dataclass(frozen=True)
class Code:
    """A line to type."""

    text: str
    kind: ClassVar[str] = "code"


@dataclasses.dataclass(frozen=True)
class References:
    """Literature: key, text and address of each entry."""

    entries: tuple[tuple[str, str, str], ...]
    kind: ClassVar[str] = "references"


Block = (
    Text
    | Statements
    | Warnings
    | Facts
    | Terms
    | Table
    | Figure
    | Images
    | Pairs
    | Pictures
    | Code
    | References
)


@dataclasses.dataclass(frozen=True)
class Section:
    """One section of the page.

    Attributes:
        id: Its anchor.
        title: One or two plain words, for heading and navigation.
        blocks: What it shows, in order.
    """

    id: str
    title: str
    blocks: tuple[Block, ...]

    @property
    def figures(self) -> tuple[Figure, ...]:
        """The figures among the blocks."""
        return tuple(block for block in self.blocks if isinstance(block, Figure))


def thinned(size: int, at_most: int = 50) -> list[int]:
    """Choose at most `at_most` of `size` positions: dense at first, both ends kept.

    Examples:
        >>> thinned(4)
        [0, 1, 2, 3]
        >>> chosen = thinned(3000)
        >>> len(chosen) <= 50, chosen[:4], chosen[-1]
        (True, [0, 1, 2, 3], 2999)
    """
    if size <= at_most:
        return list(range(size))
    dense = at_most // 2
    growth = (size / dense) ** (1.0 / (at_most - dense))
    tail = {round(dense * growth**k) - 1 for k in range(1, at_most - dense + 1)}
    return sorted({*range(dense), *(min(k, size - 1) for k in tail)})
