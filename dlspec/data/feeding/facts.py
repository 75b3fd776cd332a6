"""What a report says about the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlspec.components.sections.data import Data
from dlspec.core.documents.report import DataFacts, InputFacts, OtherFacts, TargetFacts
from dlspec.core.errors import Problem
from dlspec.data.binding.several import Other
from dlspec.data.order.splits import PARTS, Parts

if TYPE_CHECKING:
    from dlspec.data.feeding.pipeline import Prepared

# Broken examples that are described.
_NAMED = 5


def data_facts(data: Data, prepared: Prepared) -> DataFacts:
    """Source, sizes of the parts, what enters and what is predicted, fingerprint, leakage, and changes in training."""
    binding = prepared.binding
    bound = [binding, *(other.binding for other in binding.others)]
    inputs: dict[str, InputFacts] = {
        input_.name: {
            "columns": list(input_.columns),
            "shape": list(input_.tensor.shape),
            "dtype": input_.tensor.dtype,
            "missing": input_.missing,
            "prepare": [layer.name for layer in input_.prepare],
            "augment": [step.layer.name for step in binding.steps if step.input in binding.names_of(input_)],
        }
        for input_ in binding.row_inputs
    }
    targets: dict[str, TargetFacts] = {
        output.name: {
            "target": output.target,
            "column": output.column,
            "columns": list(output.columns),
            "encoding": output.encoding,
            "shape": list(output.tensor.shape),
            "dtype": output.tensor.dtype,
            "classes": list(output.classes),
            "one_hot": output.expand,
            "separator": output.separator,
            "graded": output.graded,
            "prepare": [layer.name for layer in output.prepare],
        }
        for output in binding.outputs
    }
    for output in binding.shifted_outputs:
        targets[output.name] |= {"input": output.input, "shift": output.shift}
        if output.mask is not None:
            targets[output.name]["masked"] = output.mask.share
    facts: DataFacts = {
        "source": {data.source.name: shown(data.source.given)},
        "fingerprint": prepared.content.fingerprint,
        "examples": {
            "train": prepared.train.count,
            "validation": prepared.validation.count if prepared.validation is not None else 0,
            "test": prepared.test.count if prepared.test is not None else 0,
        },
        "dropped": prepared.dropped,
        "bad": {"count": binding.bad_count, "first": binding.bad_places(_NAMED)},
        "visited_per_epoch": prepared.fed.count,
        "weight": data.weight,
        "class_weights": {name: weights.tolist() for name, weights in prepared.changes.weights.items()},
        "equal_examples": [shared.facts() for shared in prepared.content.shared],
        "columns": {name: own.table.columns[name].tensor.dtype for own in reversed(bound) for name in own.columns},
        "inputs": inputs,
        "targets": targets,
        "drawn": {input_.name: {input_.draw.name: shown(input_.draw.given)} for input_ in binding.drawn},
    }
    if binding.others:
        facts["others"] = {other.name: _other(other, prepared.others[other.name]) for other in binding.others}
    return facts


def _other(other: Other, parts: Parts) -> OtherFacts:
    """A further source, and how many rows each part has of it."""
    source, counts = other.data.source, {part: len(numbers) for part, numbers in zip(PARTS, parts, strict=True)}
    return {"source": {source.name: shown(source.given)}, "examples": counts}


def shown(value: Any) -> Any:
    """Options of a component as plain data."""
    from dlspec.components.registry import Component

    if isinstance(value, Component):
        return {value.name: shown(value.given)}
    if isinstance(value, dict):
        return {key: shown(item) for key, item in value.items()}
    return [shown(item) for item in value] if isinstance(value, list | tuple) else value


def leakage(prepared: Prepared) -> list[Problem]:
    """A warning (W602) for each pair of parts with equal examples."""
    help = "remove copies, or keep examples together that belong together: `by: {grouped: column}`"
    return [Problem("W602", shared.line(), help) for shared in prepared.content.shared]
