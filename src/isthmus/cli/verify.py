"""``isthmus verify``."""

from __future__ import annotations

import typer

from isthmus.cli.codes import Archive, Model, coder_from, counted, tell_damages
from isthmus.cli.options import Json, Quiet, print_json


def verify(
    archive: Archive, model: Model = None, json: Json = False, quiet: Quiet = False
) -> None:
    """Check every byte of an archive; exit code 2 if one is not as it was written."""
    from isthmus.codec import verify_archive
    from isthmus.core.progress import progress_bar

    with progress_bar(enabled=not quiet) as tell:
        coder = None if model is None else coder_from(model)
        found = verify_archive(archive, coder=coder, progress=tell)
    if json:
        print_json(found.to_dict())
    elif found.ok:
        typer.echo(
            f"{archive}: whole; {counted(found.n_rows, 'row')} in "
            f"{counted(found.n_chunks, 'chunk')} have their checksums"
        )
    else:
        typer.echo(f"{archive}: damaged; {found.n_good_rows} of {found.n_rows} rows whole")
        tell_damages(found.damages)
    if not found.ok:
        raise typer.Exit(2)
