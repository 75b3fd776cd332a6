"""The facts of a run as the page's template wants them: texts and figures, ready to be laid out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from dlspec.core.ir import show_bytes, show_shape
from dlspec.data.binding.tasks import ARRAYS, NUMBERS, PIXELS, SERIES, STEPS, TRANSCRIPT, YES_NO
from dlspec.graph.facts import show_adapters, show_count, show_shapes
from dlspec.views.pages import plots
from dlspec.views.pages.class_scores import MATRIX_LIMIT, Classes
from dlspec.views.pages.examine import Examined
from dlspec.views.pages.figured import sections
from dlspec.views.pages.hints import hints
from dlspec.views.pages.number_scores import Numbers
from dlspec.views.pages.pictures import colour
from dlspec.views.pages.plots import Plot
from dlspec.views.pages.reliability import words_about
from dlspec.views.pages.scores import Score
from dlspec.views.pages.verdict import fact_text, figure, percent

Facts = Mapping[str, Any]
Rows = Sequence[Mapping[str, float]]

_TABLE_LIMIT = 20
_CLASS_LIMIT = 60
_CURVES = 8
_MEASURES = 4
_LAYERS = 400
_SHADES = 8


def view(facts: Facts, history: Rows, examined: Examined | None) -> dict[str, Any]:
    """Values of the report's template, without the picture of the model and the spec's text.

    Args:
        facts: What stands in ``report.json``.
        history: The rows of ``metrics.csv``.
        examined: What the model answered, where it was asked.
    """
    return {
        "name": facts["name"],
        "id": facts["id"],
        "status": facts["status"],
        "error": facts.get("error"),
        "verdicts": facts.get("results", {}).get("verdicts", []),
        "tiles": list(_tiles(facts)),
        "hints": hints(facts, history),
        "curves": list(_curves(facts, history)),
        "measures": _measures(facts.get("metrics", {})),
        "baselines": _baselines(facts.get("baselines")),
        "method_facts": [(fact["title"], fact_text(fact)) for fact in facts.get("method_facts", {}).values()],
        "looks": sections(facts.get("figures", {})),
        "outputs": list(_outputs(facts, examined)),
        "part": facts.get("results", {}).get("part", ""),
        "layers": _layers(facts.get("model")),
        "data": _data(facts["data"]),
        "facts": list(_circumstances(facts)),
        "command": facts["command"],
    }


def _tiles(facts: Facts) -> Iterator[tuple[str, str]]:
    """The few figures that everybody looks for."""
    best = facts.get("best")
    yield "epochs", f"{best['epoch']} of {facts['epochs']}" if best else f"{facts['epochs']:,}"
    yield "parameters", show_count(facts["parameters"]["total"])
    yield "training examples", f"{facts['data']['examples']['train']:,}"
    yield "time", duration(facts["seconds"])


def duration(seconds: float) -> str:
    """``12.3 s``, ``4 min 10 s``, ``3 h 05 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def _curves(facts: Facts, history: Rows) -> Iterator[Plot]:
    best = (facts.get("best") or {}).get("epoch")
    names = [name for name in (history[0] if history else {}) if not name.startswith("val_")]
    names = [name for name in names if name not in ("epoch", "seconds")]
    for name in names[:_CURVES]:
        train = [_finite(row.get(name)) for row in history]
        validation = [_finite(row.get(f"val_{name}")) for row in history]
        yield plots.curve(name, train, validation, best)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _measures(metrics: Facts) -> dict[str, Any] | None:
    if not metrics:
        return None
    names = list(dict.fromkeys(name for measured in metrics.values() for name in measured))
    if len(names) > _MEASURES:  # a phone is not as wide: a row for each
        rows = [[name, *(figure(measured.get(name)) for measured in metrics.values())] for name in names]
        return {"head": ["", *((part, "number") for part in metrics)], "rows": rows}
    rows = [[part, *(figure(measured.get(name)) for name in names)] for part, measured in metrics.items()]
    return {"head": ["", *((name, "number") for name in names)], "rows": rows}


