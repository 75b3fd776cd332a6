"""What people see of an ablation: its table on the terminal, and ``report.html``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any, NamedTuple, cast

from dlspec.core.documents.study import AblationFacts, Study, Summary, VariantFacts
from dlspec.core.terminal import table as columns
from dlspec.training.loop.progress import show_time
from dlspec.tuning.ablation.variants import NOTHING
from dlspec.views.pages.frames import rendered
from dlspec.views.pages.plots import FIRST, SECOND, SOFT, Plot, svg

# Columns of a terminal, and those that a name has at least.
_WIDTH, _SHORTEST = 80, 12
# Of so many intervals of 95 %, one is likely to leave 0 out by chance.
_MANY = 10
# Smaller differences, as shares of the measure, come of sums in another order.
_ROUNDING = 1e-6


class Row(NamedTuple):
    """A line of the table.

    Attributes:
        variant: The variant, or the whole.
        mean: Of the measure over all seeds; None where none was measured.
        difference: To the whole; None for itself and where nothing could be compared.
        effect: ``helps`` where the variant is worse than the whole and its interval leaves out 0, ``harms`` where it is
            better, ``fails`` where it cannot be trained, ``open`` elsewhere.
    """

    variant: VariantFacts
    mean: float | None
    difference: Summary | None
    effect: str


def rows(facts: Study) -> list[Row]:
    """The whole, then its variants, those whose lack harms most first, and those that failed last."""
    ablation = _ablation(facts)
    key = ablation["part"], ablation["measure"]
    means = {line["group"]: line["mean"] for line in facts["summaries"] if (line["part"], line["measure"]) == key}
    whole, *others = (_row(variant, means.get(variant["group"]), ablation) for variant in ablation["variants"])
    sign = 1 if ablation["direction"] == "up" else -1

    def order(row: Row) -> tuple[bool, float]:
        return row.difference is None, sign * row.difference["mean"] if row.difference is not None else 0.0

    return [whole, *sorted(others, key=order)]


def _ablation(facts: Study) -> AblationFacts:
    return cast("AblationFacts", facts["ablation"])  # nothing else is shown here


def _row(variant: VariantFacts, mean: float | None, ablation: AblationFacts) -> Row:
    key = ablation["part"], ablation["measure"]
    difference = next((line for line in variant["differences"] if (line["part"], line["measure"]) == key), None)
    if variant["failure"] is not None:
        return Row(variant, None, None, "fails")
    if difference is None or difference["low"] is None or difference["high"] is None:
        return Row(variant, mean, difference, "open")
    low, high = difference["low"], difference["high"]
    # Differences that are all alike, as those of a few examples often are, have an interval without width.
    if high - low <= _ROUNDING * max(1.0, abs(mean or 0.0)) or low <= 0 <= high:
        return Row(variant, mean, difference, "open")
    worse = (high < 0) == (ablation["direction"] == "up")
    return Row(variant, mean, difference, "helps" if worse else "harms")


def _change(own: int | None, whole: int | None) -> str:
    """A count as a share of that of the whole: ``-12 %``; "" where it is the same or not known."""
    if own is None or not whole or own == whole:
        return ""
    return f"{(own - whole) / whole:+.0%}".replace("%", " %")


def _signed(value: float) -> str:
    return "0" if abs(value) < _ROUNDING else f"{value:+.2g}"


def _cells(row: Row, whole: VariantFacts) -> tuple[str, ...]:
    variant, difference = row.variant, row.difference
    if variant is whole:
        size, cost = f"{variant['parameters']:,}", "?" if variant["flops"] is None else f"{variant['flops']:,}"
    else:
        size, cost = (_change(variant["parameters"], whole["parameters"]), _change(variant["flops"], whole["flops"]))
    mean = "fails" if variant["failure"] is not None else "" if row.mean is None else f"{row.mean:.4g}"
    apart = "" if difference is None else _signed(difference["mean"])
    low, high = (None, None) if difference is None else (difference["low"], difference["high"])
    interval = "" if low is None or high is None else f"{_signed(low)} to {_signed(high)}"
    return NOTHING if variant is whole else variant["name"], mean, apart, interval, size, cost


def _head(ablation: AblationFacts) -> tuple[str, ...]:
    return ("without", ablation["measure"], "difference", "95 % interval", "parameters", "FLOPs")


def text(facts: Study, folder: Path) -> str:
    """The figures for people, at most 80 columns wide.

    Args:
        facts: What stands in ``study.json``.
        folder: Of the study.
    """
    ablation, shown = _ablation(facts), rows(facts)
    whole = shown[0].variant
    cells = [_head(ablation), *(_cells(row, whole) for row in shown)]
    width = max(_SHORTEST, _WIDTH - len(columns([each[1:] for each in cells], numbers=range(5))[0]) - 2)
    cells = [(_short(name, width), *others) for name, *others in cells]
    lines = columns(cells, numbers=range(1, 6))
    lines += ["", *(fill(sentence, _WIDTH, break_on_hyphens=False) for sentence in sentences(facts))]
    seconds = sum(member["seconds"] for member in facts["members"])
    count = sum(bool(member["measures"]) for member in facts["members"])
    lines.append(f"{count} trainings, {show_time(seconds)}, {folder}")
    return "\n".join(lines)


def _short(name: str, width: int) -> str:
    return name if len(name) <= width else name[: width - 1] + "…"


def sentences(facts: Study) -> Iterator[str]:
    """What the intervals say, and what was left out."""
    ablation, shown = _ablation(facts), rows(facts)[1:]
    seeds = len(ablation["seeds"])
    named = {
        effect: [f"{row.variant['name']}" for row in shown if row.effect == effect] for effect in ("helps", "harms")
    }
    yield (
        f"{ablation['part']} {ablation['measure']}, mean of {seeds} seed{'s' if seeds > 1 else ''}; differences to the "
        "whole are taken seed by seed."
    )
    for effect, names in named.items():
        if names:
            yield f"It {effect}: {', '.join(names)}."
    if seeds == 1:
        yield "One seed gives no interval: `--seeds 5` tells luck from effect."
    elif not any(named.values()):
        yield "With these seeds no difference is more than luck may be."
    if sum(row.difference is not None for row in shown) >= _MANY:
        yield "Of 20 intervals of 95 %, one leaves out 0 by luck."
    for row in shown:
        if row.variant["failure"] is not None:
            yield f"Without {row.variant['name']} training fails: {row.variant['failure']}"
    if ablation["left_out"]:
        yield "Left out: " + ", ".join(each["name"] for each in ablation["left_out"]) + " (`--list` says why)."


def page(facts: Study, folder: Path) -> str:
    """The page as text; arguments as those of :func:`text`."""
    ablation, shown = _ablation(facts), rows(facts)
    whole, head = shown[0], _head(ablation)
    headline = "" if whole.mean is None else f"{ablation['part']} {ablation['measure']} of the whole {whole.mean:.4g}"
    plots = [_plot(shown, ablation)] if any(row.difference is not None for row in shown) else []
    return rendered(
        "ablation.html.jinja",
        name=facts["name"],
        headline=headline,
        sentences=list(sentences(facts)),
        tiles=[
            ("variants", len(shown) - 1),
            ("trainings", len(facts["members"])),
            ("time of training", show_time(sum(member["seconds"] for member in facts["members"]))),
        ],
        plots=plots,
        head=[(head[0], ""), ("kind", ""), *((title, "number") for title in head[1:]), ("spec", "")],
        rows=[_shown(row, whole.variant, head) for row in shown],
        keys=[head[0], "kind", *head[1:], "spec"],
        left_out=[{**each} for each in ablation["left_out"]],
        command=facts["command"],
    )


def _shown(row: Row, whole: VariantFacts, head: Sequence[str]) -> dict[str, str]:
    cells = dict(zip(head, _cells(row, whole), strict=True))
    return {**cells, "kind": row.variant["aid"], "spec": row.variant["spec"]}


def _plot(shown: Sequence[Row], ablation: AblationFacts) -> Plot:
    """The differences with their intervals, one line each."""
    drawn = [row for row in shown if row.difference is not None][::-1]

    def draw(axes: Any) -> None:
        axes.axvline(0, color=SOFT, linewidth=0.8, linestyle=(0, (3, 3)))
        for height, row in enumerate(drawn):
            line: Any = row.difference
            colour = FIRST if row.effect == "open" else SECOND
            if line["low"] is not None:
                axes.plot([line["low"], line["high"]], [height, height], color=colour, linewidth=1.4)
            axes.plot([line["mean"]], [height], "o", color=colour, markersize=3.5)
        middle = sum(axes.get_xlim()) / 2
        for height, row in enumerate(drawn):
            mean = row.difference["mean"] if row.difference is not None else 0.0
            axes.annotate(
                _short(row.variant["name"], 24),
                (mean, height),
                xytext=(0, 3),
                textcoords="offset points",
                fontsize=7,
                ha="left" if mean < middle else "right",  # whole names, within the picture
            )
        axes.set_yticks([])
        axes.set_ylim(-0.6, len(drawn) - 0.2)
        axes.set_xlabel(f"difference of {ablation['part']} {ablation['measure']}")

    title = "Difference to the whole"
    return Plot(title, svg(draw, "difference of each variant to the whole", height=max(2.2, 0.28 * len(drawn) + 0.7)))
