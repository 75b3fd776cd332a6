"""Plots of a search: objective by trial, parallel coordinates, learning curves of the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dlspec.views.pages.plots import FIRST, LINE, MARK, SECOND, SOFT, Plot, svg

Trial = Mapping[str, Any]
_CURVES, _LINES, _WORDS = 5, 200, 8


def by_trial(trials: Sequence[Trial], objective: str, smaller: bool) -> Plot:
    """Each trial's objective, the best so far as a line; those without one are marked at the lower edge."""

    def draw(axes: Any) -> None:
        done = [trial for trial in trials if trial.get("score") is not None]
        best, steps = None, []
        for trial in done:
            better = best is None or (trial["score"] < best if smaller else trial["score"] > best)
            best = trial["score"] if better else best
            steps.append(best)
        numbers = [trial["number"] for trial in done]
        axes.plot(numbers, [trial["score"] for trial in done], "o", color=FIRST, markersize=3.5, label="trial")
        axes.step(numbers, steps, where="post", color=SECOND, label="best so far")
        for status, marker in (("failed", "x"), ("pruned", "|")):
            where = [trial["number"] for trial in trials if trial["status"] == status]
            if where:
                edge = [0.02] * len(where)
                axes.plot(where, edge, marker, color=MARK, label=status, transform=axes.get_xaxis_transform())
        axes.set_xlabel("trial")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(loc="best", handlelength=1.6)

    return Plot(f"{objective} by trial", svg(draw, f"{objective} by trial"))


def parallel(trials: Sequence[Trial], objective: str, smaller: bool) -> Plot:
    """A line per trial through the values of its parameters; the better, the stronger; others dashed."""
    names = list(dict.fromkeys(name for trial in trials for name in trial["values"]))
    scales = {name: _scale([trial["values"].get(name) for trial in trials]) for name in names}

    def draw(axes: Any) -> None:
        done = sorted(
            (trial for trial in trials if trial.get("score") is not None),
            key=lambda item: item["score"],
            reverse=smaller,
        )
        for trial in [trial for trial in trials if trial["status"] in ("failed", "pruned")][:_LINES]:
            axes.plot(*_line(trial, names, scales), color=MARK, linewidth=0.8, linestyle=(0, (2, 2)))
        for rank, trial in enumerate(done[-_LINES:], start=1):
            share = rank / len(done[-_LINES:])
            colour, width = (SECOND, 2.2) if share == 1 else (FIRST, 0.9)
            axes.plot(*_line(trial, names, scales), color=colour, linewidth=width, alpha=0.15 + 0.85 * share**2)
        for x, name in enumerate(names):
            axes.axvline(x, color=LINE, linewidth=0.8)
            _ticks(axes, x, scales[name])
        axes.set_xticks(range(len(names)), [_short(name) for name in names])
        axes.tick_params(axis="x", pad=14)
        axes.set_yticks([])
        axes.grid(False)
        axes.set_ylim(-0.16, 1.16)
        axes.set_xlim(-0.4, len(names) - 0.6)
        axes.spines[:].set_visible(False)

    width = max(6.0, 1.1 * len(names))
    description = (
        f"values of each trial; the strongest line has the best {objective}, dashed ones failed or were pruned"
    )
    return Plot(f"Values; the better the {objective}, the stronger the line", svg(draw, description, 3.4, width))


def _ticks(axes: Any, x: int, scale: list[Any]) -> None:
    """The smallest and the largest value at the ends of an axis, a few words beside it."""
    for text, height in ((scale[-1], 1.03), (scale[0], -0.03)):
        side = "bottom" if height > 1 else "top"
        axes.text(x, height, _short(text), ha="center", va=side, fontsize=7, color=SOFT)
    if isinstance(scale[0], str) and len(scale) <= _WORDS:
        for number, text in enumerate(scale[1:-1], start=1):
            height = number / (len(scale) - 1)
            axes.text(x + 0.04, height, _short(text), ha="left", va="center", fontsize=7, color=SOFT)


def _scale(values: list[Any]) -> list[Any]:
    """The values that occur, sorted."""
    distinct = {repr(value): value for value in values if value is not None}
    return sorted(distinct.values(), key=lambda value: (isinstance(value, str), value))


def _line(trial: Trial, names: list[str], scales: dict[str, list[Any]]) -> tuple[list[int], list[float]]:
    """Places and heights; parameters that the trial does not use are left out."""
    places = [index for index, name in enumerate(names) if trial["values"].get(name) is not None]
    heights = []
    for index in places:
        scale = scales[names[index]]
        heights.append(scale.index(trial["values"][names[index]]) / max(1, len(scale) - 1))
    return places, heights


def _short(value: Any) -> str:
    text = f"{value:.3g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 14 else text[:13] + "…"


def curves(best: Sequence[Trial], objective: str) -> Plot:
    """The objective over the epochs of the best trials."""

    def draw(axes: Any) -> None:
        for rank, trial in enumerate(best[:_CURVES]):
            values = [epoch.get(objective, float("nan")) for epoch in trial.get("history", [])]
            axes.plot(
                range(1, len(values) + 1), values, color=SECOND if rank == 0 else FIRST, alpha=1 - 0.16 * rank,
                marker="o" if len(values) < 3 else "", markersize=3, label=f"trial {trial['number']}",
            )  # fmt: skip
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(loc="best", handlelength=1.6)

    return Plot(f"{objective} of the best trials", svg(draw, f"{objective} over the epochs of the best trials"))
