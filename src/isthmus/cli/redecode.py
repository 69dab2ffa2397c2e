"""``isthmus decode`` of a faiss index."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from isthmus.cli.options import print_json, told_warnings

if TYPE_CHECKING:
    from isthmus.cli.redecoding import Redecoding


def index_decoded(
    path: Path,
    output: Path,
    train: str | None,
    span: tuple[int, int] | None,
    seed: int,
    force: bool,
    *,
    json: bool,
    quiet: bool,
) -> None:
    """Fit a decoder to training rows, write the rows that the index holds."""
    from isthmus.cli.redecoding import redecode
    from isthmus.codec.faiss import read_index
    from isthmus.codec.output import target_of, write_rows
    from isthmus.core.errors import ValueOutOfRange
    from isthmus.core.progress import progress_bar
    from isthmus.data import load

    if train is None:
        raise ValueOutOfRange(
            f"`decode {path.name}` must have --train DATA: codes of faiss are decoded with "
            "what rows like them tell. faiss itself decodes with index.reconstruct_n."
        )
    target = target_of("decode(--output)", output, force=force)
    with told_warnings(quiet), progress_bar(enabled=not quiet) as tell:
        rows = load(train)
        found = redecode(read_index(path), rows.values, random_state=seed)
        count = len(found.codes.codes)
        start, stop = (0, count) if span is None else span
        if stop > count:
            raise ValueOutOfRange(
                f"`--rows` must be rows of the index, 0 to {count - 1}; got up to "
                f"{stop - 1}."
            )
        shape = (stop - start, rows.values.shape[1])
        write_rows(target, shape, rows.column_names, found.blocks(start, stop), tell)
    if json:
        print_json(_facts(found, output, start, stop))
    else:
        typer.echo(f"{output}: {shape[0]} rows of {shape[1]} columns, float32")
        typer.echo(f"{found.codes.kind}, {found.codes.bits_per_vector} bits per row")
        typer.echo(found.decoder.reason_)
        if found.codes.ids is not None:
            typer.echo("rows are in the order of the index, not 0, 1, 2, ...: see --json")


def _facts(found: Redecoding, output: Path, start: int, stop: int) -> dict[str, Any]:
    codes, decoder = found.codes, found.decoder
    ids = None if codes.ids is None else codes.ids[start:stop].tolist()
    return {
        "output": str(output),
        "n_rows": stop - start,
        "n_columns": codes.encoder_weight.shape[1],
        "kind": codes.kind,
        "bits_per_vector": codes.bits_per_vector,
        "side_bits": codes.side_bits,
        "method": decoder.method_used_,
        "trials": decoder.trials_,
        "reason": decoder.reason_,
        "ids": ids,
        "note": codes.note,
    }
