"""The data section bound to its source and to a model: the one step that checking and training share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.components.methods.base import Method
from dlspec.components.sections.data import Data, Feature, Target
from dlspec.core.errors import Problem
from dlspec.data.binding import missing
from dlspec.data.binding.augment import Step, steps, steps_of_phases
from dlspec.data.binding.bad import bad_examples
from dlspec.data.binding.drawn import Drawn, drawn
from dlspec.data.binding.example_weights import bind_factors, bind_weight, check_values
from dlspec.data.binding.findings import Findings
from dlspec.data.binding.inputs import Input, bind_inputs
from dlspec.data.binding.made import Made, bind_made, certainly_enough, check_parts, check_targets, given_table, is_made
from dlspec.data.binding.preparation import check_preparation
from dlspec.data.binding.readable import check_exact, check_readable, check_tokens
from dlspec.data.binding.sequences import check_losses, check_sequences, shifted_tables
from dlspec.data.binding.several import (
    Other,
    check_divided,
    known_inputs,
    signature_of_first,
    signature_of_other,
)
from dlspec.data.binding.signature import Signature
from dlspec.data.binding.splitting import example_count
from dlspec.data.binding.stating import by_columns, by_spec
from dlspec.data.binding.targets import Output, bind_outputs
from dlspec.data.binding.weights import check_weights, divided_by_weights, most_examples
from dlspec.data.order.joined import JoinedTable
from dlspec.data.order.splits import check_split, choose
from dlspec.data.sources.base import Table
from dlspec.data.sources.stated import NOTHING, Stated

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Binding:
    """Features of all inputs and targets of all outputs, bound to the columns of a source.

    Attributes:
        table: The opened source, with those of parts of the split that have one of their own.
        count: How many examples it has.
        steps: Random changes of training examples.
        drawn: Inputs that no column gives.
        entering: Names of all inputs, in the order of the model where that is known.
        bad: Examples that are left out since they are broken, by number, with the reason.
        weight: The column that says how much each example counts; "" where all count alike.
        phased: Random changes in phases of training that have changes of their own, by phase.
        made: How examples come of rows; None where each row is one.
        by_weight: Outputs whose loss is divided by the sum of the weights.
        others: Further sources, which go round while an epoch passes over this one.
        factors: Of the weight of each example; None where no file gives any.
    """

    table: Table
    count: int
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    steps: tuple[Step, ...] = ()
    drawn: tuple[Drawn, ...] = ()
    bad: Mapping[int, str] = field(default_factory=dict)
    weight: str = ""
    entering: tuple[str, ...] = ()
    phased: Mapping[str, tuple[Step, ...]] = field(default_factory=dict)
    made: Made | None = None
    by_weight: frozenset[str] = frozenset()
    others: tuple[Other, ...] = ()
    factors: Any = None

    @property
    def users(self) -> tuple[Input | Output, ...]:
        """All inputs and outputs that take columns of the source."""
        return (*self.inputs, *self.row_outputs)

    @property
    def row_outputs(self) -> tuple[Output, ...]:
        """Outputs that are compared with columns of the source."""
        return tuple(output for output in self.outputs if not output.input and not is_made(output, self.made))

    @property
    def shifted_outputs(self) -> tuple[Output, ...]:
        """Outputs that are compared with steps of an input: the next ones, or those that are hidden."""
        return tuple(output for output in self.outputs if output.input)

    @property
    def model_inputs(self) -> tuple[Input, ...]:
        """The inputs as the model takes them: those of rows, but for one whose place is taken by what is made of it."""
        if self.made is None:
            return self.row_inputs
        return (*(input_ for input_ in self.inputs if input_ is not self.made.source), *self.made.inputs)

    @property
    def row_inputs(self) -> tuple[Input, ...]:
        """The inputs of rows, of all sources."""
        return (*self.inputs, *(input_ for other in self.others for input_ in other.binding.inputs))

    @property
    def input_columns(self) -> tuple[str, ...]:
        """Every column that enters the model, once."""
        return tuple(dict.fromkeys(column for input_ in self.inputs for column in input_.columns))

    @property
    def column_inputs(self) -> tuple[Input, ...]:
        """Those of them that hold values of columns, and no word about examples that are made."""
        if self.made is None:
            return self.inputs
        given = self.made.given
        return tuple(input_ for input_ in self.model_inputs if input_.name not in given or given[input_.name].taken)

    def names_of(self, input_: Input) -> list[str]:
        """The names under which what a row has in an input enters the model."""
        return [input_.name] if self.made is None else self.made.names_of(input_)

    def most_examples(self, data: Data) -> int:
        """How many examples an epoch visits at most."""
        if self.made is not None:
            parts = choose(data, self.table, self.count, self.dropped())
            return example_count(self.made, self.table, parts.train) or self.count
        return most_examples(data, self.outputs, self.table, self.count)

    def of_built(self, model: Signature) -> Binding:
        """The same for the model as Keras built it, which may call a single output without a name otherwise."""
        if len(model.outputs) != 1 or len(self.outputs) != 1:
            return self
        (name,), (output,) = model.outputs, self.outputs

        def renamed(names: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(name for _ in names)

        def changed(steps: Iterable[Step]) -> tuple[Step, ...]:
            return tuple(replace(step, masks=renamed(step.masks), labels=renamed(step.labels)) for step in steps)

        phased = {phase: changed(steps) for phase, steps in self.phased.items()}
        by_weight = frozenset([name]) if self.by_weight else self.by_weight
        outputs = (replace(output, name=name),)
        return replace(self, outputs=outputs, steps=changed(self.steps), phased=phased, by_weight=by_weight)

    def dropped(self) -> Array | None:
        """Which examples are left out, broken or without a value, shape [count]; None where none may be."""
        names = {column for user in self.users if user.missing == missing.DROP for column in user.columns}
        if not names and not self.bad:
            return None
        dropped = missing.dropped(self.table, sorted(names), self.count)
        dropped[list(self.bad)] = True
        return dropped

    @property
    def bad_count(self) -> int:
        """How many broken examples are left out."""
        return len(self.table.skipped) + len(self.bad)

    def bad_places(self, most: int) -> list[str]:
        """Where broken examples stand that are left out, and what is wrong with them; the first few."""
        rows = (f"{self.table.where(index)}: {reason}" for index, reason in self.bad.items())
        return list(islice((*self.table.skipped, *islice(rows, most)), most))

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column in use, once."""
        names = [column for user in self.users for column in user.columns]
        further = [self.weight, self.made.maker.same if self.made is not None else ""]
        return tuple(dict.fromkeys([*names, *(name for name in further if name)]))


