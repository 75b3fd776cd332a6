"""The seam for `predict` and `evaluate`: raw examples, as a saved model takes them.

The interface is :func:`read_inputs`. Files go through the same sources, checks and messages as those of training; no
split is made, and targets are read only where they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import Any

from dlspec.core.errors import Problem, SpecError, did_you_mean
from dlspec.core.ir import Tensor
from dlspec.data.binding import missing
from dlspec.data.binding.example_weights import check_values, weights_of
from dlspec.data.binding.findings import Findings
from dlspec.data.binding.inputs import Input, bind_inputs
from dlspec.data.binding.made import bind_alone
from dlspec.data.binding.readable import check_exact, check_indices, check_readable, check_tokens
from dlspec.data.binding.stating import by_run, by_spec
from dlspec.data.binding.targets import Output
from dlspec.data.binding.values import encoded, places, raw_values
from dlspec.data.feeding.as_saved import as_saved
from dlspec.data.feeding.kept import kept_columns, meant
from dlspec.data.feeding.new_files import source_for
from dlspec.data.feeding.records import RecordsTable
from dlspec.data.feeding.trained import Training
from dlspec.data.sources.base import Arrays, DataProblem, Table


@dataclass(frozen=True, slots=True)
class RawInputs:
    """Examples as a saved model takes them.

    Attributes:
        inputs: By name of input: arrays of shape [examples, …]; text as ``str`` objects, missing numbers as NaN.
        targets: By name of output: what its loss receives; {} unless asked for.
        count: How many examples.
        table: Where they come from: ``table.where(3)`` says where row 3 of it stands.
        bound: How columns enter the inputs.
        dropped: How many further rows were left out, since they lack a value, as in the training.
        weights: How much each example counts; None where all count alike.
        numbers: The rows of the table; None where they are all of it that was not left out.
    """

    inputs: Arrays
    count: int
    table: Table
    bound: tuple[Input, ...]
    targets: Arrays = field(default_factory=dict)
    dropped: int = 0
    weights: Any = None
    numbers: Any = None

    def where(self, row: int) -> str:
        """The place of an example in the data."""
        return self.table.where(row if self.numbers is None else int(self.numbers[row]))


@dataclass(frozen=True, slots=True)
class OpenedInputs:
    """Raw examples that are checked, and read some at a time."""

    training: Training
    table: Table
    bound: tuple[Input, ...]
    count: int
    kept: tuple[str, ...] = ()

    def pieces(self, size: int) -> Iterator[tuple[Arrays, Arrays]]:
        """Arrays for each input, and the columns that are kept, for `size` examples at a time.

        Raises:
            SpecError: E601, E605, E608: the files are broken, or their values are not what the model takes.
        """
        used = [column for input_ in self.bound for column in input_.columns]
        columns = tuple(dict.fromkeys((*used, *self.kept)))
        findings = Findings()
        start = 0
        with findings.at("data", "source", self.training.data.source.name):
            for count, arrays in self._pieces(columns, size):
                numbers = range(start, start + count)
                yield self.inputs(arrays, numbers), {name: arrays[name] for name in self.kept}
                start += count
        if findings.errors:
            raise SpecError(findings.diagnostics({}))

    def _pieces(self, columns: Sequence[str], size: int) -> Iterator[tuple[int, Arrays]]:
        """Columns of some examples at a time, with how many they are."""
        if not columns:  # all is drawn
            yield from ((min(size, self.count - start), {}) for start in range(0, self.count, size))
            return
        for arrays in self.table.pieces(columns, size):
            yield len(arrays[columns[0]]), arrays

    @property
    def elements(self) -> int:
        """How many numbers and texts an example has."""
        columns = self.table.columns
        shapes = [columns[name].tensor.shape for input_ in self.bound for name in input_.columns if not input_.length]
        shapes += [input_.tensor.shape for input_ in self.training.drawn]
        return sum(prod(size or 1 for size in shape) for shape in shapes) + sum(input_.length for input_ in self.bound)

    def inputs(self, arrays: Arrays, numbers: Iterable[int]) -> Arrays:
        """Arrays for each input, from its columns, or drawn for the examples number `numbers`."""
        import numpy as np

        saved, places = self.training.saved, np.fromiter(numbers, np.int64)
        drawn = {input_.name: input_.at(places) for input_ in self.training.drawn}
        return {
            input_.name: as_saved(input_, raw_values(input_, arrays), saved.get(input_.name)) for input_ in self.bound
        } | drawn


def open_inputs(
    training: Training,
    *,
    path: Path | None = None,
    outputs: Sequence[Output] = (),
    raw: Any = None,
    keep: Sequence[str] = (),
    allow_outside: bool = False,
) -> OpenedInputs:
    """Opens raw examples and looks at their values.

    Args:
        training: What they have to be like.
        path: A file or folder to read instead of the spec's source: CSV, Parquet, JSON, ``.npz``, or a folder of
            images, sounds or texts. It is read as the spec's source where both have one format, and is not confined
            to the spec's folder.
        outputs: Targets that will be read as well.
        raw: What the spec wrote for `data`, for the places of messages.
        keep: Columns that are handed on beside the inputs: names, or several between commas.
        allow_outside: Whether paths in the spec may leave its folder.

    Raises:
        SpecError: E108, E601 to E609: the same that `dlspec check` reports, or examples that lack a value for which
            the policy is to drop them.
    """
    data = training.section
    findings = Findings()
    table = _open(training, path, outputs, findings, keep=keep, allow_outside=allow_outside)
    bound: Sequence[Input] = ()
    kept: tuple[str, ...] = ()
    maker = data.maker
    given = None
    if table is not None:
        with findings.at("data", "source", data.source.name):
            given = training.given(table)
    if table is not None and given is not None:
        training, data = given, given.section
        with findings.at("data", "source", data.source.name):
            if strange := table.strange([column for feature in data.features.values() for column in feature.sources]):
                raise strange
            _check_labels(outputs, table)
            kept = kept_columns(keep, table)
        if not findings.errors:
            signature = training.signature
            bound = (
                bind_inputs(data, table, signature, findings)
                if maker is None
                else bind_alone(maker, data, table, signature, findings)
            )
    if table is None or findings.errors:
        raise SpecError(findings.diagnostics({"data": raw}))
    count = 0
    with findings.at("data", "source", data.source.name), _after_training():
        _check(bound, outputs, table, training.limits)
        used = [*(column for input_ in bound for column in input_.columns), *kept]
        count = _count(used or (list(table.columns) if training.drawn else []), table)
    if findings.errors:
        raise SpecError(findings.diagnostics({"data": raw}))
    return OpenedInputs(training, table, tuple(bound), count, kept)


def read_inputs(
    training: Training,
    *,
    path: Path | None = None,
    outputs: Sequence[Output] = (),
    raw: Any = None,
    allow_outside: bool = False,
    weighed: bool = False,
) -> RawInputs:
    """Reads raw examples whole; with `outputs`, those that the training would have dropped are left out.

    Their weights come with `outputs`, and where they are `weighed` without any.

    Raises:
        SpecError: See :func:`open_inputs`.
    """
    opened = open_inputs(training, path=path, outputs=outputs, raw=raw, allow_outside=allow_outside)
    table, count = opened.table, opened.count
    users: tuple[Input | Output, ...] = (*opened.bound, *outputs) if outputs else ()
    findings = Findings()
    arrays: Arrays = {}
    kept: Any = slice(None)
    dropped = 0
    with findings.at("data", "source", training.data.source.name):
        lacking = missing.dropped(table, _dropping(users), count)
        dropped = int(lacking.sum())
        kept = ~lacking if dropped else kept
        columns = [column for input_ in opened.bound for column in input_.columns]
        read = {name: values[kept] for name, values in table.read(dict.fromkeys(columns)).items()}
        arrays = opened.inputs(read, (~lacking).nonzero()[0])
    targets: Arrays = {}
    for output in outputs if not findings.errors else ():
        if output.input:  # it is made of the input, once that is prepared
            continue
        with findings.at("data", "targets", output.target):
            targets[output.name] = _target(output, table, kept)
    weights = None
    if (outputs or weighed) and (name := training.data.weight) is not None:
        with findings.at("data", "weight"):
            weights = _weights(name, table)[kept]
    if findings.errors:
        raise SpecError(findings.diagnostics({"data": raw}))
    return RawInputs(arrays, count - dropped, table, opened.bound, targets, dropped, weights)


def _weights(name: str, table: Table) -> Any:
    """How much each example counts.

    Raises:
        Problem: E602, E608, E616.
    """
    if name not in table.columns:
        message = f"these examples have no column `{name}`, which says how much each of them counts"
        raise Problem("E602", message, "add it, with 1 in each row where all count alike")
    check_values(name, table)
    return weights_of(name, table)


def _dropping(users: Sequence[Input | Output]) -> list[str]:
    """Columns without whose values an example is left out."""
    return sorted({column for user in users if user.missing == missing.DROP for column in user.columns})


def outputs_of(facts: Mapping[str, Any]) -> list[Output]:
    """The targets of a training as its report (``report.json``, ``data.targets``) describes them."""
    return [
        Output(
            name,
            target["target"],
            tuple(target["columns"]),
            target["encoding"],
            Tensor(tuple(target["shape"]), target["dtype"]),
            tuple(target["classes"]),
            target["one_hot"],
            target["separator"],
            graded=target.get("graded", False),
            input=target.get("input", ""),
            shift=target.get("shift", 0),
        )
        for name, target in facts.items()
    ]


def _open(
    training: Training,
    path: Path | None,
    outputs: Sequence[Output],
    findings: Findings,
    *,
    keep: Sequence[str],
    allow_outside: bool,
) -> Table | None:
    data = training.section
    with findings.at("data", "source", data.source.name):
        if path is None:
            table: Table = data.source.open(training.folder, allow_outside=allow_outside)
        elif not path.exists():
            raise DataProblem("E601", f"there is no file `{path}`", where=str(path))
        else:
            source: Any = source_for(path.resolve(), data.source)
            table = (
                RecordsTable(path, path.name) if source is None else source.open(training.folder, allow_outside=True)
            )
        stated = by_spec(data, training.signature)
        stated = by_run(stated, data, training.columns, training.saved, outputs)
        table.stated = replace(stated, kept=meant(keep))
        _ = table.columns
        return table
    return None


def open_table_of(training: Training, path: Path, *, allow_outside: bool = False) -> Table:
    """Other rows as a training takes them.

    Raises:
        SpecError: They cannot be read.
    """
    findings = Findings()
    table = _open(training, path, (), findings, keep=(), allow_outside=allow_outside)
    if table is None or findings.errors:
        raise SpecError(findings.diagnostics({}))
    return table


def _check_labels(outputs: Sequence[Output], table: Table) -> None:
    """Every column of labels is there.

    Raises:
        Problem: E602.
    """
    lacking = [column for output in outputs for column in output.columns if column not in table.columns]
    if lacking:
        names = ", ".join(f"`{name}`" for name in lacking)
        message = f"these examples have no column {names}: there are no labels to measure by"
        raise Problem("E602", message, "`dlspec predict` answers without labels")


@contextmanager
def _after_training() -> Iterator[None]:
    """What becomes of missing values was said in the spec, and cannot be said any more."""
    try:
        yield
    except DataProblem as problem:
        if "missing:" in problem.help:
            problem.help = "fill it in, or leave such examples out: the model was trained without missing values"
        raise


def _check(bound: Sequence[Input], outputs: Sequence[Output], table: Table, limits: Mapping[str, int]) -> None:
    """Values are finite, none is missing but where the model fills it in, and indices are among those of the model."""
    users: list[Input | Output] = [*bound, *(user for user in outputs if all(c in table.columns for c in user.columns))]
    for user in users:
        if user.missing == missing.FILL or (outputs and user.missing in (missing.DROP, missing.IGNORE)):
            missing.check_infinite(table, user.columns)
            continue
        for column in user.columns:
            table.check([column])
            table.forget()  # each is read again, some examples at a time
        if user.missing in (missing.ERROR, missing.DROP) and not (isinstance(user, Output) and user.separator):
            missing.check_texts(table, user.columns)
    for feature in bound:
        check_exact(feature, table)
        check_readable(feature, table)
        if feature.length:
            check_tokens(feature, table)
        limit = feature.prepare[0].index_limit if feature.prepare else limits.get(feature.name, 0)
        if limit:
            check_indices(feature, table, limit)


def _count(columns: Sequence[str], table: Table) -> int:
    counts = {table.columns[column].count for column in columns}
    if len(counts) > 1:
        raise Problem("E605", f"columns have different numbers of examples: {sorted(counts)}")
    return counts.pop() if counts else 0


def _target(output: Output, table: Table, kept: Any) -> Any:
    """The encoded target.

    Raises:
        DataProblem: E604, a label that the training did not know.
    """
    arrays = {name: values[kept] for name, values in table.read(output.columns).items()}
    if output.classes and not output.separator and len(output.columns) == 1:
        unknown = places(arrays[output.column], output.classes) < 0
        if output.missing == missing.IGNORE:
            unknown[missing.gaps(arrays[output.column])] = False
        if unknown.any():
            index = int(unknown.reshape(len(unknown), -1).any(axis=1).argmax())
            label = str(arrays[output.column][index])
            index = index if isinstance(kept, slice) else int(kept.nonzero()[0][index])
            message = f"the training knew no label `{label}` of target `{output.target}`"
            help = did_you_mean(label, map(str, output.classes)) or f"it knows {len(output.classes)} others"
            raise DataProblem("E604", message, help, "column", table.where(index))
    return encoded(output, arrays)
