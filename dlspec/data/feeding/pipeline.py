"""From the data section to examples that train: split, preparation fitted on the training split, memory or files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from dlspec.components.methods.base import Method
from dlspec.components.sections.data import Data
from dlspec.core.errors import SpecError
from dlspec.data.binding.binding import Binding, bind
from dlspec.data.binding.example_weights import weights_of
from dlspec.data.binding.findings import Findings
from dlspec.data.binding.sequences import next_steps, prepared_with, without_last
from dlspec.data.binding.signature import Signature
from dlspec.data.binding.values import Rows
from dlspec.data.binding.weights import class_weights, classes_of, repeated_target
from dlspec.data.binding.weights import repeated as repeated_positions
from dlspec.data.feeding import preparing
from dlspec.data.feeding.content import Content
from dlspec.data.feeding.examples import Examples, InMemory, Streamed, aligned
from dlspec.data.feeding.feed import in_order
from dlspec.data.feeding.made import MadeExamples
from dlspec.data.feeding.mapping import unconverted
from dlspec.data.feeding.masking import masked_outputs, occurring_indices, with_hidden_steps
from dlspec.data.feeding.parts import Part
from dlspec.data.feeding.preparing import Layers
from dlspec.data.feeding.reading import Reading, read
from dlspec.data.feeding.several import GoingRound, beside
from dlspec.data.feeding.training import Changes, repeated
from dlspec.data.feeding.vocabularies import named_by_words
from dlspec.data.order.order import Blocks
from dlspec.data.order.splits import PARTS, Parts, choose
from dlspec.data.sources.base import Arrays, Table

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Parts of a source that is not read whole are held in memory if together they take no more bytes than this.
_HELD = 256 << 20
# Bytes of the examples that are read and mixed together, from a source whose examples come in blocks.
WINDOW = 16 << 20
# Examples in a batch to which a layer adapts.
_CHUNK = 4096


@dataclass(frozen=True, slots=True)
class Prepared:
    """Data ready to train.

    Attributes:
        binding: What feeds each input and target.
        parts: Which examples belong to which part.
        validation, test: The other splits; None where there is none.
        train: The training split, each example once.
        fed: What an epoch of training visits: the same, but for examples that are repeated.
        layers: Fitted Keras layers of each input that is prepared, in order.
        units: The units of each target that is prepared, by output: a :class:`dlspec.standalone.units.Units`. What the
            parts hold is as it stands in the data.
        changes: What is done to batches of training examples.
        content: Fingerprint of the data, and examples that several parts hold.
        dropped: How many examples are left out since they lack a value.
        others: Which examples of further sources belong to which part, by name.
    """

    binding: Binding
    parts: Parts
    train: Part
    validation: Part | None
    test: Part | None
    fed: Examples
    layers: dict[str, list[Any]]
    units: dict[str, Any]
    changes: Changes
    content: Content
    dropped: int = 0
    others: Mapping[str, Parts] = field(default_factory=dict)

    @property
    def classes(self) -> dict[str, tuple[Any, ...]]:
        """Class names by output, where the target is text."""
        return {output.name: output.classes for output in self.binding.outputs if output.classes}


def prepare(
    data: Data, folder: Path, signature: Signature, method: Method | None, *, allow_outside: bool = False
) -> Prepared:
    """Binds, reads and divides the data, and fits the layers that prepare them on the training split.

    Args:
        data: The section.
        folder: The spec's folder.
        signature: What the model takes and gives.
        method: The way of training, whose losses say how targets are encoded.
        allow_outside: Whether paths may leave `folder`.

    Raises:
        SpecError: What :func:`dlspec.data.checks.contract.check` reports.
        DataProblem: A file changed since it was checked.
    """
    findings = Findings()
    binding = bind(data, folder, signature, method, findings, allow_outside=allow_outside)
    if binding is None or findings.errors:
        raise SpecError(findings.diagnostics({}))
    return prepare_read(data, read(data, binding), signature)


def prepare_read(data: Data, reading: Reading, signature: Signature) -> Prepared:
    """Fits the layers of `prepare` on data that were read before, and applies them.

    Args:
        data: The section.
        reading: What was found while checking.
        signature: What the built model takes and gives.

    Raises:
        DataProblem: A file changed since it was checked.
    """
    if reading.others:
        return _several(data, reading, signature)
    binding, parts, dropped = reading.binding.of_built(signature), reading.parts, reading.dropped
    table = binding.table
    rows = rows_of(binding)
    cached = _cached(data, rows, parts)
    train = _Draft(rows, parts.train, cached=cached[0])
    with telling(table):
        layers = _fitted(data, binding, train)
        binding = named_by_words(binding, layers)
        prepared_targets = [output for output in binding.outputs if output.prepare]
        units = {output.name: preparing.units(output, train.target(output.name)) for output in prepared_targets}
    weights = weights_of(binding.weight, table, binding.factors)
    validation, test = (
        _Draft(rows, numbers, cached=hold).part(layers, weights) if len(numbers) else None
        for numbers, hold in zip(parts[1:], cached[1:], strict=True)
    )
    whole = train.part(layers, weights)
    fed = _fed(data, rows, whole.examples, reading)
    masked = masked_outputs(binding.outputs)
    occurring = occurring_indices(whole, masked)
    if binding.made is not None:
        whole, validation, test, fed = _made(binding, whole, validation, test)
    if masked:
        whole, validation, test, fed = with_hidden_steps(masked, occurring, fed, whole, validation, test)
    prepared = Prepared(
        binding,
        parts,
        whole,
        validation,
        test,
        fed,
        {name: some for name, some in layers.items() if some},
        units,
        Changes(
            binding.steps,
            class_weights(data, binding.outputs, table, parts.train),
            {output.name: output for output in binding.outputs},
            weights,
            binding.phased,
            binding.by_weight,
        ),
        reading.content,
        0 if dropped is None else int(dropped.sum()) - len(binding.bad),
    )
    table.forget()
    return prepared


def _fitted(data: Data, binding: Binding, train: _Draft) -> Layers:
    """The layers of each input, fitted on the training rows of all columns that they prepare."""
    alike = {input_.name: prepared_with(data, input_.name, binding.inputs) for input_ in binding.inputs}
    return {
        input_.name: preparing.fit_alike(input_.prepare, [train.raw(name) for name in alike[input_.name]])
        for input_ in binding.inputs
    }


def _several(data: Data, reading: Reading, signature: Signature) -> Prepared:
    """The same of several sources: rows of the first one with those of the others beside them."""
    first, nothing = prepare_read(data.main, replace(reading, others=()), signature), Signature({}, {})
    prepared = {other.name: prepare_read(other.data, own, nothing) for other, own in reading.others}
    others = list(prepared.values())
    return replace(
        first,
        train=_beside(first.train, [other.train for other in others]),
        validation=_beside(first.validation, [other.validation for other in others]),
        test=_beside(first.test, [other.test for other in others]),
        fed=GoingRound(first.fed, [other.train.inputs for other in others]),
        layers=first.layers | {name: some for other in others for name, some in other.layers.items()},
        dropped=first.dropped + sum(other.dropped for other in others),
        others={name: own.parts for name, own in prepared.items()},
    )


@overload
def _beside(part: Part, others: Sequence[Part | None]) -> Part: ...
@overload
def _beside(part: Part | None, others: Sequence[Part | None]) -> Part | None: ...
def _beside(part: Part | None, others: Sequence[Part | None]) -> Part | None:
    if part is None:
        return None
    assert isinstance(part.examples, InMemory)
    return replace(part, examples=beside(part.examples, [other.inputs for other in others if other is not None]))


def rows_of(binding: Binding) -> Rows:
    """The rows of the source, as they are read: what is drawn for an input is drawn for each that is an example."""
    drawn = binding.drawn if binding.made is None or binding.made.maker.by_row else ()
    shifted = binding.shifted_outputs if binding.made is None else ()
    return Rows(binding.table, binding.inputs, binding.row_outputs, drawn, shifted)


def _made(binding: Binding, *parts: Part | None) -> tuple[Part, Part | None, Part | None, Examples]:
    """Parts of rows as examples that are made of them, and what an epoch of training visits."""
    made: list[Any] = []
    for name, part in zip(PARTS, parts, strict=True):
        if part is None:
            made.append(None)
            continue
        rows = part.examples
        assert isinstance(rows, InMemory)
        made.append(Part(MadeExamples(binding, rows.values, rows.numbers, name), part.weights))
        if name == "train":
            fed = MadeExamples(binding, rows.values, rows.numbers, name, changing=True)
    return made[0], made[1], made[2], fed


def _fed(data: Data, rows: Rows, train: Examples, reading: Reading) -> Examples:
    """What an epoch of training visits: with `oversample`, examples of rare classes come several times.

    Those that a bootstrap drew come as often as it drew them.
    """
    if data.parts.bootstrap is not None:
        import numpy as np

        visited = choose(data, rows.table, reading.binding.count, reading.dropped, as_often=True).train
        return repeated(train, np.searchsorted(train.numbers, visited), _blocks(rows, visited))
    target = repeated_target(data, rows.outputs)
    if target is None:
        return train
    classes = classes_of(target, rows.table, train.numbers)
    if classes.ndim > 1:
        classes = classes.reshape(len(classes))
    positions = repeated_positions(classes, data.parts.seed)
    return repeated(train, positions, _blocks(rows, train.numbers[positions]))


@contextmanager
def telling(table: Table) -> Iterator[None]:
    """Raises what a table met while a pipeline read it, instead of the pipeline's own error.

    Raises:
        DataProblem: E608, an example turned out to be broken when it was read.
    """
    try:
        yield
    except Exception:
        if table.trouble is None:
            raise
        raise table.trouble from None


def _cached(data: Data, rows: Rows, parts: Parts) -> list[bool]:
    """Which parts are held in memory: the smallest first, as long as they fit together."""
    hiding = any(target.masked is not None for target in data.targets.values())
    if data.maker is not None or hiding:  # any of them may meet any other, or steps are chosen anew each epoch
        return [True] * len(parts)
    if data.cache != "auto":
        return [data.cache == "memory"] * len(parts)
    if not rows.table.streamed:
        return [True] * len(parts)
    left = _HELD
    cached = [False] * len(parts)
    for position in sorted(range(len(parts)), key=lambda position: len(parts[position])):
        left -= len(parts[position]) * rows.prepared_bytes
        cached[position] = left >= 0
    return cached


class _Draft:
    """A part in the making: raw examples, in memory or not."""

    def __init__(self, rows: Rows, numbers: Array, *, cached: bool) -> None:
        self._rows, self._numbers = rows, numbers
        self._blocks = _blocks(rows, numbers)
        self._cached = cached
        self._values: tuple[Arrays, Arrays] | None = None

    def raw(self, name: str) -> Any:
        """Values before the preparation of one input: an array, or a dataset of batches."""
        if self._cached:
            self._values = self._values or _load(self._rows.load, self._numbers, self._blocks)
            return self._values[0][name]
        chosen = [input_ for input_ in self._rows.inputs if input_.name == name]
        alone = Rows(self._rows.table, chosen, ())
        batches = in_order(Streamed(alone.load, self._numbers, self._blocks), _CHUNK)
        return batches.map(unconverted(lambda inputs, _: inputs[name]))

    def target(self, name: str) -> Any:
        """Values of one target before its preparation: an array, or a dataset of batches."""
        if self._cached:
            self._values = self._values or _load(self._rows.load, self._numbers, self._blocks)
            return self._values[1][name]
        chosen = [output for output in self._rows.outputs if output.name == name]
        alone = Rows(self._rows.table, (), chosen)
        batches = in_order(Streamed(alone.load, self._numbers, self._blocks), _CHUNK)
        return batches.map(unconverted(lambda _, targets: targets[name]))

    def part(self, layers: Layers, weights: Array | None) -> Part:
        """The part, prepared by fitted layers; `weights` are those of all examples of the table."""
        return Part(self._examples(layers), None if weights is None else weights[self._numbers])

    def _examples(self, layers: Layers) -> Examples:
        inputs = {input_.name: input_ for input_ in self._rows.inputs}
        if not self._cached:
            finish = preparing.in_pipeline(inputs, layers, self._rows.shifted) if any(layers.values()) else None
            return Streamed(self._rows.load, self._numbers, self._blocks, finish)

        def prepared(raw: Arrays, targets: Arrays) -> tuple[Arrays, Arrays]:
            rank = {name: input_.tensor.rank for name, input_ in inputs.items()}
            values = {name: preparing.apply(layers[name], raw.pop(name), rank[name]) for name in inputs} | raw
            shifted = self._rows.shifted
            return without_last(shifted, values), targets | next_steps(shifted, values)

        if self._values is None:

            def load(numbers: Array) -> tuple[Arrays, Arrays]:
                return prepared(*self._rows.load(numbers))

            return InMemory(_load(load, self._numbers, self._blocks), self._numbers, self._blocks)
        return InMemory(prepared(*self._values), self._numbers, self._blocks)


def _load(
    load: Callable[[Array], tuple[Arrays, Arrays]], numbers: Array, blocks: Blocks | None
) -> tuple[Arrays, Arrays]:
    """All examples, read a window at a time where there are windows."""
    if blocks is None:
        return load(numbers)
    arrays: tuple[Arrays, Arrays] = ({}, {})
    filled = 0
    for number, window in enumerate(blocks.windows(0, 0, shuffle=False)):
        positions = blocks.examples(window, 0, 0, number, shuffle=False)
        for whole, some in zip(arrays, load(numbers[positions]), strict=True):
            for name, values in some.items():
                if name not in whole:
                    whole[name] = aligned((len(numbers), *values.shape[1:]), values.dtype)
                whole[name][filled : filled + len(positions)] = values
        filled += len(positions)
    return arrays


def _blocks(rows: Rows, numbers: Array) -> Blocks | None:
    """How many of the examples `numbers` each block of the table holds; None where it has no blocks."""
    import numpy as np

    sizes = rows.table.blocks
    if sizes is None:
        return None
    edges = np.searchsorted(numbers, np.concatenate([[0], np.cumsum(sizes)]))
    window = max(1, WINDOW // rows.raw_bytes)
    return Blocks([int(size) for size in np.diff(edges) if size], window)
