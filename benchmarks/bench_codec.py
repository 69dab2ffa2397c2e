"""Codecs at equal total bits on five real sets: errors, neighbours, seconds; resumable.

Run it in an environment with the extra faiss and ISTHMUS_DATA set. Every finished run is
a line of results/codec.jsonl; a killed table goes on where it was.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before NumPy

import argparse
import itertools
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from codec_sets import SETS, prepared
from harness import machine, write
from redecoded import REDECODED, redecoded_scores

from isthmus.estimators.advise import OWN, PEERS, advise_rows
from isthmus.estimators.codec_scores import CodecScore
from isthmus.experiments.cosentino22_markdown import grid
from isthmus.experiments.ledger import Ledger
from isthmus.report.advice_words import codec_name

RATES, SEEDS = (0.5, 1.0, 2.0), 5
GROUPS = {"own": tuple(OWN), "peers": tuple(PEERS), "redecoded": REDECODED}
"""Codecs that are run together: what changes one group leaves the others' lines alone."""
VERSIONS = {"own": 5, "peers": 2, "redecoded": 5}
MOST_REDECODED = 1024
"""Bits up to which codes are decoded again: beyond, a run takes minutes."""
RESULTS = Path(__file__).parent / "results"
SHORT = {
    "search": "searched",
    "search + norm": "searched, 16 bits of norm",
    "searched sign code, redecoded + norm": "... decoded again",
    "quantised": "transform coding",
    "pq": "PQ",
    "opq": "OPQ",
    "opq + norm": "OPQ, 16 bits of norm",
    "pca+eden": "best PCA + EDEN, 16 bits of norm",
    "eden": "EDEN, 16 bits of norm",
}
KEPT = (
    "label",
    "ours",
    "payload_bits",
    "side_bits",
    "train_nmse",
    "predicted",
    "trusted",
    "train_seconds",
    "encode_rate",
    "decode_rate",
    "note",
)
MEASURED = ("nmse", "cosine_error", "recall")


def run(name: str, rate: float, seed: int, group: str, most: int | None) -> dict[str, Any]:
    """The codecs of a group on one set at one budget; `most` cuts all parts short."""
    parts = [part[:most] for part in prepared(name, seed)]
    budget, left_out = round(rate * parts[0].shape[1]), []
    if group == "redecoded" and budget > MOST_REDECODED:
        scores = []
        left_out = [f"Decoding again was not tried beyond {MOST_REDECODED} bits."]
    elif group == "redecoded":
        scores = redecoded_scores(*parts, budget, seed)
    else:
        found = advise_rows(
            *parts[:2],
            bits_per_dim=rate,
            name=name,
            codecs=GROUPS[group],
            queries=parts[2],
            seed=seed,
        )
        scores, left_out = list(found.scores), list(found.left_out)
    return {
        "budget": budget,
        "rows": [len(part) for part in parts],
        "codecs": [kept(score) for score in scores],
        "left_out": left_out,
    }


def kept(score: CodecScore) -> dict[str, Any]:
    """What of a score goes into the ledger."""
    values = {key: getattr(score, key) for key in MEASURED}
    plain = {key: None if one is None else one.value for key, one in values.items()}
    return {key: getattr(score, key) for key in KEPT} | plain


def collected(
    ledger: Ledger,
    sets: Sequence[str],
    rates: Sequence[float],
    seeds: Sequence[int],
    groups: Sequence[str],
    most: int | None,
    *,
    only_done: bool = False,
) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """All runs, those that are in the ledger read from it: set -> rate -> one per seed.

    With `only_done` nothing is run, and what is not in the ledger is left out.
    """
    table: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for seed, name, rate in itertools.product(seeds, sets, rates):
        whole: dict[str, Any] = {"codecs": [], "left_out": []}
        for group in groups:
            key = {"set": name, "rate": rate, "seed": seed, "most": most}
            key |= {"group": group, "version": VERSIONS[group]}
            found = ledger.found(key)
            if found is None and only_done:
                continue
            if found is None:
                found = run(name, rate, seed, group, most)
                ledger.add(key, found)
                print(name, rate, seed, group, flush=True)
            for part in ("codecs", "left_out"):
                whole[part] += found[part]
            whole |= {part: found[part] for part in ("budget", "rows")}
        if whole["codecs"]:
            table.setdefault(name, {}).setdefault(f"{rate:g}", []).append(whole)
    return table