@dataclass(slots=True)
class Opened:
    """A source that stays open from one step of a compilation to the next, so that its file is read once.

    Attributes:
        table: As :func:`open_table` gave it.
        stated: What was known of its columns then.
    """

    table: Table | None = None
    stated: Stated = NOTHING

    def keep(self, table: Table, stated: Stated) -> None:
        """Keeps a table that gives the same whenever it is asked."""
        if not table.draws and not table.tolerant:
            self.table, self.stated = table, stated


def open_table(
    data: Data,
    folder: Path,
    findings: Findings,
    signature: Signature | None = None,
    *,
    allow_outside: bool = False,
    opened: Opened | None = None,
) -> Table | None:
    """The opened source with its columns known, or None after a finding (E108, E601, E608).

    Parts of the split with a source of their own are joined to it. Where the section names columns, and the source has
    none of them, that is one finding (E602, E608).

    Args:
        opened: Where the table is taken from, if it was opened before and the same was known of its columns; else where
            it is kept.
    """
    data = data.main
    stated = by_spec(data, signature)
    if opened is not None and opened.table is not None and opened.stated == stated:
        return opened.table
    tables: dict[str, Table] = {}
    sources = {"train": data.source, "validation": data.parts.source("validation"), "test": data.parts.source("test")}
    for part, source in sources.items():
        if source is None:
            continue
        path = ("source",) if part == "train" else ("split", part)
        with findings.at("data", *path, source.name):
            table: Table = source.open(folder, allow_outside=allow_outside)
            table.tolerant = data.bad == "skip"
            table.stated = by_columns(stated, tables["train"].columns) if "train" in tables else stated
            _ = table.columns
            table.check_named()
            tables[part] = table
    if len(tables) < len([source for source in sources.values() if source is not None]):
        return None
    whole = tables["train"] if len(tables) == 1 else JoinedTable(tables)
    named = (*data.features.values(), *data.targets.values())
    strange = whole.strange(list(dict.fromkeys(column for section in named for column in section.sources)))
    if strange is None:
        if opened is not None:
            opened.keep(whole, stated)
        return whole
    with findings.at("data", "source", data.source.name):
        raise strange
    return None


