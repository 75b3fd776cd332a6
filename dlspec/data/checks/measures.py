"""The measures that training reports by name, known before it starts: losses and metrics, also of validation."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from dlspec.components.sections.data import Data
from dlspec.components.sections.train import Supervised
from dlspec.core.errors import Problem, did_you_mean
from dlspec.data.binding.findings import Findings


def measures(method: Supervised, outputs: Sequence[str]) -> dict[str, str]:
    """Name → direction (``down``, ``up``, or "" where neither is better) of what an epoch reports.

    With several outputs, their names come first: ``sold_loss``, ``sold_auc``.
    """
    trained = [name for name in outputs if method.loss_of(name) is not None]
    found = {"loss": "down"}
    for name in trained:
        prefix = f"{name}_" if len(trained) > 1 else ""
        if prefix:
            found[f"{prefix}loss"] = "down"
        seen: dict[str, int] = {}
        for metric in method.metrics_of(name):
            number = seen[metric.name] = seen.get(metric.name, -1) + 1  # Keras numbers those of one name
            found[f"{prefix}{metric.name}" + (f"_{number}" if number else "")] = metric.direction
    return found


def direction_of(method: Supervised, outputs: Sequence[str], monitor: str, option: str = "monitor") -> str:
    """Which values of the measure `monitor` are good: ``down``, ``up``, or "" where neither is.

    Raises:
        Problem: E509 at `option`, there is no such measure.
    """
    known = measures(method, outputs)
    direction = known.get(monitor.removeprefix("val_"))
    if direction is None:
        names = [*known, *(f"val_{name}" for name in known)]
        raise Problem("E509", f"training measures no `{monitor}`", did_you_mean(monitor, names), option)
    return direction


def smaller_is_better(method: Supervised, outputs: Sequence[str], monitor: str) -> bool:
    """Whether small values of the measure `monitor` are good.

    Raises:
        Problem: E509, there is no such measure, or neither is good.
    """
    direction = direction_of(method, outputs, monitor)
    if not direction:
        message = f"neither small nor large `{monitor}` is better: it cannot compare epochs"
        raise Problem("E509", message, "monitor another measure", "monitor")
    return direction == "down"


def check_measures(
    data: Data,
    method: Supervised,
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
    if method.monitor is not None:
        with findings.at("train"):
            if split:
                check_validation(method.monitor, data, parts)
            smaller_is_better(method, outputs, method.monitor)
    for position, callback in enumerate(method.callbacks):
        monitor: Any = getattr(callback, "monitor", None)
        if isinstance(monitor, str):
            with findings.at("train", "callbacks", position, callback.name):
                if split:
                    check_validation(monitor, data, parts)
                # A `mode` of its own says which values are good, and not that there are any.
                judge = smaller_is_better if getattr(callback, "mode", "auto") == "auto" else direction_of
                judge(method, outputs, monitor)


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
    if not monitor.startswith("val_"):
        return
    if data.parts.has("validation") is False:
        message = f"`{monitor}` needs a validation split, and `data` has none"
        raise Problem("E509", message, "add `split: {validation: 0.15}` to `data`", option)
    if parts and "validation" not in parts:
        column = data.parts.by.column
        message = f"`{monitor}` needs a validation split, and column `{column}` gives no example to it"
        raise Problem("E509", message, f"write `validation` into some rows of `{column}`, or drop `val_`", option)
