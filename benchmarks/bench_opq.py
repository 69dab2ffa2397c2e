"""faiss's own OPQ, as its users have it, beside the searched code: error and seconds.

One bit per column, one thread, processor time; resumable. `bench_codec.py` compares with an
OPQ that begins better and takes five alternations; faiss begins at random and takes fifty.
Run it in an environment with the extra faiss and ISTHMUS_DATA set.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from codec_sets import SETS, prepared
from harness import write

from isthmus.estimators.advise import advise_rows
from isthmus.experiments.ledger import Ledger

BITS = 8  # of a part, so that there are as many bits as columns
LEDGER = Path(__file__).parent / "results" / "opq.jsonl"
VERSIONS = {"opq": 1, "search": 2}


def opq(name: str, seed: int) -> dict[str, Any]:
    """NMSE on test rows and processor seconds of training, of faiss's own OPQ."""
    train, test, _ = prepared(name, seed)
    faiss.omp_set_num_threads(1)
    mean = train.mean(axis=0)
    rows, others = train - mean, test - mean
    started = time.process_time()
    shape = rows.shape[1], rows.shape[1] // BITS
    rotation = faiss.OPQMatrix(*shape)
    rotation.pq, quantiser = (faiss.ProductQuantizer(*shape, BITS) for _ in range(2))
    for one in (rotation.pq, quantiser):
        one.cp.min_points_per_centroid = 1  # no warnings: thousands
    quantiser.cp.seed = seed
    rotation.train(rows)
    quantiser.train(rotation.apply(rows))
    seconds = time.process_time() - started
    turned = rotation.apply(others)
    back = quantiser.decode(quantiser.compute_codes(turned))
    nmse = float(np.square(back - turned).sum() / np.square(others).sum())
    return {"nmse": nmse, "seconds": seconds}


def search(name: str, seed: int) -> dict[str, Any]:
    """The same of the searched code with curves."""
    train, test, queries = prepared(name, seed)
    scores = advise_rows(
        train,
        test,
        bits_per_dim=1.0,
        name=name,
        codecs=["search"],
        queries=queries,
        seed=seed,
    ).scores
    found = next(score for score in scores if score.label == "search")
    return {"nmse": found.nmse.value, "seconds": found.train_seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--ledger", default=str(LEDGER))
    options = parser.parse_args()
    seeds = [int(text) for text in options.seeds.split(",")]
    ledger, figures = Ledger(options.ledger), {}
    for name in options.sets.split(","):
        row: dict[str, Any] = {"seeds": len(seeds)}
        for codec, measured in (("opq", opq), ("search", search)):
            runs = []
            for seed in seeds:
                key = {"set": name, "seed": seed, "codec": codec}
                key["version"] = VERSIONS[codec]
                found = ledger.found(key)
                if found is None:
                    found = measured(name, seed)
                    ledger.add(key, found)
                    print(name, codec, seed, found, flush=True)
                runs.append(found)
            row[f"{codec}_nmse"] = statistics.fmean(one["nmse"] for one in runs)
            row[f"{codec}_seconds"] = statistics.median(one["seconds"] for one in runs)
        row["ratio"] = row["search_seconds"] / row["opq_seconds"]
        figures[name] = row
    write("opq", figures)


if __name__ == "__main__":
    main()
