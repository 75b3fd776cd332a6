"""Rows of indices that a trained model writes, as people read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from dlspec.backends.keras.structure import like_inputs, outputs_by_name
from dlspec.components.methods.base import Method
from dlspec.components.sections.data import Data
from dlspec.components.sections.generating import Generator
from dlspec.components.sections.sequences import indices_of
from dlspec.core.documents.written import Written, WrittenFigures
from dlspec.core.errors import Problem
from dlspec.core.ir import Graph
from dlspec.data.binding.inputs import Input
from dlspec.data.binding.sequences import PADDING
from dlspec.data.binding.targets import Output
from dlspec.data.sources.base import Table
from dlspec.graph.stepwise import StepPlan, step_plan
from dlspec.training.written_errors import errors_of
from dlspec.training.written_scores import scores_of
from dlspec.views.pages.shares import interval

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# The numbers that what is drawn follows from, as :func:`dlspec.standalone.draws.draws_at` takes them.
EVEN = ("even", {"minval": 0, "maxval": 1})
# Pieces of texts that have words.
_OF_WORDS = ("words", "subwords")


@dataclass(frozen=True)
class Writer:
    """What lets a model write.

    Args:
        generator: The section `generate`.
        data: The section `data`.
        method: The way of training.
        core: The model proper, which takes prepared inputs.
        outputs: Names of its outputs in their order.
        target: The output that tells the next step, bound to its target.
        graph: What was trained; None where it is not known.
        drawing: What is drawn follows from it; from the spec unless given.
    """

    generator: Generator
    data: Data
    method: Method
    core: Any
    outputs: tuple[str, ...]
    target: Output
    graph: Graph | None = None
    drawing: int | None = None

    @property
    def fed(self) -> str:
        """The input that what is written enters."""
        return self.target.input

    @property
    def others(self) -> list[str]:
        """The other inputs of the model."""
        return [tensor.name for tensor in self.core.inputs if tensor.name != self.fed]

    @property
    def prompted(self) -> bool:
        """Whether the model takes nothing but what it writes: rows then begin with what is given."""
        return not self.others

    @property
    def pieces(self) -> bool:
        """Whether the model was trained on pieces of rows, so that a row may be longer than what it sees."""
        return self.data.maker is not None and bool(self.data.maker.in_line)

    def write(self, inputs: Mapping[str, Any], beginnings: Array, places: Array) -> Array:
        """Whole rows for some examples: see :meth:`dlspec.standalone.writing.Writing.write`.

        Args:
            inputs: The other inputs, prepared, by name.
            beginnings: Indices that rows begin with.
            places: The place of each example, which what is drawn follows from.
        """
        from dlspec.standalone.draws import draws_at

        seeds = (self.drawing, self.generator.seed, self.method.seed, 0)
        key = ("generate", next(seed for seed in seeds if seed is not None))
        numbers = draws_at(EVEN, beginnings.shape[1:], "float32", key, places)
        rows: Array = self._writing.write(dict(inputs), beginnings, numbers)
        return rows

    @cached_property
    def _writing(self) -> Any:
        """The same as a project has it."""
        from dlspec.standalone.generating import Rows
        from dlspec.standalone.writing import Writing

        def made(**how: Any) -> Any:
            return self.generator.made(Rows(**how))

        return Writing(
            self.core,
            self._answer,
            self.fed,
            made,
            self.marks(),
            list(self.target.classes) if self._splitting else [],
            self.words or "words",
            self.pieces,
            self.generator.length,
            self.method.head_of(self.target.name).from_logits,
            self._stepper[0],
        )

    @property
    def recomputed(self) -> str:
        """Why each step computes the whole row again; "" where it does not."""
        return self._stepper[1]

    @cached_property
    def _stepper(self) -> tuple[Any, str]:
        """What computes steps out of what it keeps of those before, or None and why there is none."""
        from dlspec.backends.keras.stepping import Stepper

        plan = StepPlan(reason="the graph is not known") if self.graph is None else step_plan(self.graph, self.fed)
        if plan.reason:
            return None, plan.reason
        try:
            return Stepper(self.core, plan, self.fed), ""
        except LookupError:
            return None, "the kept model has other layers than the spec"

    def _answer(self, inputs: dict[str, Any]) -> Any:
        answer = self.core(like_inputs(self.core, inputs), training=False)
        return outputs_by_name(answer, self.outputs)[self.target.name]

    def marks(self) -> dict[str, int]:
        """The indices of the marks, by name."""
        return indices_of(self.data.features, self.fed)

    def beginnings(self, count: int, rows: Any = None) -> Array:
        """Indices that rows begin with: see :meth:`dlspec.standalone.writing.Writing.beginnings`."""
        begun: Array = self._writing.beginnings(count, rows)
        return begun

    def prompts(self, rows: Any) -> Array:
        """Beginnings out of whole rows of indices: see :meth:`dlspec.standalone.writing.Writing.prompts`.

        Raises:
            Problem: E544, a row is empty, and there is no mark that it could begin with.
        """
        try:
            begun: Array = self._writing.prompts(rows)
        except ValueError as error:
            help = f"give a text to go on with: `--where {self.fed}='The '`, or train with `marks: [end]`"
            raise Problem("E544", str(error), help) from error
        return begun

    def text(self, row: Array) -> str:
        """A written row, or a target, as text: without marks and padding."""
        return str(self._writing.text(row))

    @property
    def words(self) -> str:
        """Of which pieces of a text indices are: "words", "characters" or "subwords"; "" where rows are numbers."""
        return str(self._splitting[-1].pieces) if self._splitting else ""

    @property
    def _splitting(self) -> list[Any]:
        """The layers that take texts apart: one, or none."""
        return [layer for layer in self.data.features[self.fed].prepare if layer.splits_texts]


def check_order(core: Any, outputs: tuple[str, ...], target: Output, inputs: Mapping[str, Any]) -> None:
    """An output that tells next steps does not see them.

    Args:
        core: The model proper.
        outputs: Names of its outputs.
        target: The output.
        inputs: Some prepared examples.

    Raises:
        Problem: E620, what is said of a step depends on later steps of the input.
    """
    import numpy as np
    import tensorflow as tf

    rows = np.asarray(inputs[target.input])
    half = rows.shape[1] // 2
    if not half:
        return
    other = rows.copy()
    filled = rows[rows != PADDING]
    if not len(filled):
        return
    other[:, half:] = np.where(rows[:, half:] == filled[0], filled[-1], filled[0])
    dtypes = {tensor.name: tensor.dtype for tensor in core.inputs}

    def early(changed: Any) -> Any:
        given = {name: tf.cast(values, dtypes[name]) for name, values in {**inputs, target.input: changed}.items()}
        answer = outputs_by_name(core(like_inputs(core, given), training=False), outputs)[target.name]
        return np.asarray(answer, np.float32)[:, :half]

    if not np.allclose(early(rows), early(other), rtol=1e-3, atol=1e-4):
        message = f"what output `{target.name}` says of a step depends on later steps of input `{target.input}`"
        help = "no layer behind it may look ahead: `use_causal_mask: true` for attention, no `bidirectional`"
        raise Problem("E620", message, help)


# Examples of a part that a report lets the model write, and shows.
MOST, SHOWN = 1000, 8
_TEXT = 280


def written(
    writer: Writer, inputs: Mapping[str, Any], targets: Array, numbers: Array, table: Table, bound: Sequence[Input]
) -> WrittenFigures | None:
    """What a model writes for some examples, against their targets.

    Args:
        writer: What lets it write.
        inputs: Prepared, by name.
        targets: Rows of indices, shape [examples, steps].
        numbers: The place of each example in its source.
        table: The source.
        bound: How its columns enter the model.

    Returns:
        Where rows follow from nothing but their own beginning, how some of them go on behind the first half.
    """
    import numpy as np

    if writer.prompted:
        return _continued(writer, inputs[writer.fed], targets, numbers, table)
    rows = writer.write(inputs, writer.beginnings(len(targets)), numbers)
    right = (rows == targets).all(axis=1)
    some = np.unique(np.linspace(0, len(rows) - 1, SHOWN).astype(int))
    columns = list(dict.fromkeys(name for input_ in bound if input_.name != writer.fed for name in input_.columns))
    given = table.take(columns, numbers[some])
    shown = [
        Written(
            where=table.where(int(numbers[row])),
            given={name: _shown(given[name][position]) for name in columns},
            expected=writer.text(targets[row]),
            generated=writer.text(rows[row]),
        )
        for position, row in enumerate(some.tolist())
    ]
    exact = float(right.mean())
    texts, made = ([writer.text(row) for row in some] for some in (targets, rows))
    figures = {
        **errors_of(texts, made, numbers=not writer.words),
        **(scores_of(texts, made) if writer.words in _OF_WORDS and texts else {}),
        "by": writer.generator.name,
        "examples": len(rows),
        "exact": exact,
        "interval": interval(exact, len(rows)),
        "shown": shown,
        "recomputed": writer.recomputed,
    }
    return cast("WrittenFigures", figures)


def _continued(writer: Writer, rows: Any, targets: Array, numbers: Array, table: Table) -> WrittenFigures:
    """How a model goes on with the first halves of some rows, shape [examples, steps], beside the second halves."""
    import numpy as np

    some = np.unique(np.linspace(0, len(rows) - 1, SHOWN).astype(int))
    begun = np.array(rows)[some].astype(np.int32)
    halves = ((begun != PADDING).sum(axis=1) + 1) // 2
    whole = np.concatenate([begun[:, :1], np.asarray(targets)[some]], axis=1)
    whole[:, 1:-1] = np.where(whole[:, 1:-1] == PADDING, begun[:, 1:], whole[:, 1:-1])  # steps that count in nothing
    begun[np.arange(begun.shape[1]) >= halves[:, None]] = PADDING
    made = writer.write({}, begun, numbers[some])
    made = made if writer.pieces else np.concatenate([begun[:, :1], made], axis=1)
    shown = [
        Written(
            where=table.where(int(numbers[number])),
            given={writer.fed: writer.text(whole[row, :half])},
            expected=writer.text(whole[row, half:]),
            generated=writer.text(made[row, half:]),
        )
        for row, (number, half) in enumerate(zip(some.tolist(), halves.tolist(), strict=True))
    ]
    return {
        "by": writer.generator.name,
        "examples": len(shown),
        "shown": shown,
        "recomputed": writer.recomputed,
    }


def _shown(value: Any) -> str:
    """What a column holds of an example, in short: of an array its shape."""
    import numpy as np

    shape = np.shape(value)
    return f"{list(shape)}" if shape else str(value)[:_TEXT]
