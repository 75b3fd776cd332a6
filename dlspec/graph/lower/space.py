"""Search spaces: a range written where a top-level parameter's value may stand."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from dlspec.core.errors import Problem, did_you_mean

HEADS = ("int", "float", "choice", "bool")
_OPTIONS = {
    "int": ("step", "log", "default", "each_time"),
    "float": ("step", "log", "default", "each_time"),
    "choice": ("default", "each_time"),
    "bool": ("default", "each_time"),
}


@dataclass(frozen=True, slots=True)
class Space:
    """One searched parameter, in Keras Tuner's terms (Int, Float, Choice, Boolean).

    Attributes:
        head: ``int``, ``float``, ``choice`` or ``bool``.
        values: The two bounds (both included), or the choices.
        step: Distance of the values, or the factor between them with `log`; None unless given.
        log: Values are drawn evenly on a logarithmic scale.
        default: What a build outside a search uses.
        each_time: Every use is drawn by itself, instead of once per trial.
    """

    head: str
    values: tuple[Any, ...]
    step: float | None = None
    log: bool = False
    default: Any = None
    each_time: bool = False


# Most values of a range with a step.
_MOST = 10_000


def stepped(space: Space, step: float) -> list[Any]:
    """The values of a range with a `step`, from its lower end to the last one that is not beyond its upper end."""
    low, high = space.values
    values = [low]
    while len(values) < _MOST:
        following = values[-1] * step if space.log else low + len(values) * step
        if following > high * (1 + 1e-9) if high > 0 else following > high + 1e-12:
            break
        values.append(following)
    if space.head == "int":
        return list(dict.fromkeys(round(value) for value in values))
    return [float(f"{value:.12g}") for value in values]  # 0.1 + 0.2 is meant to be 0.3


def is_space(raw: Any) -> bool:
    """Whether a parameter's value is headed as a search space; any other map is a plain value."""
    return isinstance(raw, dict) and bool(raw) and next(iter(raw)) in HEADS


def parse_space(raw: dict[str, Any]) -> Space:
    """Reads a search space.

    Raises:
        Problem: E310, it is malformed.
    """
    head = next(iter(raw))
    unknown = [key for key in raw if key != head and key not in _OPTIONS[head]]
    if unknown:
        raise Problem(
            "E310",
            f"unknown option of a search space `{unknown[0]}`",
            did_you_mean(unknown[0], _OPTIONS[head]),
            unknown[0],
        )
    each_time = raw.get("each_time", False)
    if not isinstance(each_time, bool):
        help = "write `each_time: true`, or leave it out"
        raise Problem("E310", "`each_time` is `true` or `false`", help, "each_time")
    return replace(_once(head, raw), each_time=each_time)


def _once(head: str, raw: dict[str, Any]) -> Space:
    values = raw[head]
    if head == "bool":
        return _boolean(values, raw)
    if not isinstance(values, list):
        raise Problem(
            "E310",
            f"`{head}` needs a list",
            f"write `{head}: [1, 4]`" if head != "choice" else "write `choice: [a, b]`",
        )
    return _choice(values, raw) if head == "choice" else _range(head, values, raw)


def _boolean(values: Any, raw: dict[str, Any]) -> Space:
    default = raw.get("default", False)
    if values is not True or not isinstance(default, bool):
        raise Problem(
            "E310", "a boolean search space is `{bool: true}`", "with `default: true` or `default: false` if wanted"
        )
    return Space("bool", (False, True), default=default)


def _choice(values: list[Any], raw: dict[str, Any]) -> Space:
    if len(values) < 1:
        raise Problem("E310", "`choice` has nothing to choose from", "write `choice: [a, b]`")
    if len({type(value) for value in values}) > 1 or not isinstance(values[0], str | int | float):
        help = "Keras Tuner compares them with each other"
        if all(isinstance(value, dict | list) for value in values):
            help = "name them: `kind: {choice: [a, b]}`, `all: {a: …, b: …}`, and `$all[$kind]` where one is used"
        raise Problem("E310", "`choice` needs texts, or numbers of one kind", help)
    if isinstance(values[0], bool):
        raise Problem("E310", "a choice of true and false is `{bool: true}`", "Keras Tuner would make numbers of them")
    if "default" in raw and raw["default"] not in [value for value in values if type(value) is type(raw["default"])]:
        raise Problem(
            "E310",
            f"the default `{raw['default']}` is not among the choices",
            did_you_mean(str(raw["default"]), map(str, values)),
            "default",
        )
    return Space("choice", tuple(values), default=raw.get("default", values[0]))


def _range(head: str, values: list[Any], raw: dict[str, Any]) -> Space:
    allowed = int if head == "int" else (int, float)
    numbers = [*values, *(raw[key] for key in ("step", "default") if key in raw)]
    if len(values) != 2 or any(
        isinstance(v, bool) or not isinstance(v, allowed) or not math.isfinite(v) for v in numbers
    ):
        what = "whole numbers" if head == "int" else "numbers"
        raise Problem(
            "E310", f"`{head}` needs two {what}, and {what} for `step` and `default`", f"write `{head}: [low, high]`"
        )
    low, high = values
    step, log = raw.get("step"), raw.get("log", False)
    if low >= high:
        raise Problem(
            "E310", f"the lower bound {low} is not below the upper bound {high}", "write the smaller one first", head
        )
    if not isinstance(log, bool) or (log and low <= 0):
        raise Problem("E310", "`log: true` needs bounds above 0", "delete `log`, or raise the lower bound", "log")
    if step is not None and (step <= 0 or (log and step <= 1)):
        raise Problem(
            "E310",
            f"`step: {step}` does not lead upwards",
            "a step is above 0, with `log: true` a factor above 1",
            "step",
        )
    default = raw.get("default", low)
    if not low <= default <= high:
        message = f"the default {default} is outside [{low}, {high}]"
        raise Problem("E310", message, "choose one of the range", "default")
    convert = int if head == "int" else float
    return Space(head, (convert(low), convert(high)), step, log, convert(default))
