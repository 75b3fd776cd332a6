"""What `dlspec data` tells: columns, splits, what enters and what is predicted; without TensorFlow."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dlspec.components.sections.data import Data
from dlspec.core.documents.printed import ColumnFigures, ColumnSummary, InputSummary, SplitSummary, TargetSummary
from dlspec.core.documents.printed import Data as DataSummary
from dlspec.core.ir import Tensor
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.inputs import Input
from dlspec.data.binding.missing import gaps
from dlspec.data.binding.splitting import made_counts
from dlspec.data.binding.targets import Output
from dlspec.data.binding.weights import classes_of
from dlspec.data.checks.vocabulary import row_size
from dlspec.data.feeding.content import examine, one_fingerprint
from dlspec.data.feeding.facts import shown
from dlspec.data.order.splits import PARTS, Parts, choose
from dlspec.data.sources.base import Column

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Distinct words up to which a column of text is called categorical, and listed.
_CATEGORIES = 30
_EXAMPLES = 3
_TEXT = 60


def summary(data: Data, binding: Binding) -> DataSummary:
    """Facts of the data of a spec, as plain data."""
    if binding.others:
        return _several(data, binding)
    table, dropped = binding.table, binding.dropped()
    parts = choose(data, table, binding.count, dropped)
    content = examine(table, binding.columns, binding.input_columns, parts, binding.count)
    facts: DataSummary = {
        "source": {data.source.name: shown(data.source.given)},
        "count": binding.count,
        "read": binding.count + len(table.skipped),
        "dropped": 0 if dropped is None else int(dropped.sum()) - len(binding.bad),
        "bad": {"count": binding.bad_count, "first": binding.bad_places(_EXAMPLES)},
        "in_no_part": binding.count - (0 if dropped is None else int(dropped.sum())) - sum(map(len, parts)),
        "columns": {name: _column(name, column, binding) for name, column in table.columns.items()},
        "splits": _splits(binding, parts),
        "inputs": _inputs(data, binding),
        "targets": _targets(data, binding),
        "fingerprint": content.fingerprint,
        "equal_examples": [shared.facts() for shared in content.shared],
        "warnings": [shared.line() for shared in content.shared],
        "examples": _examples(binding, parts),
    }
    if binding.made is not None:
        facts["made"] = {
            "by": binding.made.maker.name,
            "gives": {name: str(value.tensor) for name, value in binding.made.given.items()},
            "examples": made_counts(binding.made, table, parts),
        }
    table.forget()
    return facts


def _several(data: Data, binding: Binding) -> DataSummary:
    """The same of several sources: facts of the first, with those of the others beside them."""
    facts = summary(data.main, replace(binding, others=()))
    facts["others"] = {other.name: summary(other.data, other.binding) for other in binding.others}
    fingerprints = {name: other["fingerprint"] for name, other in facts["others"].items()}
    facts["fingerprint"] = one_fingerprint(fingerprints, facts["fingerprint"])
    facts["warnings"] += [warning for other in facts["others"].values() for warning in other["warnings"]]
    return facts


def _column(name: str, column: Column, binding: Binding) -> ColumnSummary:
    facts: ColumnSummary = {
        "type": kind(name, column, binding),
        "of": str(column.tensor),
        "used": name in binding.columns,
    }
    if column.tensor.shape or (binding.table.streamed and name not in binding.columns):
        return facts
    values = binding.table.read([name])[name]
    lacking = gaps(values)
    facts["missing"] = int(lacking.sum())
    facts = {**facts, **(_text_figures(values[~lacking]) if column.text else _numbers(values[~lacking]))}
    if column.text and facts["type"] == "text" and facts.get("distinct", 0) <= _CATEGORIES:
        facts["type"] = "categorical"
    return facts


def _text_figures(values: Array) -> ColumnFigures:
    import numpy as np

    distinct, counts = np.unique(values, return_counts=True)
    facts: ColumnFigures = {"distinct": len(distinct)}
    if len(distinct) <= _CATEGORIES:
        facts["values"] = dict(zip(distinct.tolist(), counts.tolist(), strict=True))
    else:
        lengths = [len(value) for value in values]
        facts["characters"] = [min(lengths), max(lengths)]
    return facts


def _numbers(values: Array) -> ColumnFigures:
    import numpy as np

    numbers = values.astype(np.float64)
    numbers = numbers[np.isfinite(numbers)]  # others are left out where `bad: skip` stands
    if not len(numbers):
        return {}
    return {
        "distinct": len(np.unique(values)),
        "range": [float(numbers.min()), float(numbers.max())],
        "mean": float(numbers.mean()),
        "deviation": float(numbers.std()),
    }


def kind(name: str, column: Column, binding: Binding) -> str:
    """Kind of a column's values in a word."""
    shape, dtype = column.tensor.shape, column.tensor.dtype
    for output in binding.row_outputs:
        if name in output.columns:
            if output.separator:
                return "several labels"
            if len(shape) >= 2 and dtype == "uint8":
                return "mask"
            return "label" if output.labelled else "numeric" if not shape else "array"
    uses = [input_ for input_ in binding.inputs if name in input_.columns]
    if column.text:
        if any(input_.length for input_ in uses):
            return "sequence"
        return "categorical" if any(layer.categories for input_ in uses for layer in input_.prepare) else "text"
    if len(shape) == 3 and dtype == "uint8":
        return "image"
    if not shape:
        return "numeric"
    return "audio" if name == "audio" else "array"