def sorted_genes(
    ledger: Ledger,
    rates: Sequence[float],
    seeds: Sequence[int],
    *,
    only_done: bool = False,
) -> dict[str, Any]:
    """PQ and OPQ of the gene counts with columns in falling order of variance.

    Parts of a product quantiser are runs of columns: in the order of the file strong
    genes are spread over the parts, in this one they crowd into the first.
    """
    table: dict[str, list[dict[str, Any]]] = {}
    for seed, rate in itertools.product(seeds, rates):
        key = {"set": "gene-counts by variance", "rate": rate, "seed": seed}
        key |= {"codecs": ["pq", "opq"], "version": 2}
        found = ledger.found(key)
        if found is None and only_done:
            continue
        if found is None:
            train, test, queries = prepared("gene-counts", seed)
            order = np.argsort(-train.var(axis=0), kind="stable")
            scores = advise_rows(
                np.ascontiguousarray(train[:, order]),
                np.ascontiguousarray(test[:, order]),
                bits_per_dim=rate,
                codecs=["pq", "opq"],
                queries=np.ascontiguousarray(queries[:, order]),
                seed=seed,
            ).scores
            found = {"codecs": [kept(score) for score in scores]}
            ledger.add(key, found)
        table.setdefault(f"{rate:g}", []).append(found)
    return {
        rate: {
            label: _mean(
                [o["nmse"] for r in runs for o in r["codecs"] if o["label"] == label]
            )
            for label in ("pq", "opq")
        }
        for rate, runs in table.items()
    }