def _baselines(baselines: Facts | None) -> dict[str, Any] | None:
    """A table of what is compared with the model, a row for each baseline and part; None where there are none."""
    if baselines is None:
        return None
    rows = [
        (each["title"], part, measured)
        for each in baselines["measured"].values()
        for part, measured in each["metrics"].items()
    ]
    names = list(dict.fromkeys(name for *_, measured in rows for name in measured))
    return {
        "head": ["", "", *((name, "number") for name in names)],
        "rows": [[title, part, *(figure(measured.get(name)) for name in names)] for title, part, measured in rows],
        "reasons": baselines["reasons"],
    }


def _outputs(facts: Facts, examined: Examined | None) -> Iterator[dict[str, Any]]:
    results = facts.get("results", {}).get("outputs", {})
    for name, output in results.items():
        score = examined.scores.get(name) if examined is not None else None
        shown = examined.examples.get(name, []) if examined is not None else []
        yield {
            "name": name,
            "title": f"Results of {name}" if len(results) > 1 else "Results",
            "kind": output["kind"],
            "figures": list(figures(output)),
            "classes": _classes(output),
            "numbers": _numbers(output),
            "matrix": _matrix(output),
            "plots": [*_plots(output, score), *_reliability(output)],
            "said": words_about(output, weighted=name in (facts["data"].get("class_weights") or {})),
            "legend": _legend(output),
            "written": _written(output),
            "examples": [
                (title, [example for example in shown if example.group == group])
                for title, group in (("Furthest off", "worst"), ("Chosen by chance", "random"))
                if any(example.group == group for example in shown)
            ],
        }


def figures(output: Facts) -> Iterator[tuple[str, str]]:
    """The figures that say most about one output."""
    yield "examples", f"{output['examples']:,}"
    if output["kind"] in (STEPS, SERIES):
        yield "steps", f"{output['positions']:,}"
    if output["kind"] == TRANSCRIPT:
        yield "exact", percent(output["exact"])
        yield "error rate", percent(output["error_rate"])
        return
    if output["kind"] in (NUMBERS, SERIES, ARRAYS):
        yield "R²", "–" if output["r2"] is None else f"{output['r2']:.4f}"
        yield "RMSE", figure(output["rmse"])
        yield "MAE", figure(output["mae"])
        return
    yield "accuracy", percent(output["accuracy"])
    if output.get("exact") is not None:
        yield "exact sequences", percent(output["exact"])
    written = output.get("generated", {})
    if "exact" in written:
        yield f"written exactly ({written['by']})", f"{percent(written['exact'])} of {written['examples']:,}"
        for measure in ("word_error_rate", "character_error_rate"):
            if written.get(measure) is not None:
                yield measure.replace("_", " "), percent(written[measure])
        for measure, title in (("bleu", "BLEU"), ("chrf", "chrF"), ("rouge_l", "ROUGE-L")):
            if measure in written:
                yield title, f"{written[measure]:.3f}" if measure == "rouge_l" else f"{written[measure]:.1f}"
    if written.get("recomputed"):
        yield "each step", "computes the whole row"
    if output.get("perplexity") is not None:
        yield "perplexity", figure(output["perplexity"])
        yield "bits a step", figure(math.log2(output["perplexity"]))
    if output.get("mean_f1") is not None:
        yield "mean F1", percent(output["mean_f1"])
    if output.get("mean_iou") is not None and output["kind"] == PIXELS:
        yield "mean IoU", percent(output["mean_iou"])
    if output.get("auc") is not None:
        yield "area under ROC", f"{output['auc']:.4f}"
    if "reliability" in output:
        yield "calibration error", f"{output['reliability']['error']:.4f}"


