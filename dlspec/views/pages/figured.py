"""What the section ``report`` asked for, as people read it: on the page and in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dlspec.core.documents.figures import (
    Asked,
    Figures,
    FrechetFigures,
    GradientFigures,
    Neighbour,
    OutlierFigures,
    SaliencyFigures,
    WordFigures,
)
from dlspec.views.pages import plots, saliency
from dlspec.views.pages.plots import Plot
from dlspec.views.pages.verdict import figure, percent

_CLASSES = 60
_NEAR = 5
# Of the gradients of two layers, how far apart is too far.
_FAR = 1e-3

Pairs = list[tuple[str, str]]


def pairs(results: Figures) -> Iterator[tuple[str, Pairs]]:
    """The figures of each, under a title."""
    if "neighbours" in results:
        near = results["neighbours"]
        yield f"Neighbours by {near['of']}", [("examples", f"{near['asked']:,}"), *_retrieval(near)]
    if "map" in results:
        shares = results["map"]["explained"]
        yield f"Map of {results['map']['of']}", [] if shares is None else [("variance shown", percent(sum(shares)))]
    if "clusters" in results:
        rand = results["clusters"]["adjusted_rand"]
        title = f"Groups by {results['clusters']['of']}"
        yield title, [("groups", str(len(results["clusters"]["clusters"]))), *_known("adjusted Rand index", rand)]
    if "outliers" in results:
        yield f"Outliers by {results['outliers']['of']}", _outliers(results["outliers"])
    if "frechet" in results:
        yield (
            f"Distance of {results['frechet']['of']} from {results['frechet']['beside']}",
            _distance(results["frechet"]),
        )
    if "saliency" in results:
        right = [item["right"] for item in results["saliency"]["examples"]]
        counts = [("right", str(right.count(True))), ("wrong", str(right.count(False)))]
        yield (
            f"What {results['saliency']['of']} follows from",
            counts if any(item is not None for item in right) else [],
        )
    if "words" in results:
        unknown = (
            [("not in the vocabulary", ", ".join(results["words"]["unknown"]))] if results["words"]["unknown"] else []
        )
        yield f"Words by {results['words']['of']}", [("words", f"{results['words']['vocabulary']:,}"), *unknown]
    if "gradients" in results:
        yield "Gradients by layer", [("examples", f"{results['gradients']['examples']:,}")]


def _retrieval(near: Any) -> Pairs:
    results = near["retrieval"]
    if results is None:
        return []
    k = near["k"]
    named = ((f"precision at {k}", "precision"), ("R-precision", "r_precision"), (f"recall at {k}", "recall"))
    return [*((title, f"{results[name]:.4f}") for title, name in named), ("by chance", f"{results['chance']:.4f}")]


def _outliers(results: OutlierFigures) -> Pairs:
    detected = results["detection"]
    rows = [
        ("threshold", figure(results["threshold"])),
        ("above it", f"{results['above']:,} of {results['examples']:,}"),
    ]
    if detected is None:
        return rows
    return [
        *_known("area under ROC", detected["auc"]),
        *rows,
        ("outliers found", percent(detected["recall"])),
        ("false alarms", percent(detected["false_alarms"])),
    ]


def _distance(results: FrechetFigures) -> Pairs:
    rows = [("Fréchet distance", figure(results["distance"]))]
    if results["training"] is not None:
        rows.append(("of training examples", figure(results["training"])))
    if results["sure"] is not None:
        seen = sum(item["sure"] >= 0.02 for item in results["classes"])
        rows += [("taken for a class with 90 %", percent(results["sure"]))]
        rows += [("classes with 2 % of these or more", f"{seen} of {len(results['classes'])}")]
    return rows


def _known(title: str, value: float | None) -> Pairs:
    return [] if value is None else [(title, f"{value:.4f}")]


def lines(results: Figures) -> Iterator[str]:
    """A line for each in a terminal; none for what is only drawn."""
    for title, figures in pairs(results):
        if figures:
            yield f"{title}: " + ", ".join(f"{name} {value}" for name, value in figures)


def sections(results: Figures) -> list[dict[str, Any]]:
    """Sections of the page, one for each of :func:`pairs`, in that order."""
    shown: dict[str, Callable[[], dict[str, Any]]] = {
        "neighbours": lambda: {"asked": [_row(item) for item in results["neighbours"]["examples"]]},
        "map": lambda: {"plots": [_map(results)]},
        "clusters": lambda: {"table": _clusters(results)},
        "outliers": lambda: {"plots": _roc(results["outliers"])},
        "frechet": lambda: {"table": _classes(results["frechet"])},
        "saliency": lambda: _saliency(results["saliency"]),
        "words": lambda: {"table": _words(results["words"])},
        "gradients": lambda: _gradients(results["gradients"]),
    }
    empty: dict[str, Any] = {"asked": [], "plots": [], "table": None, "said": "", "texts": []}
    names = [name for name in shown if name in results]
    return [
        {"title": title, "figures": figures, **empty, **shown[name]()}
        for name, (title, figures) in zip(names, pairs(results), strict=True)
    ]


def _saliency(results: SaliencyFigures) -> dict[str, Any]:
    return {"table": saliency.rows(results), "said": saliency.caption(results), "texts": saliency.texts(results)}


def _words(results: WordFigures) -> dict[str, Any]:
    rows = [
        [item["asked"], ", ".join(f"{near['word']} {near['similarity']:.3f}" for near in item["nearest"])]
        for item in (*results["neighbours"], *results["analogies"])
    ]
    return {"head": ["asked", "nearest, with the cosine"], "rows": rows}


def _gradients(results: GradientFigures) -> dict[str, Any]:
    last = {name: values[-1] for name, values in results["layers"].items() if values and values[-1] is not None}
    rows = [[name, figure(value)] for name, value in last.items()]
    table = {"head": ["layer", (f"after epoch {results['epochs'][-1]}", "number")], "rows": rows} if rows else None
    drawn = [plots.norms(results["epochs"], results["layers"])] if rows else []
    return {"plots": drawn, "table": table, "said": _vanishing(last)}


def _vanishing(last: Mapping[str, float | None]) -> str:
    """What the norms of the first and the last layer say of the way back; "" where they are alike."""
    values = [(name, value) for name, value in last.items() if value is not None]
    (first, of_first), (end, of_end) = (values[0], values[-1]) if values else (("", 1.0), ("", 1.0))
    sizes = f"The gradient of `{first}` is {figure(of_first)}, that of `{end}` {figure(of_end)}"
    if of_first < _FAR * of_end:
        return (
            f"{sizes}: on the way back to the first layers it vanishes, and they hardly learn. `relu` in place of "
            "`sigmoid` and `tanh`, normalization or residual ways help."
        )
    if of_end < _FAR * of_first:
        return (
            f"{sizes}: on the way back to the first layers it explodes. `clipnorm` of the optimizer, normalization or "
            "smaller initial weights help."
        )
    return ""


def _row(item: Asked) -> dict[str, str]:
    """An example with its neighbours as a row of a table."""
    example = " · ".join(filter(None, (item["of"], item["text"], item["where"])))
    near = (f"{_named(other)} {other['similarity']:.3f}" for other in item["neighbours"][:_NEAR])
    return {"example": example, "near": ", ".join(near)}


def _named(item: Neighbour) -> str:
    """A neighbour by its text and class; by its place where it has neither."""
    return " · ".join(filter(None, (item["of"], item["text"]))) or item["where"]


def _map(results: Figures) -> Plot:
    import numpy as np

    seen = results["map"]
    return plots.plane(np.array(seen["points"]), seen["classes"], seen["of_class"], seen["explained"] is not None)


def _clusters(results: Figures) -> dict[str, Any] | None:
    rows = [
        [f"{number}", f"{item['examples']:,}", item["most"] or "–", percent(item["share"])]
        for number, item in enumerate(results["clusters"]["clusters"][:_CLASSES], 1)
    ]
    head = ["group", ("examples", "number"), "most frequent class", ("share", "number")]
    return {"head": head, "rows": rows}


def _roc(results: OutlierFigures) -> list[Plot]:
    import numpy as np

    detected = results["detection"]
    return [plots.roc_of(*np.array(detected["roc"]).T)] if detected is not None and detected["roc"] else []


def _classes(results: FrechetFigures) -> dict[str, Any] | None:
    rows = [[item["name"], percent(item["share"]), percent(item["sure"])] for item in results["classes"][:_CLASSES]]
    return {"head": ["class", ("taken for it", "number"), ("with 90 %", "number")], "rows": rows} if rows else None