def _splits(binding: Binding, parts: Parts) -> dict[str, SplitSummary]:
    splits: dict[str, SplitSummary] = {}
    for part, numbers in zip(PARTS, parts, strict=True):
        if len(numbers):
            splits[part] = {"examples": len(numbers), "classes": _balance(binding, numbers)}
    return splits


def _balance(binding: Binding, numbers: Array) -> dict[str, dict[str, int]]:
    """How many examples (of masks: pixels) of each class a part has, by target."""
    import numpy as np

    balance = {}
    for output in binding.row_outputs:
        if output.labelled:
            classes = classes_of(output, binding.table, numbers).ravel()
            counts = np.bincount(classes[classes >= 0], minlength=output.units)
            names = class_names(output, len(counts))
            balance[output.target] = dict(zip(names, counts.tolist(), strict=True))
    return balance


def class_names(output: Output, count: int) -> list[str]:
    """Names of the classes 0, 1, …, as text."""
    names = [str(name) for name in output.classes]
    return names + [str(number) for number in range(len(names), count)]


def _inputs(data: Data, binding: Binding) -> dict[str, InputSummary]:
    return {
        input_.name: {
            "columns": list(input_.columns),
            "raw": str(input_.raw),
            "missing": input_.missing,
            "prepare": [layer.name for layer in input_.prepare],
            "enters": str(_entering(data, binding, input_)),
            "augment": [step.layer.name for step in binding.steps if step.input in binding.names_of(input_)],
        }
        for input_ in binding.inputs
    }


def _entering(data: Data, binding: Binding, input_: Input) -> Tensor:
    """Type of an input as the model takes it; the words of the training examples say how long rows of theirs are."""
    size = row_size(data, binding, input_) if input_.tensor.shape[-1:] == (None,) else None
    return input_.tensor if size is None else Tensor((*input_.tensor.shape[:-1], size), input_.tensor.dtype)


def _targets(data: Data, binding: Binding) -> dict[str, TargetSummary]:
    return {
        output.target: {
            "output": output.name,
            "columns": list(output.columns),
            "encoding": output.encoding if not output.separator else "several labels",
            "compared": str(output.tensor),
            "prepare": [layer.name for layer in output.prepare],
            "classes": [str(name) for name in output.classes],
            "class_weights": data.targets[output.target].class_weights,
        }
        for output in binding.outputs
    }


def _examples(binding: Binding, parts: Parts) -> list[dict[str, Any]]:
    """A few training examples as they stand in the columns; None for a value that is missing."""
    numbers = parts.train[:_EXAMPLES]
    arrays = binding.table.take(binding.columns, numbers)
    return [
        {"where": binding.table.where(int(number)), **{name: _cell(arrays[name][row]) for name in binding.columns}}
        for row, number in enumerate(numbers)
    ]


def _cell(value: Any) -> Any:
    import numpy as np

    if isinstance(value, np.ndarray):
        return f"{list(value.shape)} {value.dtype}, {value.min():.4g} … {value.max():.4g}" if value.size else "[]"
    if isinstance(value, str):
        if not value:
            return None
        return value if len(value) <= _TEXT else value[: _TEXT - 1] + "…"
    plain = value.item() if hasattr(value, "item") else value
    return None if plain != plain else plain  # JSON has no NaN
