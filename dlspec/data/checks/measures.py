"""The measures that training reports by name, known before it starts: losses and metrics, also of validation."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from dlspec.components.methods.base import Method, Path
from dlspec.components.sections.data import Data
from dlspec.components.training.callbacks import Callback
from dlspec.core.errors import Problem, did_you_mean
from dlspec.data.binding.findings import Findings


def direction_of(method: Method, outputs: Sequence[str], monitor: str, option: str = "monitor") -> str:
    """Which values of the measure `monitor` are good: ``down``, ``up``, or "" where neither is.

    Raises:
        Problem: E509 at `option`, there is no such measure.
    """
    known = method.measures(outputs)
    direction = known.get(monitor.removeprefix("val_"))
    if direction is None:
        names = [*known, *(f"val_{name}" for name in known)]
        raise Problem("E509", f"training measures no `{monitor}`", did_you_mean(monitor, names), option)
    return direction


def smaller_is_better(method: Method, outputs: Sequence[str], monitor: str) -> bool:
    """Whether small values of the measure `monitor` are good.

    Raises:
        Problem: E509, there is no such measure, or neither is good.
    """
    direction = direction_of(method, outputs, monitor)
    if not direction:
        message = f"neither small nor large `{monitor}` is better: it cannot compare epochs"
        raise Problem("E509", message, "monitor another measure", "monitor")
    return direction == "down"


def measured(method: Method, outputs: Sequence[str], monitor: str) -> bool:
    """Whether there is a measure `monitor` in a phase, or in its validation."""
    return monitor.removeprefix("val_") in method.measures(outputs)


def callbacks(
    chosen: Iterable[Callback], method: Method, outputs: Sequence[str], elsewhere: Iterable[Method] = ()
) -> tuple[Callback, ...]:
    """The chosen callbacks, told which values of what they watch are good.

    Keras asks the metric itself, which it does not find where there are several outputs, or where it is one of ours.

    Args:
        method: The training, or that of one phase.
        elsewhere: The trainings of all phases: what watches a measure that only others have rests in this one.

    Raises:
        Problem: E509, one watches what is not measured, or what says nothing.
    """
    directed: list[Callback] = []
    for callback in chosen:
        seen = callback.monitor
        here = not isinstance(seen, str) or measured(method, outputs, seen)
        if not here and any(measured(other, outputs, str(seen)) for other in elsewhere):
            continue
        watched = callback.watches
        if watched is not None and watched.removeprefix("val_") != "loss":
            callback = callback.directed("min" if smaller_is_better(method, outputs, watched) else "max")
        directed.append(callback)
    return tuple(directed)


def check_measures(
    data: Data,
    method: Method,
    outputs: Sequence[str],
    findings: Findings,
    *,
    split: bool = True,
    parts: Collection[str] = (),
) -> None:
    """Everything that watches a measure names one that there will be (E509).

    Args:
        split: Whether it is known which parts the data have.
        parts: Those that a column gives examples to, where one decides and was read.
    """
    for measure, path, judged in method.watched():
        with findings.at(*path):
            if split:
                check_validation(measure, data, parts)
            judge = smaller_is_better if judged else direction_of
            judge(_measuring(method, outputs, measure, path), outputs, measure)


def _measuring(method: Method, outputs: Sequence[str], measure: str, path: Path) -> Method:
    """The phase that something watches: the last one to compare epochs, else the first that has the measure."""
    if path == ("train",):
        return method.ending
    return next((stage for stage in method.stages.values() if measured(stage, outputs, measure)), method.ending)


def check_validation(monitor: str, data: Data, parts: Collection[str] = (), option: str = "monitor") -> None:
    """A measure of the validation split needs one.

    Args:
        monitor: The measure.
        data: The section.
        parts: Those that a column gives examples to, where one decides and was read.
        option: Where the measure stands.

    Raises:
        Problem: E509 at `option`.
    """
    if monitor.startswith("val_"):
        require_validation(f"`{monitor}`", data, parts, option, ", or drop `val_`")


def require_validation(who: str, data: Data, parts: Collection[str], option: str, instead: str = "") -> None:
    """There is a validation split.

    Args:
        who: What needs it.
        data: The section.
        parts: Those that a column gives examples to, where one decides and was read.
        option: Where that stands.
        instead: What else helps, after ``write `validation` into some rows``.

    Raises:
        Problem: E509 at `option`.
    """
    if data.parts.has("validation") is False:
        message = f"{who} needs a validation split, and `data` has none"
        raise Problem("E509", message, "add `split: {validation: 0.15}` to `data`", option)
    if parts and "validation" not in parts:
        column = data.parts.by.column
        message = f"{who} needs a validation split, and column `{column}` gives no example to it"
        raise Problem("E509", message, f"write `validation` into some rows of `{column}`{instead}", option)
