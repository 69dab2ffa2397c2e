"""Write a report all at once or not at all."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from isthmus.core.errors import OutputError
from isthmus.report.records import Analysis

PAGE, NUMBERS = "index.html", "report.json"


def report_folder_name(source: str) -> str:
    """Default output folder of a data source.

    Examples:
        >>> report_folder_name("runs/My data.npz:x_train")
        'isthmus-report-My-data-x_train'
    """
    name = re.sub(r"\.(npy|npz|csv|parquet)(?=:|$)", "", re.split(r"[/\\]", source)[-1])
    return "isthmus-report-" + (re.sub(r"[^\w.-]+", "-", name).strip("-.") or "data")


@contextlib.contextmanager
def output_folder(
    target: Path, *, force: bool = False
) -> Iterator[Callable[[Analysis], None]]:
    """Hold a place for a report; it appears only if the block ends without an error.

    Args:
        target: Folder that shall hold index.html and report.json.
        force: Replace a report that is there. Anything else is never replaced.

    Yields:
        A function that writes an analysis into the temporary folder beside `target`.

    Raises:
        OutputError: If `target` exists, or nothing can be written beside it; raised
            before the work starts.
    """
    _refuse(target, force)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise OutputError(
            f"`--out {target}` must be writable; {error.strerror or error}. "
            "Choose another folder."
        ) from error
    try:
        yield lambda analysis: _write(analysis, draft)
        draft.chmod(0o755)
        _publish(draft, target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def write_page(text: str, target: Path) -> None:
    """Write one page whole, in place of what is there.

    Args:
        text: HTML.
        target: File.

    Raises:
        OutputError: If nothing can be written there.
    """
    draft = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(text, encoding="utf-8")
        draft.replace(target)
    except OSError as error:
        raise OutputError(
            f"`{target}` must be writable; {error.strerror or error}. Choose another file."
        ) from error
    finally:
        draft.unlink(missing_ok=True)


def _refuse(target: Path, force: bool) -> None:
    if not target.exists() and not target.is_symlink():
        return
    if not force:
        raise OutputError(
            f"`{target}` exists already. Use --force to replace a report, or --out."
        )
    ours = target.is_dir() and not target.is_symlink()
    if not ours or any(p.name not in (PAGE, NUMBERS) for p in target.iterdir()):
        raise OutputError(
            f"`{target}` holds more than a report, so --force will not replace it. "
            "Choose another folder with --out."
        )


def _write(analysis: Analysis, draft: Path) -> None:
    from isthmus.report.html import render

    numbers = json.dumps(analysis.to_dict(), indent=1, allow_nan=False)
    (draft / PAGE).write_text(render(analysis), encoding="utf-8")
    (draft / NUMBERS).write_text(numbers + "\n", encoding="utf-8")


def _publish(draft: Path, target: Path) -> None:
    try:
        if target.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
            target.rename(old / "old")
            draft.rename(target)
            shutil.rmtree(old, ignore_errors=True)
        else:
            draft.rename(target)
    except OSError as error:
        raise OutputError(f"`{target}` could not be written: {error}.") from error
