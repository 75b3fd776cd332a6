"""What the outputs of a model give for the examples of a part, with what the data say of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dlspec.components.sections.report import Tensors, tensors_of
from dlspec.core.ir import Graph
from dlspec.core.pictures import is_map
from dlspec.data.feeding.parts import Part
from dlspec.data.feeding.pipeline import Prepared
from dlspec.views.pages.comparing import answering, as_arrays
from dlspec.views.pages.examine import batch_at, batch_size_of, part_to_look_at

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Of larger parts, so many examples are looked at, which chance chose.
MOST = 10_000
_TEXT = 80


@dataclass
class Outputs:
    """The outputs of a trained model, computed where they are asked for.

    Attributes:
        model: A functional Keras model that takes prepared inputs.
        prepared: The data.
        graph: What was trained.
        names: Names of the model's outputs in its order.
        seed: Of every choice.
    """

    model: Any
    prepared: Prepared
    graph: Graph
    names: tuple[str, ...]
    seed: int
    _answers: dict[int, dict[str, Array]] = field(default_factory=dict)

    @cached_property
    def tensors(self) -> Tensors:
        """Tensors that training takes and the model returns, by the names of the spec."""
        return tensors_of(self.graph)

    @cached_property
    def looked_at(self) -> tuple[str, Part]:
        """The test split with its name; without one that of validation, else the training examples."""
        return part_to_look_at(self.prepared)

    @property
    def same(self) -> bool:
        """Whether the training examples themselves are looked at."""
        return self.looked_at[1] is self.prepared.train

    def of(self, output: str, part: Part) -> Array:
        """Answers of an output for the chosen examples of a part: [examples, numbers]."""
        import numpy as np

        if id(part) not in self._answers:
            positions, size = self.positions(part), batch_size_of(part, self.model)
            answer = answering(self.model, self.names, -(-len(positions) // size))
            result = [
                answer(as_arrays(batch_at(part, positions[start : start + size])[0]))[0]
                for start in range(0, len(positions), size)
            ]
            self._answers[id(part)] = {name: np.concatenate([batch[name] for batch in result]) for name in self.names}
        values = self._answers[id(part)][self.called(output)]
        return values.reshape(len(values), -1)

    def called(self, output: str) -> str:
        """Name that the model has for an output of the spec."""
        return dict(zip(self.tensors.outputs, self.names, strict=True))[output]

    def positions(self, part: Part) -> Array:
        """Which examples of a part are looked at: all, or of many those that chance chose."""
        import numpy as np

        chosen = np.arange(part.count)
        if part.count > MOST:
            chosen = np.sort(np.random.default_rng(self.seed).permutation(part.count)[:MOST])
        return chosen

    def column(self, name: str, part: Part) -> Array:
        """A column of the data for the same examples."""
        result: Array = self.prepared.binding.table.take([name], self._numbers(part))[name]
        return result

    def classes(self, name: str | None, part: Part) -> Array | None:
        """Classes that a column gives, as text."""
        import numpy as np

        if name is None:
            return None
        return np.array([shown(value) for value in self.column(name, part)], object)

    def where(self, part: Part, row: int) -> str:
        """The place in the data of one of the chosen examples."""
        return self.prepared.binding.table.where(int(self._numbers(part)[row]))

    def text(self, part: Part, row: int) -> str:
        """Text that enters the model for one of the chosen examples; "" where no input is text."""
        table = self.prepared.binding.table
        names = [name for name in self.prepared.binding.input_columns if table.columns[name].text]
        result = table.take(names, self._numbers(part)[[row]]) if names else {}
        text = " · ".join(str(values[0]) for values in result.values())
        return text if len(text) <= _TEXT else text[: _TEXT - 1] + "…"

    def pictures(self, part: Part, rows: Array) -> Array | None:
        """The first input that is a picture, of some of the chosen examples; None where there is none."""
        names = [name for name, tensor in self.tensors.inputs.items() if tensor.floating and is_map(tensor.shape)]
        names = [name for name in names if name not in self.tensors.drawn]
        return self.inputs(part, self.positions(part)[rows])[names[0]] if names else None

    def inputs(self, part: Part, positions: Array) -> Mapping[str, Array]:
        """Arrays that enter the model, by input."""
        return as_arrays(batch_at(part, positions)[0])

    def _numbers(self, part: Part) -> Array:
        numbers: Array = part.examples.numbers[self.positions(part)]
        return numbers


def shown(value: Any) -> str:
    """A value of a column as the name of a class: whole numbers without a point."""
    number = value.item() if hasattr(value, "item") else value
    return str(int(number)) if isinstance(number, float) and number.is_integer() else str(number)
