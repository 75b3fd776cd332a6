"""Targets that are prepared, in a generated project: what fits their layers, and what undoes them."""

from __future__ import annotations

from collections.abc import Sequence

from dlspec.data.binding.binding import Binding
from dlspec.export.project.writing import LayerWriter
from dlspec.export.python.syntax import constant, sequence, text
from dlspec.export.python.templates import Code

# The units of the targets, by output, wherever `parts` are known.
FITTED = 'target_units(parts["train"].targets)'


def functions(binding: Binding, writer: LayerWriter) -> list[Code]:
    """The function of ``data.py`` that gives the units of each target that is prepared; none where none is.

    Raises:
        Unsupported: What is searched decides about a layer.
    """
    prepared = [output for output in binding.outputs if output.prepare]
    if not prepared:
        return []
    lines = ["def target_units(targets: Arrays) -> dict[str, Units]:"]
    lines += [
        '    """The units in which the loss compares, by output, fitted on the training examples."""',
        "    return {",
    ]
    for output in prepared:
        name = text(constant(output.name))
        layers = text(sequence([writer.target(layer) for layer in output.prepare], as_list=True))
        measuring = text(constant(tuple(index for index, layer in enumerate(output.prepare) if layer.adapts)))
        fitted = f"fitted_in_order({layers}, targets[{name}], {measuring})"
        lines.append(f"        {name}: Units({fitted}, (None, *targets[{name}].shape[1:]), {name}),")
    return [Code("\n".join([*lines, "    }"]))]


def whole_model(units: Sequence[str], *, prepared: bool) -> Code:
    """Expression of the model that is saved: it takes raw values, and answers in the units of the data."""
    model = f"in_data_units(model, {FITTED})" if units else "model"
    return Code(f"with_preparation({model}, preparation)" if prepared else model)