def _classes(output: Facts) -> dict[str, Any] | None:
    """Precision, recall and F1 of each class; of the worst where there are many."""
    if "classes" not in output:
        return None
    rows = output["classes"]
    if len(rows) > _CLASS_LIMIT:
        rows = sorted(rows, key=lambda row: row["f1"] if row["f1"] is not None else 2.0)[:_CLASS_LIMIT]
    third, title = ("iou", "IoU") if output["kind"] == PIXELS else ("f1", "F1")
    counted = {PIXELS: "pixels", STEPS: "steps"}.get(output["kind"], "examples")
    return {
        "head": ["class", *((name, "number") for name in ("precision", "recall", title, counted))],
        "left_out": len(output["classes"]) - len(rows),
        "rows": [
            {
                "name": row["name"],
                "examples": f"{row['examples']:,}",
                "precision": _meter(row["precision"]),
                "recall": _meter(row["recall"]),
                "third": _meter(row[third]),
            }
            for row in rows
        ],
    }


def _written(output: Facts) -> dict[str, Any] | None:
    """Rows that the model wrote by itself beside those that were to be told; None where it writes none."""
    written = output.get("generated")
    if written is None:
        return None
    rows = [
        {"given": "; ".join(row["given"].values()), "expected": row["expected"], "generated": row["generated"]}
        for row in written["shown"]
    ]
    return {"head": ["given", "expected", "generated"], "rows": rows, "by": written["by"]}


def _meter(share: float | None) -> tuple[str, str]:
    """A share with the classes that draw it as a bar of tenths."""
    return percent(share), f"number meter t{0 if share is None else round(10 * share)}"


def _matrix(output: Facts) -> dict[str, Any] | None:
    """The confusion matrix as a table of shades, where a table can be read."""
    matrix = output.get("confusion")
    if matrix is None or len(matrix) > _TABLE_LIMIT:
        return None
    names = [entry["name"] for entry in output["classes"]]
    rows = []
    for number, (name, row) in enumerate(zip(names, matrix, strict=True)):
        total = max(sum(row), 1)
        cells = [
            {
                "count": _short(count) if count else "",
                "shade": 0 if not count else max(1, round(_SHADES * count / total)),
                "right": number == column,
                "title": f"{name} → {names[column]}: {count:,} ({percent(count / total)})",
            }
            for column, count in enumerate(row)
        ]
        rows.append((name, cells))
    return {"names": names, "rows": rows, "short": all(len(name) <= 2 for name in names)}


def _short(count: int) -> str:
    if count < 10_000:
        return str(count)
    return f"{count / 1000:.0f}k" if count < 1_000_000 else f"{count / 1e6:.1f}M"


def _numbers(output: Facts) -> list[dict[str, str]] | None:
    if len(output.get("numbers", ())) < 2:
        return None
    return [
        {
            "name": row["name"],
            "r2": "–" if row["r2"] is None else f"{row['r2']:.3f}",
            **{key: figure(row[key]) for key in ("rmse", "mae", "bias")},
            "trivial": figure(row["baseline"]["rmse"]) if row["baseline"] else "–",
        }
        for row in output["numbers"][:_CLASS_LIMIT]
    ]


def _plots(output: Facts, score: Score | None) -> Iterator[Plot]:
    import numpy as np

    if isinstance(score, Numbers):
        true, guess = score.pairs()
        if true.shape[1] == 1 and np.isfinite(guess).all():
            true, guess = true[:, 0], guess[:, 0]
            yield plots.predicted_against_true(true, guess)
            yield plots.residuals(true, guess)
            yield plots.residuals_over(guess, true)
    if isinstance(score, Classes):
        if output["kind"] == YES_NO and output.get("auc") is not None:
            true, share = score.shares()
            if np.isfinite(share).all():
                yield plots.shares(true, share, score.task.names)
                yield plots.roc(true, share)
        if _TABLE_LIMIT < len(score.task.names) <= MATRIX_LIMIT:
            yield plots.matrix(score.matrix)


