"""What people see of a study: the table on the terminal, and ``report.html``."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from dlspec.core.documents.study import CurveFacts, MemberFacts, Study, Summary
from dlspec.core.terminal import table as columns
from dlspec.training.loop.progress import show_time
from dlspec.training.loop.watch import METRICS_FILE
from dlspec.tuning.studies.curve import error_at, errors_of
from dlspec.views.pages.frames import rendered
from dlspec.views.pages.plots import FIRST, SECOND, SOFT, Plot, svg

PAGE_FILE = "report.html"
_HEAD = ("", "mean", "std", "95 % interval", "smallest", "largest")
# More curves in one plot are no longer told apart.
_CURVES = 60


def text(facts: Study, folder: Path) -> str:
    """The figures for people: each measure of the part that judges, and of the others.

    Args:
        facts: What stands in ``study.json``.
        folder: Of the study.
    """
    groups = list(dict.fromkeys(line["group"] for line in facts["summaries"]))
    if len(groups) > 1:  # one line for each measure of each group is enough to read
        judged = [line for line in facts["summaries"] if line["part"] == facts["judged"]]
        rows = [_row(line, f"{line['group']:.4g}: ") for line in judged]
    else:
        rows = [_row(line) for group in groups for line in _ordered(facts, group)]
    lines = columns([_HEAD, *rows], numbers=range(1, len(_HEAD)))
    if facts["curve"] is not None and facts["curve"]["advice"]:
        lines.append(facts["curve"]["advice"])
    seconds = sum(member["seconds"] for member in facts["members"])
    count = sum(member["status"] != "waiting" and bool(member["measures"]) for member in facts["members"])
    lines.append(f"{count} trainings, {show_time(seconds)}, {folder}")
    if facts["model"] is not None:
        lines.append(f"the model: {_model(facts, folder)}")
        lines += [f"{part} of the model: {_figures(measured)}" for part, measured in facts.get("kept", {}).items()]
    return "\n".join(lines)


def _title(group: float) -> str:
    return f"{group:.4g} of the training split" if group else ""


def _model(facts: Study, folder: Path) -> Path:
    return Path(os.path.normpath(folder / (facts["model"] or "")))


def _ordered(facts: Study, group: float) -> list[Summary]:
    """The measures of a group, those of the part that judges first."""
    own = [line for line in facts["summaries"] if line["group"] == group]
    return sorted(own, key=lambda line: line["part"] != facts["judged"])


def _row(line: Summary, before: str = "") -> tuple[str, ...]:
    interval = "" if line["low"] is None else f"{line['low']:.4g} to {line['high']:.4g}"
    std = "" if line["std"] is None else f"{line['std']:.2g}"
    ends = f"{line['smallest']:.4g}", f"{line['largest']:.4g}"
    return (f"{before}{line['part']} {line['measure']}", f"{line['mean']:.4g}", std, interval, *ends)


def member_line(facts: MemberFacts, judged: str, total: int, left: float) -> str:
    """The line of a member that has ended."""
    measured = facts["measures"].get(judged) or facts["measures"].get("test") or {}
    figures = _figures(measured)
    ending = f"  {show_time(left)} left" if left >= 1 else ""
    return f"{facts['number']}/{total}  {facts['title']}  {figures}  {show_time(facts['seconds'])}{ending}"


def _figures(measured: Mapping[str, float | None]) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in measured.items() if value is not None)


def page(facts: Study, folder: Path) -> str:
    """The page as text."""
    main = [line for line in facts["summaries"] if line["part"] == facts["judged"]]
    last = main[-1]["group"] if main else 0.0
    leading = [line for line in main if line["group"] == last]
    chosen = next((line for line in leading if not line["measure"].endswith("loss")), leading[0] if leading else None)
    plots = [_curves(facts, folder)]
    if facts["curve"] is not None:
        plots.insert(0, _learning_curve(facts, facts["curve"]))
    head = [(title, "" if not title else "number") for title in _HEAD]
    groups = [
        {
            "title": _title(group),
            "rows": [_cells(line) for line in _ordered(facts, group)],
        }
        for group in dict.fromkeys(line["group"] for line in facts["summaries"])
    ]
    return rendered(
        "study.html.jinja",
        name=facts["name"],
        kind=next(iter(facts["study"])),
        headline=_headline(chosen),
        advice=facts["curve"]["advice"] if facts["curve"] else "",
        tiles=[
            ("trainings", len(facts["members"])),
            ("time of training", show_time(sum(member["seconds"] for member in facts["members"]))),
            ("judged by", facts["judged"]),
        ],
        plots=[plot for plot in plots if plot is not None],
        head=head,
        groups=groups,
        members=[_member(member, facts) for member in facts["members"]],
        member_head=[
            ("", "number"),
            ("training", ""),
            ("epoch", "number"),
            ("seconds", "number"),
            (facts["judged"], ""),
        ],
        keys=list(_HEAD),
        command=facts["command"],
        model=str(_model(facts, folder)) if facts["model"] is not None else "",
        kept=[(part, _figures(measured)) for part, measured in facts.get("kept", {}).items()],
    )


def _headline(line: Summary | None) -> str:
    if line is None:
        return "Nothing was measured"
    interval = "" if line["low"] is None else f" (95 % interval {line['low']:.3g} to {line['high']:.3g})"
    return f"{line['part']} {line['measure']} {line['mean']:.4g}{interval}"


def _cells(line: Summary) -> dict[str, str]:
    return dict(zip(_HEAD, _row(line), strict=True))


def _member(member: MemberFacts, facts: Study) -> dict[str, Any]:
    part = facts["judged"] if facts["judged"] in member["measures"] else "test"
    measured = member["measures"].get(part) or {}
    return {
        "number": member["number"],
        "title": member["title"],
        "epoch": member["epoch"] if member["epoch"] is not None else "",
        "seconds": f"{member['seconds']:.1f}",
        "figures": _figures(measured),
    }


def _curves(facts: Study, folder: Path) -> Plot | None:
    """The losses of all members over the epochs."""
    drawn = [(_column(folder / member["folder"], ("val_loss", "loss"))) for member in facts["members"][:_CURVES]]
    lines = [line for line in drawn if line]
    if not lines:
        return None

    def draw(axes: Any) -> None:
        for line in lines:
            axes.plot(range(1, len(line) + 1), line, color=FIRST, linewidth=0.9, alpha=max(0.25, 1 / len(lines)))
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)

    return Plot("Loss of each training", svg(draw, "loss of each training"))


def _column(run: Path, names: Sequence[str]) -> list[float]:
    with suppress(OSError, ValueError), (run / METRICS_FILE).open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
        name = next((name for name in names if rows and name in rows[0]), "")
        return [float(row[name]) for row in rows if row[name]] if name else []
    return []


def _learning_curve(facts: Study, drawn: CurveFacts) -> Plot:
    """Errors over the number of examples, and the curve to ten times as many."""
    errors = list(errors_of(facts["members"], drawn["part"], drawn["measure"], grows=drawn["grows"]))
    smallest = min(count for count, _ in errors)

    def draw(axes: Any) -> None:
        import numpy as np

        counts = np.geomspace(smallest, drawn["examples"] * 10, 100)
        axes.plot(counts, [error_at(drawn, count) for count in counts], color=SECOND, label="curve")
        axes.plot(*zip(*errors, strict=True), "o", color=FIRST, markersize=3.5, label="training")
        axes.axvline(drawn["examples"], color=SOFT, linewidth=0.8, linestyle=(0, (3, 3)))
        axes.set_xscale("log")
        axes.set_xlabel("examples that train")
        axes.legend(loc="best", handlelength=1.6)

    title = (
        f"{drawn['part']} error by examples" if drawn["grows"] else f"{drawn['part']} {drawn['measure']} by examples"
    )
    return Plot(title, svg(draw, title))
