"""Medians of several runs on one machine, written with the machine's name."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np


def median_seconds(work: Callable[[], object], *, repeats: int = 7) -> float:
    """Median wall time after one run that warms caches."""
    work()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def least_seconds(works: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Least wall time of each, all taking turns: the ratios survive a busy machine."""
    least = dict.fromkeys(works, float("inf"))
    for _ in range(rounds):
        for name, work in works.items():
            started = time.perf_counter()
            work()
            least[name] = min(least[name], time.perf_counter() - started)
    return least


def machine() -> dict[str, object]:
    """What the figures were taken on."""
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = [x for x in cpuinfo.read_text().splitlines() if x.startswith("model name")]
        model = lines[0].split(":", 1)[1].strip() if lines else model
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def write(name: str, figures: dict[str, object]) -> None:
    """Print and store one benchmark's figures."""
    text = json.dumps({"machine": machine(), "figures": figures}, indent=1)
    folder = Path(__file__).parent / "results"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(text + "\n")
    print(name, text)