def summary(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Means over seeds and their standard errors; medians of seconds and rates."""
    labels = dict.fromkeys(one["label"] for each in runs for one in each["codecs"])
    codecs = {}
    for label in labels:
        all_seeds = [o for each in runs for o in each["codecs"] if o["label"] == label]
        row: dict[str, Any] = {key: all_seeds[0][key] for key in ("ours",)}
        row |= {key: all_seeds[0][key] for key in ("payload_bits", "side_bits")}
        for key in (*MEASURED, "train_nmse", "predicted"):
            row[key] = _mean([one[key] for one in all_seeds])
        for key in ("train_seconds", "encode_rate", "decode_rate"):
            row[key] = statistics.median(one[key] for one in all_seeds)
        row["seeds"] = len(all_seeds)
        row["trusted_in"] = sum(one["trusted"] is True for one in all_seeds)
        row["note"] = ", ".join(dict.fromkeys(o["note"] for o in all_seeds if o["note"]))
        codecs[label] = row
    return {
        "budget": runs[0]["budget"],
        "rows": runs[0]["rows"],
        "seeds": len(runs),
        "codecs": dict(sorted(codecs.items(), key=lambda item: item[1]["nmse"]["mean"])),
        "left_out": runs[0]["left_out"],
    }


def _mean(values: Sequence[float | None]) -> dict[str, float] | None:
    """Mean and its standard error over seeds; None where nothing was measured."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    spread = statistics.stdev(known) / len(known) ** 0.5 if len(known) > 1 else 0.0
    return {"mean": statistics.fmean(known), "standard_error": spread}


def losses(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """Where a codec of faiss is better than the best of ours, by how much."""
    found = []
    for name, rates in figures.items():
        for rate, one in rates.items():
            for use, sign in (("nmse", 1.0), ("recall", -1.0)):
                kept = {k: v for k, v in one["codecs"].items() if v[use] is not None}
                own = {k: v for k, v in kept.items() if v["ours"]}
                if not own:
                    continue
                ours = min(own, key=lambda k: sign * own[k][use]["mean"])
                best = min(kept, key=lambda k: sign * kept[k][use]["mean"])
                if best not in own:
                    found.append(
                        {"set": name, "rate": rate, "use": use, "winner": best}
                        | {"value": kept[best][use]["mean"], "ours": ours}
                        | {"ours_value": own[ours][use]["mean"]}
                    )
    return found


def predictions(table: dict[str, dict[str, list[dict[str, Any]]]]) -> dict[str, Any]:
    """How far NMSE is from what was predicted of it, in shares of the prediction.

    Means over seeds of each codec, set and rate; "trusted" are those whose flag was green
    in every seed.
    """
    green, all_of_them = [], []
    for name, rates in table.items():
        for rate, runs in rates.items():
            for label, row in summary(runs)["codecs"].items():
                if row["predicted"] is None:
                    continue
                off = row["nmse"]["mean"] / row["predicted"]["mean"] - 1.0
                one = {"set": name, "rate": rate, "codec": label, "off": off}
                all_of_them.append(one)
                if row["trusted_in"] == row["seeds"]:
                    green.append(one)
    found: dict[str, Any] = {}
    for key, kept_ones in (("all", all_of_them), ("trusted", green)):
        ordered = sorted(kept_ones, key=lambda one: -abs(one["off"]))
        found[key] = {
            "count": len(ordered),
            "median": statistics.median([abs(one["off"]) for one in ordered] or [0.0]),
            "beyond_2_percent": sum(abs(one["off"]) > 0.02 for one in ordered),
            "beyond_10_percent": sum(abs(one["off"]) > 0.1 for one in ordered),
            "worst": ordered[:3],
        }
    return found


def short(figures: dict[str, Any], use: str) -> str:
    """One line per set and rate: NMSE or recall of the codecs that matter most."""
    labels = _measured(figures)
    head = ["set", "bits per column", *(SHORT[label] for label in labels)]
    lines = []
    for name, rates in figures.items():
        for rate, one in rates.items():
            found = one["codecs"]
            values = {
                label: found[label][use]["mean"]
                for label in labels
                if label in found and found[label][use] is not None
            }
            if not values:
                continue
            best = (min if use == "nmse" else max)(values.values())
            cells = [
                "–" if (value := values.get(label)) is None else _marked(value, best)
                for label in labels
            ]
            lines.append((name, rate, *cells))
    return grid(tuple(head), lines)


def _marked(value: float, best: float) -> str:
    said = f"{value:.3g}"
    return f"**{said}**" if value == best else said


def times(figures: dict[str, Any]) -> str:
    """Seconds to train, and thousands of rows encoded per second, at one bit per column."""
    labels = _measured(figures)
    lines = []
    for name, rates in figures.items():
        found = rates.get("1", {}).get("codecs", {})
        rows = [found.get(label) for label in labels]
        cells = [
            "–"
            if r is None
            else f"{r['train_seconds']:.2g} / {r['encode_rate'] / 1e3:,.0f}"
            for r in rows
        ]
        lines.append((name, *cells))
    return grid(("set", *(SHORT[label] for label in labels)), lines)


def _measured(figures: dict[str, Any]) -> list[str]:
    """Of the codecs that matter most those that were run."""
    cells = [one for rates in figures.values() for one in rates.values()]
    there = {label for one in cells for label in one["codecs"]}
    return [label for label in SHORT if label in there]


def markdown(figures: dict[str, Any], lost: Iterable[dict[str, Any]]) -> str:
    """Tables of all sets and rates, and every loss."""
    head = (
        "codec",
        "code + side bits",
        "NMSE",
        "predicted",
        "cosine error",
        "recall@10",
        "training s",
        "encoded k/s",
        "decoded k/s",
        "what",
    )
    parts = ["### NMSE at equal total bits\n", short(figures, "nmse"), ""]
    parts += ["### Recall@10 at equal total bits\n", short(figures, "recall"), ""]
    parts += [
        "### Seconds to train / thousands of rows encoded a second, one bit per column\n",
        times(figures),
        "",
    ]
    for name, rates in figures.items():
        for rate, one in rates.items():
            train, test, queries = one["rows"]
            parts.append(
                f"### {name}, {rate} bits per column: {one['budget']} bits per vector\n\n"
                f"{train} rows to train, {test} to measure, {queries} queries; "
                f"{_seeds(one['codecs'])}.\n"
            )
            rows = [_line(label, row) for label, row in one["codecs"].items()]
            parts += [grid(head, rows), *one["left_out"], ""]
    parts.append("### Where ours is not the best\n")
    parts += [
        f"* {one['set']}, {one['rate']} bits per column, {one['use']}: "
        f"{codec_name(one['winner'])} {one['value']:.3g}, "
        f"ours {codec_name(one['ours'])} {one['ours_value']:.3g}"
        for one in lost
    ] or ["Nowhere."]
    return "\n".join(parts) + "\n"


def _seeds(codecs: dict[str, Any]) -> str:
    """How many seeds, and which codecs had fewer."""
    most = max(row["seeds"] for row in codecs.values())
    found = f"{most} seeds"
    for fewer in sorted({row["seeds"] for row in codecs.values()} - {most}):
        names = [codec_name(k) for k, row in codecs.items() if row["seeds"] == fewer]
        found += f"; {fewer} of {', '.join(names)}"
    return found


def _line(label: str, row: dict[str, Any]) -> tuple[str, ...]:
    name = codec_name(label)
    predicted = "–"
    if row["predicted"] is not None:
        trusted = " (trusted)" if row["trusted_in"] == row["seeds"] else ""
        predicted = f"{row['predicted']['mean']:.3g}{trusted}"
    return (
        f"**{name}**" if row["ours"] else name,
        f"{row['payload_bits']} + {row['side_bits']}",
        _number(row["nmse"]),
        predicted,
        _number(row["cosine_error"]),
        _number(row["recall"]),
        f"{row['train_seconds']:.2g}",
        f"{row['encode_rate'] / 1e3:,.0f}",
        f"{row['decode_rate'] / 1e3:,.0f}",
        row["note"],
    )


def _number(one: dict[str, float] | None) -> str:
    return "–" if one is None else f"{one['mean']:.3g} ± {one['standard_error']:.1g}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--rates", default=",".join(f"{rate:g}" for rate in RATES))
    parser.add_argument("--seeds", default=",".join(str(seed) for seed in range(SEEDS)))
    parser.add_argument("--groups", default=",".join(GROUPS))
    parser.add_argument("--most", type=int, help="Rows of each part at most: a short run.")
    parser.add_argument(
        "--sorted-genes", action="store_true", help="Only PQ and OPQ of sorted columns."
    )
    parser.add_argument(
        "--only-done", action="store_true", help="Make the table of finished runs only."
    )
    parser.add_argument("--ledger", default=str(RESULTS / "codec.jsonl"))
    options = parser.parse_args()
    rates = [float(rate) for rate in options.rates.split(",")]
    sets, groups = options.sets.split(","), options.groups.split(",")
    seeds = [int(seed) for seed in options.seeds.split(",")]
    ledger = Ledger(options.ledger)
    if options.sorted_genes:
        print(sorted_genes(ledger, rates, seeds))
        return
    table = collected(
        ledger, sets, rates, seeds, groups, options.most, only_done=options.only_done
    )
    figures = {
        name: {rate: summary(runs) for rate, runs in rates.items()}
        for name, rates in table.items()
    }
    lost = losses(figures)
    text = markdown(figures, lost)
    if options.most is not None or groups != list(GROUPS):  # a part leaves the table alone
        print(machine(), text)
        return
    gaussian = collected(
        ledger,
        ["gaussian"],
        rates,
        seeds,
        ["own", "peers"],
        None,
        only_done=options.only_done,
    )
    write(
        "codec",
        {
            "sets": figures,
            "losses": lost,
            "genes_by_variance": sorted_genes(
                ledger, rates, seeds, only_done=options.only_done
            ),
            "predictions": {"real": predictions(table), "gaussian": predictions(gaussian)},
        },
    )
    (RESULTS / "codec.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
