"""Dates and times of text as numbers, inside the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlspec.components.layers.base import Layer
from dlspec.components.registry import boolean, choice, example, optional, plain, text
from dlspec.core.dates import order_help, read_moment
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor, known

_ROUND = ("quarter", "month", "week", "day", "day_of_year", "day_of_week", "hour", "minute", "second")
_AGAINST = ("elapsed", "age")
_PARTS = ("year", *_ROUND, *_AGAINST)


class DateParts(Layer):
    """Takes dates and times of text apart into numbers, such as the year, the month and the day of the week."""

    keras = "dlspec.keras_layers.DateParts"
    prepares = True
    reads = True
    shorthand = "parts"
    trainable: Any = True  # nothing to train
    dtype: Any = None  # what comes out is float32
    parts = plain(
        {"type": "array", "items": {"enum": list(_PARTS)}, "minItems": 1, "uniqueItems": True},
        doc="What to take, in order; `day_of_week` is 0 on Mondays, `week` that of ISO 8601, `elapsed` counts days "
        "from `since`, `age` years up to it.",
    )
    cyclic = boolean(
        default=False, doc="Whether each part but `year`, `elapsed` and `age` becomes a sine and a cosine of its round."
    )
    first = choice(
        "year",
        "day",
        "month",
        default="year",
        doc="First part of dates such as 1/2/2024, if it is not the year.",
    )
    zone = optional(
        text(pattern=r"^([Uu][Tt][Cc]|[+-]\d{2}:\d{2})$"),
        doc="The zone whose clock and calendar count, as `utc` or `+02:00`; those that were written unless given.",
    )
    since = optional(text(), doc="The date that `elapsed` and `age` refer to.")
    examples = (
        example("[year, month, day_of_week, hour]", (), dtype="string"),
        example('{parts: [month, elapsed], cyclic: true, since: "2020-01-01"}', (2,), dtype="string"),
        example("{parts: [age], first: day, zone: '+02:00', since: 31.12.2024}", (1,), dtype="string"),
    )

    def validate(self) -> None:
        """The date to count from is there where it counts, and can be read."""
        against = [part for part in self.parts if part in _AGAINST]
        if against and self.since is None:
            message = f"`{against[0]}` refers to a date, and there is none"
            raise Problem("E207", message, 'write it: `since: "2024-01-01"`', "parts")
        if self.since is None:
            return
        if not against:
            raise Problem("E207", "`since` is for `elapsed` and `age`", "add one of them to `parts`", "since")
        try:
            read_moment(self.since, self.first)
        except ValueError as error:
            raise Problem("E207", f"`{self.since}` is no date", order_help(self.since, self.first), "since") from error

    def infer(self, x: Tensor) -> Tensor:
        """[] → [numbers]; [dates] → [dates · numbers]."""
        if x.dtype != "string":
            message = f"date_parts takes dates as text, but the input has dtype {x.dtype}"
            raise Problem("E409", message, "write `dtype: string` for the input")
        count = sum(2 if self.cyclic and part in _ROUND else 1 for part in self.parts)
        if not x.rank:
            return Tensor((count,), "float32")
        return Tensor((*x.shape[:-1], known(x, -1, self.name) * count), "float32")

    def unreadable(self, texts: Sequence[str]) -> tuple[int, str, str] | None:
        """The first text that is no date, or that alone says its zone: its place, what is wrong, and what helps.

        Args:
            texts: Those of one column; empty ones are missing dates.
        """
        read: dict[str, bool] = {}
        zoned: dict[bool, str] = {}
        for index, value in enumerate(texts):
            if value == "" or value in read:
                continue
            try:
                read[value] = read_moment(value, self.first).zone
            except ValueError:
                return index, f"`{value[:40]}` is no date", order_help(value, self.first)
            zoned.setdefault(read[value], value)
            if len(zoned) == 2 and (self.zone is not None or set(self.parts) & set(_AGAINST)):
                message = f"`{zoned[True][:40]}` says its zone, and `{zoned[False][:40]}` does not"
                return index, message, "write all times with their zone, or all without"
        return None
