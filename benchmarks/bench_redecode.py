"""Codes that faiss has stored, decoded by faiss and by what training rows tell about them.

Five sets, five seeds of sets, rotations and rows set aside. Everything is fitted to
training rows; errors are those of test rows, recall is that of raw queries among the ten
nearest of the decoded test rows. Sets need ISTHMUS_DATA, indexes the extra faiss. A gain is
in decibels of the native decoder at its best scale: RaBitQ and EDEN decode without bias,
which costs 2 dB.
"""

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy

import itertools
import sys
import time
from pathlib import Path

import faiss
import numpy as np
from codec_sets import SETS, prepared
from harness import write

from isthmus.cli.redecoding import redecode
from isthmus.codec.faiss import sign_codes
from isthmus.core.protocol import nmse_of
from isthmus.estimators import OneBitDecoder
from isthmus.experiments.ledger import Ledger

SEEDS = range(5)
FACTORIES = ("LSHrt", "RR,RaBitQ", "RR,EDEN1")
TURBO = "RR,SQtqmse1"


def turned(factory: str, rows: np.ndarray, seed: int) -> faiss.Index:
    """A trained index whose random rotation has a seed of its own."""
    index = faiss.index_factory(rows.shape[1], factory)
    if factory.startswith("RR,"):
        faiss.downcast_VectorTransform(index.chain.at(0)).init(1000 + seed)
    else:
        index.rrot.init(1000 + seed)
    index.train(rows)
    return index


def recall(
    queries: np.ndarray, rows: np.ndarray, decoded: np.ndarray, k: int = 10
) -> float:
    """Share of the nearest rows that are among the nearest decoded ones."""
    true, found = (nearest(queries, points, k) for points in (rows, decoded))
    return overlap(true, found)


def nearest(queries: np.ndarray, points: np.ndarray, k: int = 10) -> np.ndarray:
    square = np.square(points).sum(axis=1) - 2 * queries @ points.T
    return np.argpartition(square, k, axis=1)[:, :k]


def overlap(true: np.ndarray, found: np.ndarray) -> float:
    return float(
        np.mean([len(set(a) & set(b)) for a, b in zip(true, found, strict=True)]) / 10
    )


def judged(parts: tuple, decoded: dict[str, np.ndarray]) -> dict[str, float]:
    """NMSE and recall of each reconstruction."""
    train, test, queries = parts
    mean, rows = train.mean(axis=0, dtype=np.float64), test.astype(np.float64)
    found = {}
    for name, back in decoded.items():
        found[f"nmse {name}"] = nmse_of(rows, back.astype(np.float64), mean)
        found[f"recall {name}"] = recall(queries, test, back)
    scaled, ours = found["nmse rescaled"], found["nmse redecoded"]
    found["gain_db"] = 10 * float(np.log10(scaled / ours))
    found["gain_over_raw_db"] = 10 * float(np.log10(found["nmse native"] / ours))
    return found


def stored(factory: str, parts: tuple, seed: int) -> dict[str, object]:
    """One index, holding the test rows."""
    train, test, queries = parts
    index = turned(factory, train, seed)
    index.add(test)
    started = time.perf_counter()
    found = redecode(index, train, random_state=seed)
    fitted = time.perf_counter()
    back = found.rows()
    done = time.perf_counter()
    codes = found.codes
    native = codes.native()
    if codes.best_scales is None:  # one factor from training rows
        seen = sign_codes(index, train)
        plain, away = seen.native() - seen.center, train - seen.center
        factor = np.vdot(plain, away) / np.vdot(plain, plain)
        rescaled = codes.center + factor * (native - codes.center)
    else:
        rescaled = codes.native(rescaled=True)
    decoded = {"native": native, "rescaled": rescaled, "redecoded": back}
    figures: dict[str, object] = dict(judged(parts, decoded))
    figures["recall faiss search"] = overlap(
        nearest(queries, test), index.search(queries, 10)[1]
    )
    figures["bits_per_vector"] = codes.bits_per_vector
    return figures | told(found.decoder, fitted - started, done - fitted, len(test))


def turbo(parts: tuple, seed: int) -> dict[str, object]:
    """TurboQuant of unit rows, their lengths kept beside them in 16 bits."""
    train, test, _ = parts
    mean = train.mean(axis=0)
    lengths = [np.linalg.norm(part - mean, axis=1) for part in (train, test)]
    unit = [
        (part - mean) / np.maximum(length, 1e-12)[:, None]
        for part, length in zip((train, test), lengths, strict=True)
    ]
    norms = [length.astype(np.float16).astype(np.float32) for length in lengths]
    index = turned(TURBO, unit[0], seed)
    seen, held = (sign_codes(index, rows) for rows in unit)
    rescaled = mean + norms[1][:, None] * held.native()
    started = time.perf_counter()
    decoder = OneBitDecoder(
        encoder_weight=seen.encoder_weight, center=mean, random_state=seed
    ).fit(seen.codes, train, norms[0])
    fitted = time.perf_counter()
    back = decoder.inverse_transform(held.codes, norms[1])
    done = time.perf_counter()
    decoded = {"native": rescaled, "rescaled": rescaled, "redecoded": back}
    figures: dict[str, object] = dict(judged(parts, decoded))
    figures["bits_per_vector"] = held.bits_per_vector + 16
    return figures | told(decoder, fitted - started, done - fitted, len(test))


def told(decoder: OneBitDecoder, fit: float, decode: float, n_rows: int) -> dict:
    """What was chosen, and how long it took."""
    return {
        "method": decoder.method_used_,
        "fit_seconds": fit,
        "decoded_per_second": n_rows / decode,
    }


def summed(runs: list[dict[str, object]]) -> dict[str, object]:
    """Means over seeds with their standard errors, medians of times, methods counted."""
    table: dict[str, object] = {}
    for name, first in runs[0].items():
        values = [run[name] for run in runs]
        if isinstance(first, str):
            table[name] = {value: values.count(value) for value in sorted(set(values))}
        elif isinstance(first, int):
            table[name] = first
        elif "second" in name:
            table[name] = float(np.median(values))
        else:
            error = np.std(values, ddof=1) / len(values) ** 0.5 if len(values) > 1 else None
            table[name] = [float(np.mean(values)), None if error is None else float(error)]
    return table


def run(name: str, factory: str, seed: int) -> dict[str, object]:
    """One code of one set, with one seed."""
    parts = prepared(name, seed)
    return turbo(parts, seed) if factory == TURBO else stored(factory, parts, seed)


def main(names: tuple = SETS, seeds: range = SEEDS) -> None:
    """Every run is a line of results/redecode.jsonl; a killed table goes on from there."""
    faiss.omp_set_num_threads(1)
    ledger = Ledger(Path(__file__).parent / "results" / "redecode.jsonl")
    table: dict[str, dict[str, list]] = {}
    for seed, name, factory in itertools.product(seeds, names, (*FACTORIES, TURBO)):
        key = {"set": name, "code": factory, "seed": seed, "faiss": faiss.__version__}
        if (found := ledger.found(key)) is None:
            found = run(name, factory, seed)
            ledger.add(key, found)
        print(
            name, factory, seed, f"{found['gain_db']:.2f} dB", found["method"], flush=True
        )
        table.setdefault(name, {}).setdefault(factory, []).append(found)
    rows = {
        name: {factory: summed(runs) for factory, runs in codes.items()}
        for name, codes in table.items()
    }
    write("redecode", {"faiss": faiss.__version__, "seeds": len(seeds)} | rows)


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or SETS)