def bind(
    data: Data,
    folder: Path,
    signature: Signature | None,
    method: Method | None,
    findings: Findings,
    *,
    allow_outside: bool = False,
    opened: Opened | None = None,
) -> Binding | None:
    """Binds `data` to the files in `folder` and, where given, to a model and a way of training.

    Args:
        opened: The source, where an earlier step has opened it.

    Returns:
        The binding, incomplete where `findings` grew, or None when the source cannot be opened.
    """
    whole, data, others = data, data.main, tuple[Other, ...]()
    if whole.sources:
        bound = bind_others(whole, folder, signature, findings, allow_outside=allow_outside)
        if bound is None:
            return None
        others, signature = bound, signature_of_first(whole, signature) if signature is not None else None
    table = open_table(data, folder, findings, signature, allow_outside=allow_outside, opened=opened)
    if table is None:
        return None
    before, made, given = len(findings.items), None, None
    if data.maker is not None:
        inputs, made = bind_made(data, table, signature, method, findings)
        if made is None or not check_targets(data, table, findings):
            return Binding(table, table_count(table), tuple(inputs), ())
        given = given_table(made, table_count(table))
    shifted = shifted_tables(data, table, signature, findings)
    outputs = bind_outputs(data, table, signature, method, findings, given, shifted)
    check_preparation(outputs, method, findings, shaped=signature is not None)
    inputs = inputs if made is not None else bind_inputs(data, table, signature, findings)
    check_sequences(data, method, inputs, findings, several=bool(whole.sources))
    check_losses(method, outputs, findings)
    weight = bind_weight(data, table, method, findings)
    factors = bind_factors(whole, folder, (rows := table_count(table)), method, findings, allow_outside=allow_outside)
    draws = drawn(data, signature, method) if signature is not None else ()
    binding = Binding(table, rows, tuple(inputs), tuple(outputs), drawn=draws, weight=weight, made=made)
    binding = replace(binding, others=others, factors=factors)
    if len(findings.items) == before:
        binding = _with_values(whole, binding, method, findings)
    with findings.at("data", "split"):
        check_split(data, table, binding.count)
    if others and not findings.errors:
        check_divided(data, binding, findings)
    if made is not None and not findings.errors and not certainly_enough(made, data, table):
        with findings.at("data", "examples", made.maker.name):
            check_parts(made, table, choose(data, table, binding.count, binding.dropped()))
    return binding


def _with_values(data: Data, binding: Binding, method: Method | None, findings: Findings) -> Binding:
    """The same with what its values tell, which are looked at for the first time."""
    table, outputs, weight, bad = binding.table, binding.outputs, binding.weight, dict[int, str]()
    count = binding.count
    with findings.at("data", "source", data.source.name):
        count = _count(table, binding.columns or tuple(table.columns))
    if table.tolerant:
        with findings.at("data", "source", data.source.name):
            bad = dict(bad_examples(table, binding.users, count, [weight] if weight else []))
    else:
        _check_values(data, binding, findings)
    with findings.at("data", "weight"):
        if weight:
            check_values(weight, table, bad)
    check_weights(data, outputs, method, findings)
    planned = tuple(steps(data, binding.model_inputs, outputs, findings))
    others = tuple(replace(other, binding=replace(other.binding, steps=planned)) for other in binding.others)
    return replace(
        binding,
        count=count,
        steps=planned,
        bad=bad,
        phased=steps_of_phases(method, binding.model_inputs, outputs, findings),
        by_weight=divided_by_weights(method, outputs),
        others=others,
    )


def bind_others(
    data: Data, folder: Path, signature: Signature | None, findings: Findings, *, allow_outside: bool = False
) -> tuple[Other, ...] | None:
    """Further sources, each bound by itself; None where one cannot be opened, or an input of it is unknown."""
    if signature is not None and not known_inputs(data, signature, findings):
        return None
    others = []
    for name, own in data.others.items():
        wanted = signature_of_other(own, signature) if signature is not None else None
        with findings.of_source(name):
            binding = bind(own, folder, wanted, None, findings, allow_outside=allow_outside)
        if binding is None:
            return None
        others.append(Other(name, own, binding))
    return tuple(others)


def table_count(table: Table) -> int:
    """How many examples a table has in the longest of its columns."""
    return max(column.count for column in table.columns.values())


def _check_values(data: Data, binding: Binding, findings: Findings) -> None:
    """No value is missing but where the spec says what becomes of it, and none is infinite (E603, E608)."""
    table = binding.table
    for user in binding.users:
        strict = user.missing in (missing.ERROR, missing.KEEP)
        texts = user.missing == missing.ERROR and not (isinstance(user, Output) and user.separator)
        for column, path in _places(data, user):
            with findings.at("data", *path):
                if strict:
                    table.check([column])
                else:
                    missing.check_infinite(table, [column])
                if texts:
                    missing.check_texts(table, [column])
    for feature in binding.inputs:
        with findings.at("data", "inputs", feature.name):
            check_exact(feature, table)
            check_readable(feature, table)
        if feature.length:
            with findings.at("data", "inputs", feature.name, "column"):
                check_tokens(feature, table)


def _places(data: Data, user: Input | Output) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """The columns of an input or output, each with the place in the section that names it."""
    section: Feature | Target | None
    if isinstance(user, Input):
        section, path = data.features.get(user.name), ("inputs", user.name)
    else:
        section, path = data.targets[user.target], ("targets", user.target)
    for position, column in enumerate(user.columns):
        if section is None:  # the obvious columns, which the section does not name
            yield column, ("source", data.source.name)
        elif section.columns is not None:
            yield column, (*path, "columns", position)
        else:
            yield column, (*path, "column")


def _count(table: Table, names: Iterable[str]) -> int:
    """The number of examples, the same in all columns.

    Raises:
        Problem: E605, it is not.
    """
    counts = {name: table.columns[name].count for name in names}
    (first, count), *others = counts.items()
    for name, other in others:
        if other != count:
            raise Problem("E605", f"column `{first}` has {count} examples, `{name}` has {other}")
    return count
