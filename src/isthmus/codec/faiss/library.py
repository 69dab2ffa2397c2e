"""faiss itself, its names for things, and its messages in one line."""

from __future__ import annotations

from typing import Any

from isthmus.core.lazy import needed_module


def library() -> Any:
    """The package faiss.

    Raises:
        MissingDependency: If it is not installed.
    """
    return needed_module("faiss", "faiss")


def kind_of(thing: object) -> str:
    """What faiss calls the class of an index or transform."""
    return type(thing).__name__


def told_by(error: BaseException) -> str:
    """What faiss says, without the function and file that they begin with.

    Examples:
        >>> told_by(RuntimeError("Error in f() at /a/b.cpp:12: could not parse X"))
        'could not parse X'
    """
    text = " ".join(str(error).split())
    _, found, rest = text.partition(".cpp:")
    told = rest.partition(": ")[2] if found and ": " in rest else text
    return told.rpartition("' failed: ")[2].rstrip(".")
