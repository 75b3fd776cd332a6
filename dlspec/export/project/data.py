"""``data.py`` of a generated project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dlspec.components.methods.base import Method
from dlspec.components.sections.data import Data
from dlspec.core.pieces import Piece
from dlspec.data.binding import missing
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.values import Rows
from dlspec.data.feeding.pipeline import WINDOW
from dlspec.data.order.joined import JoinedTable
from dlspec.data.sources.base import TEXT, Source, Table
from dlspec.data.sources.parquet import ParquetTable
from dlspec.export.project.bound import bound_input, bound_output, keeps_bytes, only_or_all
from dlspec.export.project.carried import carried
from dlspec.export.project.changes import changes
from dlspec.export.project.dividing import asked, division, parts_with_examples
from dlspec.export.project.reading import Readers
from dlspec.export.project.searched import Searched
from dlspec.export.project.units import functions
from dlspec.export.project.writing import LayerWriter
from dlspec.export.python.constructors import Constructors
from dlspec.export.python.syntax import Unsupported, constant, text
from dlspec.export.python.templates import Code

if TYPE_CHECKING:
    import jinja2


@dataclass(frozen=True)
class DataText:
    """The rendered ``data.py``, and what ``train.py`` must know of it.

    Attributes:
        body: The module without its imports.
        prepared: Whether layers prepare inputs.
        units: Names of the outputs whose targets are prepared.
        training: Whether the batches of training take a seed; None where they are like all others.
        reads_files: Whether it reads files below a folder.
        parts: Names of the parts that have examples.
        changed_with: Parameters that the batches of training take.
        prepared_with: Parameters that the layers of preparation take.
        modules: The user's own modules, by name, with their text.
    """

    body: str
    constructors: Constructors
    prepared: bool
    units: tuple[str, ...]
    training: Mapping[str, Any] | None
    reads_files: bool
    parts: list[str]
    changed_with: tuple[str, ...]
    prepared_with: tuple[str, ...]
    modules: dict[str, str]


def render(
    data: Data, method: Method, binding: Binding, searched: Searched, label: str, templates: jinja2.Environment
) -> DataText:
    """``data.py`` without its imports.

    Args:
        data: The section.
        method: The way of training.
        binding: The section, bound to the model.
        searched: What is searched.
        label: The spec's name.
        templates: Where the templates are: ``data.py.jinja``, and one for each source and way of splitting.

    Raises:
        Unsupported: The section asks for something that projects do not support.
    """
    _check(data, binding)
    constructors = Constructors()
    readers, facts = _reading(data, binding, templates)
    facts |= division(data, binding, templates)
    writer = LayerWriter(constructors, searched, data)
    facts |= changes(data, method, binding, facts["blocks"], writer)
    facts |= _bound(binding, writer)
    own = functions(binding, writer)
    facts |= writer.facts()
    facts |= {
        "title": Code(f"The data of {label}: read, divided, prepared, and handed out in batches."),
        "shuffle": data.shuffle,
        "drop": _complete(binding),
        "imports": Code(""),
    }
    template = templates.get_template("data.py.jinja")
    used = carried(template.render({**facts, "helpers": own}), templates, facts)
    body = template.render({**facts, "helpers": [*used, *own]})
    return DataText(
        body,
        constructors,
        bool(facts["prepared"]),
        tuple(one.name for one in binding.outputs if one.prepare),
        facts["training"],
        bool(facts["parameter"]),
        parts_with_examples(data, binding),
        writer.changed_with,
        writer.prepared_with,
        readers.modules,
    )


def _check(data: Data, binding: Binding) -> None:
    """What stands in the way of a project as a whole."""
    lazy = data.source.pictures if binding.table.streamed else ()
    if any(one.columns[0] in lazy and any(layer.adapts for layer in one.prepare) for one in binding.inputs):
        raise Unsupported("layers that are fitted on images which do not fit into memory")
    for output in binding.outputs:
        changed = (
            output.classes
            or output.expand
            or output.prepare
            or data.targets[output.target].class_weights
            or data.oversample
        )
        if output.columns[0] in lazy and (changed or output.tensor.rank != 2):
            raise Unsupported("weights, classes or units of masks which do not fit into memory")
    if binding.bad_count:
        what = "a broken example" if binding.bad_count == 1 else f"{binding.bad_count} broken examples"
        raise Unsupported(f"{what} that `bad: skip` leaves out ({binding.bad_places(1)[0]})")


def _reading(data: Data, binding: Binding, templates: jinja2.Environment) -> tuple[Readers, dict[str, Any]]:
    """The functions that read the sources."""
    table = binding.table
    tables: dict[str, Table] = table.tables if isinstance(table, JoinedTable) else {"train": table}
    sources: dict[str, Source] = {part: data.source if part == "train" else data.parts.source(part) for part in tables}
    columns = tuple(dict.fromkeys([*binding.columns, *asked(data)]))
    blocks = table.blocks is not None
    if blocks and not isinstance(tables["train"], ParquetTable):
        raise Unsupported(f"the order of examples of the source `{data.source.name}`, which is read in blocks")
    main = tables["train"]
    if isinstance(main, ParquetTable) and data.shuffle and main.regrouped:
        raise Unsupported(f"row groups as large as those of `{data.source.path}`: write it with smaller ones")
    readers = Readers(templates)
    calls = {
        part: readers.add("read" if part == "train" else f"read_{part}", source, columns, tables[part])
        for part, source in sources.items()
    }
    facts: dict[str, Any] = {
        "sources": readers.functions,
        "columns": columns,
        "read": calls.pop("train"),
        "others": calls,
        "blocks": blocks,
        "row_groups": Piece("row_groups(parquet.read_metadata(folder / {}))", data.source.path) if blocks else None,
        "lazy": any(tables[part].streamed and bool(source.pictures) for part, source in sources.items()),
        "window": max(1, WINDOW // Rows(table, binding.inputs, binding.outputs).raw_bytes),
    }
    facts["parameter"] = Code(
        "folder: Path" if any("(folder)" in str(call) for call in (facts["read"], *calls.values())) else ""
    )
    return readers, facts


def _bound(binding: Binding, writer: LayerWriter) -> dict[str, Any]:
    """Inputs and targets."""
    inputs = [bound_input(one, binding, writer) for one in binding.inputs]
    outputs = [bound_output(one, binding) for one in binding.outputs]
    changed = {step.input for step in binding.steps}
    return {
        "inputs": inputs,
        "outputs": outputs,
        "prepared": [one for one in inputs if one.layers],
        "adapts": [
            (one.name, position) for one in binding.inputs for position, layer in enumerate(one.prepare) if layer.adapts
        ],
        "texts_prepared": any(one.prepare and one.raw.dtype == TEXT for one in binding.inputs),
        "texts": [one.name for one in binding.inputs if one.raw.dtype == TEXT and not one.prepare],
        "bytes_changed": [
            one.name
            for one in binding.inputs
            if one.name in changed and keeps_bytes(one, binding.table.columns[one.columns[0]].tensor)
        ],
        "call": only_or_all("values", [one.name for one in inputs], as_list=True),
        "raw_inputs": only_or_all("inputs", [one.name for one in inputs], as_list=True),
        "batch_inputs": only_or_all("inputs", [one.name for one in inputs]),
        "batch_targets": only_or_all("targets", [one.name for one in outputs]),
    }


def _complete(binding: Binding) -> Code | None:
    """Expression of which examples lack nothing, where those that do are left out."""
    names = sorted({column for one in binding.users if one.missing == missing.DROP for column in one.columns})
    if not names:
        return None
    each = [f"lacking(columns[{text(constant(name))}])" for name in names]
    return Code(f"~{each[0]}" if len(each) == 1 else f"~({' | '.join(each)})")
