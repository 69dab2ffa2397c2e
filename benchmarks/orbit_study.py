"""The orbit study: the methods of the frozen file on the seeds of its finals, once.

Methods that the ledger beside the result holds already are not repeated.
"""

from pathlib import Path

import harness
import numpy as np
import scipy
import torch

from isthmus.experiments import cosentino22_orbits as study

LEDGER = Path(__file__).parent / "results" / "orbit_study.jsonl"


def table(setting: str, final: dict) -> dict[str, object]:
    rows = study.run(
        setting=setting,
        methods=final["methods"],
        seeds=final["seeds"],
        ledger=LEDGER,
        progress=lambda done, total: print(setting, done, total, flush=True),
    )
    methods = {}
    for name in dict.fromkeys(row.method for row in rows):
        mine = [row for row in rows if row.method == name]
        error = np.array([row.test_mse for row in mine])
        methods[name] = {
            "test_mse": round(float(error.mean()), 6),
            "standard_error": round(float(error.std(ddof=1) / len(error) ** 0.5), 6),
            "median": round(float(np.median(error)), 6),
            "test_nmse": round(float(np.mean([row.test_nmse for row in mine])), 5),
            "train_mse": round(float(np.mean([row.train_mse for row in mine])), 7),
            "seconds": round(sum(row.seconds for row in mine), 1),
            "each_seed": [float(f"{value:.4g}") for value in error],
        }
        held_out = [row.held_out for row in mine]
        if not np.isnan(held_out).any():
            methods[name]["held_out"] = [float(f"{value:.1e}") for value in held_out]
    candidates = study.FROZEN["settings"][setting]["candidates"]
    return {
        "seeds": final["seeds"],
        "measure": final["measure"],
        "methods": methods,
        "seconds": round(sum(row.seconds for row in rows), 1),
        "gains": {
            name: {
                "difference": _gains(rows, name),
                "log10 ratio": _gains(rows, name, True),
            }
            for name in candidates
            if name in methods
        },
    }


def _gains(rows: tuple, name: str, ratio: bool = False) -> dict[str, object]:
    return {
        gain.baseline: {
            "mean": round(gain.mean, 6),
            "half_width_99": round(gain.half_width, 6),
            "is_sure": gain.is_sure,
            "n_better": gain.n_better,
        }
        for gain in study.gains(rows, name, ratio=ratio)
    }


def main() -> None:
    harness.write(
        "orbit_study",
        {
            "versions": {"torch": torch.__version__, "scipy": scipy.__version__},
            "development": study.FROZEN["development"],
            "options": study.FROZEN["settings"]["circle"]["methods"],
            "finals": [table("circle", final) for final in study.FROZEN["finals"]],
        },
    )


if __name__ == "__main__":
    main()
