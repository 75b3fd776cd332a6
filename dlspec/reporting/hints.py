"""What the figures of a run say to whoever wants a better one: few sentences, each with its ground."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dlspec.reporting.verdict import figure, percent

Facts = Mapping[str, Any]
Rows = Sequence[Mapping[str, float]]

_GAP = 0.1


def hints(facts: Facts, history: Rows) -> list[str]:
    """All that apply, the most important first."""
    found = [*_shared(facts.get("data", {})), *_course(facts, history)]
    found += _gap(facts.get("metrics", {}))
    if "error" in facts.get("results", {}):
        found.append(f"What the model answers could not be examined: {facts['results']['error']}")
    for name, output in facts.get("results", {}).get("outputs", {}).items():
        of = f" of `{name}`" if len(facts["results"]["outputs"]) > 1 else ""
        found += _classes(output, of) if "classes" in output else _numbers(output, of)
    return found


def _shared(data: Facts) -> Iterator[str]:
    """Whether splits hold the same examples, which makes measures too good."""
    for shared in data.get("equal_examples", ()):
        first, second = shared["parts"]
        (one, other), *_ = shared["rows"]
        yield f"{shared['examples']:,} examples of {first} also stand in {second}: {one} and {other}, for example."


def _course(facts: Facts, history: Rows) -> Iterator[str]:
    """Whether training stopped too early, or went on too long."""
    best = (facts.get("best") or {}).get("epoch")
    if best is None or len(history) < 3:
        return
    if best == len(history):
        yield f"The last epoch ({best}) was the best one: more `epochs` may do better."
    last, kept = history[-1], history[best - 1]
    if "val_loss" not in last or not kept.get("val_loss"):
        return
    if last["val_loss"] > 1.1 * kept["val_loss"] and last["loss"] < kept["loss"]:
        yield (
            f"After epoch {best} the loss went on falling in training ({figure(kept['loss'])} to "
            f"{figure(last['loss'])}) and rose in validation ({figure(kept['val_loss'])} to "
            f"{figure(last['val_loss'])}): the model began to learn by heart. More data, `dropout` or a smaller model "
            "help."
        )


def _gap(metrics: Facts) -> Iterator[str]:
    """Whether the model does much better on what it has seen."""
    train, test = metrics.get("train", {}), metrics.get("test") or metrics.get("validation") or {}
    for name in train:
        if "acc" in name and name in test and train[name] - test[name] > _GAP:
            yield (
                f"{name} is {percent(train[name])} on what the model has seen, {percent(test[name])} on what it has "
                "not: it does not carry over. More data, augmentation or `dropout` help."
            )
            return


def _classes(output: Facts, of: str) -> Iterator[str]:
    known = [one for one in output["classes"] if one["examples"]]
    never = [one["name"] for one in known if not one["predicted"]]
    if never:
        shown = ", ".join(f"“{name}”" for name in never[:5]) + (" …" if len(never) > 5 else "")
        yield f"The model never answers {shown}{of}: class weights or more such examples help."
    pair = _confused(output.get("confusion"), output["classes"])
    if pair is not None:
        yield pair + of + "."


def _confused(matrix: Any, classes: Sequence[Facts]) -> str | None:
    """The most frequent mistake, if it makes up a good part of all."""
    if not matrix or len(matrix) < 3:
        return None
    wrong = [(n, i, j) for i, row in enumerate(matrix) for j, n in enumerate(row) if i != j and n]
    total = sum(n for n, _, _ in wrong)
    worst, true, guess = max(wrong, default=(0, 0, 0))
    if worst < 2 or worst < 0.15 * total:
        return None
    pair = f"“{classes[true]['name']}” is taken for “{classes[guess]['name']}”"
    return f"The most frequent mistake: {pair} ({worst:,} of {total:,} mistakes)"


def _numbers(output: Facts, of: str) -> Iterator[str]:
    for one in output.get("numbers", ()):
        if one["rmse"] and abs(one["bias"]) > 0.3 * one["rmse"]:
            side = "high" if one["bias"] > 0 else "low"
            yield f"Predictions{of} are too {side} by {figure(abs(one['bias']))} on average ({one['name']})."