def _reliability(output: Facts) -> list[Plot]:
    if "reliability" not in output:
        return []
    yes = output["reliability"]["of"] == "yes"
    name = f"“{plots.clean(output['classes'][1]['name'])}”" if yes else "the likeliest class"
    return [plots.reliability(output["reliability"], name)]


def _legend(output: Facts) -> list[tuple[str, str]]:
    """Colours of the classes in pictures."""
    if output["kind"] != PIXELS:
        return []
    return [(row["name"], colour(number)) for number, row in enumerate(output["classes"][:_TABLE_LIMIT])]


def _layers(model: Facts | None) -> dict[str, Any] | None:
    if model is None:
        return None
    rows = [
        {
            "name": layer["name"],
            "layer": layer["layer"],
            "shape": show_shapes(layer["output_shape"]),
            "parameters": f"{layer['parameters']:,}" if layer["shares"] is None else "shared",
            "flops": "?" if layer["flops"] is None else show_count(layer["flops"]),
        }
        for layer in model["layers"]
    ]
    memory = model["activation_bytes"]
    totals = [
        ("parameters", f"{model['parameters']['total']:,}"),
        ("of them trained", f"{model['parameters']['trainable']:,}"),
        *([("adapters", show_adapters(model["adapters"]))] if "adapters" in model else []),
        ("FLOPs per example", "?" if model["flops"] is None else show_count(model["flops"])),
        ("activations per example", "?" if memory is None else show_bytes(memory)),
        ("weights", show_bytes(4 * model["parameters"]["total"])),
    ]
    return {"rows": rows[:_LAYERS], "left_out": max(0, len(rows) - _LAYERS), "totals": totals}


def _data(data: Facts) -> dict[str, Any]:
    """Source, parts with their shares, inputs and targets."""
    (source, options), *_ = data["source"].items()
    counts = {part: count for part, count in data["examples"].items() if count}
    total = max(sum(counts.values()), 1)
    return {
        "source": source,
        "options": [(name, str(value)) for name, value in (options or {}).items()],
        "parts": [
            {
                "name": part,
                "count": f"{count:,}",
                "share": percent(count / total),
                "width": f"{100 * count / total:.2f}",
            }
            for part, count in counts.items()
        ],
        "inputs": [
            {
                "name": name,
                "columns": _listed(entry["columns"]),
                "type": f"{show_shape(tuple(entry['shape']))} {entry['dtype']}",
                "prepare": ", ".join(entry["prepare"]) or "–",
            }
            for name, entry in data["inputs"].items()
        ],
        "targets": [
            {
                "name": name,
                "column": _listed(entry["columns"]) if "columns" in entry else entry["column"],
                "encoding": entry["encoding"].replace("_", "-") + _behind(entry.get("prepare")),
                "classes": _listed(entry["classes"]) or "–",
            }
            for name, entry in data["targets"].items()
        ],
    }


def _behind(layers: Sequence[str] | None) -> str:
    """Where the loss compares a target as layers change it."""
    return f"; loss behind {', '.join(layers)}" if layers else ""


def _listed(names: Sequence[Any], limit: int = 24) -> str:
    shown = ", ".join(str(name) for name in names[:limit])
    return f"{shown} … ({len(names):,})" if len(names) > limit else shown


def _circumstances(facts: Facts) -> Iterator[tuple[str, str]]:
    """What else decides about a result."""
    yield "run", facts["id"]
    yield "started", f"{datetime.fromisoformat(facts['started']):%Y-%m-%d %H:%M} UTC"
    yield "seed", str(facts["seed"])
    if facts["data"].get("fingerprint"):
        yield "SHA-256 of the data", facts["data"]["fingerprint"][:16] + "…"
    yield from ((name, version) for name, version in facts["versions"].items())
    machine = facts["machine"]
    yield "platform", machine["platform"]
    yield "processors", str(machine["cpus"])
    yield from machine["environment"].items()
    stages = " · ".join(f"{stage} {duration(seconds)}" for stage, seconds in facts["stages"].items())
    yield "stages", stages
