"""``isthmus inspect``."""

from __future__ import annotations

import typer

from isthmus.cli.codes import Archive, counted, size, tell_damages
from isthmus.cli.options import Json, print_json


def inspect(archive: Archive, json: Json = False) -> None:
    """Tell what an archive holds, from its header and tables; no chunk is read."""
    from isthmus.codec import inspect_archive

    found = inspect_archive(archive)
    if json:
        print_json(found.to_dict())
        return
    times = "once" if found.n_commits == 1 else f"in {found.n_commits} parts"
    kind = ", ".join(f"{name} {value}" for name, value in sorted(found.coder.items()))
    held = f"{size(found.model_bytes)} in the archive" if found.model_bytes else "elsewhere"
    typer.echo(f"{found.path}: isthmus archive, version {found.version}")
    typer.echo(
        f"rows     {found.n_rows} in {counted(found.n_chunks, 'chunk')}, written {times}"
    )
    typer.echo(f"columns  {found.n_input}")
    norm = " and the length of the row, 16 bits" if found.norm != "none" else ""
    typer.echo(f"a row    {found.bits_per_vector} bits: {found.n_bits} bits of code{norm}")
    typer.echo(f"size     {size(found.n_bytes)}")
    typer.echo(f"code     {kind}; model {found.model_digest[:16]} {held}")
    if found.writer:
        typer.echo(f"written  by {found.writer}")
    if found.recoverable_rows:
        typer.echo(f"         {found.recoverable_rows} rows more with decode --recover")
    tell_damages(found.damages)
