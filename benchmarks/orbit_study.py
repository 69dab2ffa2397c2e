"""The orbit study: every method of the frozen file on its final seeds, once.

    python benchmarks/orbit_study.py [circle] [patch]

Methods that the ledger beside the result holds already are not repeated.
"""

import sys
import time
from pathlib import Path

import harness
import numpy as np
import scipy
import torch

from isthmus.experiments import cosentino22_orbits as study

LEDGER = Path(__file__).parent / "results" / "orbit_study.jsonl"


def table(setting: str) -> dict[str, object]:
    began = time.time()
    rows = study.run(
        setting=setting,
        ledger=LEDGER,
        progress=lambda done, total: print(setting, done, total, flush=True),
    )
    names = list(dict.fromkeys(row.method for row in rows))
    methods = {}
    for name in names:
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
        "options": study.FROZEN["settings"][setting]["methods"],
        "methods": methods,
        "gains": {
            name: {
                gain.baseline: {
                    "mean": round(gain.mean, 6),
                    "half_width_99": round(gain.half_width, 6),
                    "is_sure": gain.is_sure,
                }
                for gain in study.gains(rows, name)
            }
            for name in candidates
        },
        "wall_seconds": round(time.time() - began, 1),
    }


def main() -> None:
    settings = sys.argv[1:] or ["circle"]
    harness.write(
        "orbit_study",
        {
            "versions": {"torch": torch.__version__, "scipy": scipy.__version__},
            "seeds": study.FROZEN["final_seeds"],
            "development": study.FROZEN["development"],
            **{setting: table(setting) for setting in settings},
        },
    )


if __name__ == "__main__":
    main()
