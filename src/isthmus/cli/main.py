"""Entry point: one command = one thin function; errors are one clear line."""

from __future__ import annotations

import signal
import sys
from typing import Annotated, Any

import typer

from isthmus import __version__
from isthmus.cli import (
    advise,
    decode,
    diagnose,
    doctor,
    encode,
    fit,
    inspect,
    limits,
    plan,
    report,
    topology,
    verify,
)

_INTERRUPTED = 130

app = typer.Typer(
    name="isthmus",
    help="Autoencoders that know their limits: what your data need, how good a sign "
    "autoencoder gets on Gaussian data of the same covariance, and what yours reaches.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("report")(report.report)
app.command("limits")(limits.limits)
app.command("topology")(topology.topology)
app.command("fit")(fit.fit)
app.command("diagnose")(diagnose.diagnose)
app.command("encode")(encode.encode)
app.command("decode")(decode.decode)
app.command("inspect")(inspect.inspect)
app.command("verify")(verify.verify)
app.command("advise")(advise.advise)
app.command("plan")(plan.plan)
app.command("doctor")(doctor.doctor)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"isthmus {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print it."),
    ] = False,
) -> None:
    """Options that every command shares."""


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        arguments: What follows the program's name; None takes it from the shell.

    Returns:
        0 if all went well, 2 on bad input, 130 after Ctrl-C.
    """
    try:
        code = int(app(args=arguments, standalone_mode=False) or 0)
    except KeyboardInterrupt:
        code = _INTERRUPTED
    except Exception as error:
        from isthmus.core.errors import IsthmusError

        if isinstance(error, IsthmusError):
            typer.echo(f"error: {error}", err=True)
            return 2
        if hasattr(error, "show") and hasattr(error, "exit_code"):  # of the parser
            _tell(error)
            return 2
        if type(error).__name__ != "Abort":
            raise
        code = _INTERRUPTED
    if code == _INTERRUPTED:
        typer.echo("interrupted; nothing was written", err=True)
    return code


def _tell(error: Any) -> None:
    """One line for a wrong option; the whole help where nothing was asked for."""
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return
    context = getattr(error, "ctx", None)
    command = "isthmus" if context is None else context.command_path
    command = command.removeprefix("python -m ")
    message = " ".join(error.format_message().split())
    typer.echo(f"error: {message} See `{command} --help`.", err=True)


def main() -> None:
    """Console script; being told to end cleans up as Ctrl-C does."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    sys.exit(run())
