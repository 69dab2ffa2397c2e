"""``isthmus doctor``."""

from __future__ import annotations

from typing import Any

import typer

from isthmus.cli.options import Json, print_json

_BASE = ("numpy", "scipy", "scikit-learn", "plotly", "typer", "rich", "jinja2")
_EXTRAS = {
    "torch": "torch",
    "topology": "gudhi",
    "parquet": "pyarrow",
    "faiss": "faiss-cpu",
    "distributed": "distributed",
    "entropy": "constriction",
    "docs": "sphinx",
}


def doctor(json: Json = False) -> None:
    """Show versions, the coding kernel, extras, devices and the data sets found."""
    facts = examine()
    if json:
        print_json(facts)
        return
    typer.echo(f"isthmus {facts['isthmus']}, Python {facts['python']}")
    typer.echo(f"machine   {facts['machine']}, {facts['cores']} cores")
    typer.echo(f"device    {', '.join(facts['devices'])}")
    runs = ", ".join(facts["kernels"])
    typer.echo(
        f"kernel    {facts['kernel']}, search {facts['search_kernel']} (can run: {runs})"
    )
    for name, version in facts["packages"].items():
        typer.echo(f"  {name:14}{version or 'MISSING'}")
    typer.echo("extras    (pip install 'isthmus[NAME]')")
    for name, version in facts["extras"].items():
        typer.echo(f"  {name:14}{version or 'not installed'}")
    typer.echo(f"data      ISTHMUS_DATA={facts['data_folder'] or 'not set'}")
    for name, found in facts["data"].items():
        typer.echo(f"  {name:20}{'found' if found else 'not found'}")


def examine() -> dict[str, Any]:
    """All facts as plain Python."""
    import os
    import platform

    from isthmus import __version__
    from isthmus.codec import kernel_in_use, kernels
    from isthmus.data import available
    from isthmus.training.bit_search import search_kernel_in_use

    folder = os.environ.get("ISTHMUS_DATA")
    return {
        "isthmus": __version__,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "devices": _devices(),
        "kernel": kernel_in_use(),
        "kernels": list(kernels()),
        "search_kernel": search_kernel_in_use(),
        "packages": {name: _installed(name) for name in _BASE},
        "extras": {extra: _installed(name) for extra, name in _EXTRAS.items()},
        "data_folder": folder,
        "data": available(),
    }


def _installed(package: str) -> str | None:
    import importlib.metadata

    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _devices() -> list[str]:
    """CPU, and what the driver says of accelerators; torch is not loaded for it."""
    from pathlib import Path

    cards = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    names = []
    for card in cards:
        for line in card.read_text().splitlines():
            if line.startswith("Model:"):
                names.append(line.removeprefix("Model:").strip())
    return ["CPU", *names]
