"""``data.py`` of a generated project."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dlspec.components.methods.base import Method
from dlspec.components.sections.data import Data
from dlspec.core.pieces import Piece
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.inputs import Input
from dlspec.data.binding.sequences import prepared_with
from dlspec.data.binding.values import Rows
from dlspec.data.feeding.pipeline import WINDOW
from dlspec.data.order.joined import JoinedTable
from dlspec.data.sources.base import Source, Table
from dlspec.data.sources.parquet import ParquetTable
from dlspec.export.project.batches import BatchWriter
from dlspec.export.project.bound import BoundInput, bound_input, bound_output, drawn_input, entering_input, only_or_all
from dlspec.export.project.carried import carried
from dlspec.export.project.changes import Changes, changes
from dlspec.export.project.dividing import asked, division, parts_with_examples
from dlspec.export.project.frames import framed
from dlspec.export.project.further import Further, further_sources
from dlspec.export.project.hiding import hiding, nothing_yet, occurring
from dlspec.export.project.limits import check_data
from dlspec.export.project.loading import Loading, ahead, complete_rows, preparing
from dlspec.export.project.reading import Readers
from dlspec.export.project.searched import Searched
from dlspec.export.project.together import (
    fitted_inputs,
    part_fields,
    part_values,
    put_together,
    saved_layers,
    supported,
)
from dlspec.export.project.units import functions
from dlspec.export.project.weighing import Weights
from dlspec.export.project.writing import LayerWriter
from dlspec.export.python.constructors import Constructors
from dlspec.export.python.syntax import Unsupported
from dlspec.export.python.templates import Code
from dlspec.training.loop.preparation import inner_name

if TYPE_CHECKING:
    import jinja2


@dataclass(frozen=True)
class DataText:
    """The rendered ``data.py``, and what ``train.py`` must know of it.

    Attributes:
        body: The module without its imports.
        prepared: Whether layers prepare inputs.
        saved: Whether they prepare inputs of the model that is saved.
        units: Names of the outputs whose targets are prepared.
        training: Whether the batches of training are others than those of the other parts.
        seeded: Whether they take a seed.
        reads_files: Whether it reads files below a folder.
        parts: Names of the parts that have examples.
        changed_with: Parameters that the batches of training take.
        prepared_with: Parameters that the layers of preparation take.
        modules: The user's own modules, by name, with their text.
        outputs: Names of the outputs that have a target.
        learners_change: Whether the batches of training must be told who learns, where each draws for itself.
    """

    body: str
    constructors: Constructors
    prepared: bool
    saved: bool
    units: tuple[str, ...]
    training: bool
    seeded: bool
    reads_files: bool
    parts: list[str]
    changed_with: tuple[str, ...]
    prepared_with: tuple[str, ...]
    modules: dict[str, str]
    outputs: tuple[str, ...]
    learners_change: bool


def render(
    data: Data,
    method: Method,
    binding: Binding,
    searched: Searched,
    label: str,
    saved: Sequence[str],
    templates: jinja2.Environment,
) -> DataText:
    """``data.py`` without its imports.

    Args:
        data: The section.
        method: The way of training.
        binding: The section, bound to the model.
        searched: What is searched.
        label: The spec's name.
        saved: Names of the inputs of the model that is saved, in its order.
        templates: Where the templates are: ``data.py.jinja``, and one for each function that depends on the spec.

    Raises:
        Unsupported: The section asks for something that projects do not support.
    """
    check_data(data, binding)
    constructors = Constructors()
    layers = LayerWriter(constructors, searched, data)
    sources = _reading(data, binding, templates)
    batches = _batches(data, method, binding, layers, sources, templates)
    changed, weights, inputs = batches.changes, batches.weights, [*_inputs(binding, layers)]
    further = [*further_sources(binding, inputs, sources.readers, templates)]
    prepared = any(input_.layers for input_ in inputs)
    split = division(data, binding, templates)
    loading = _loading(data, binding, sources, changed, weights, divided=split is not None)
    own = [
        *functions(binding, layers),
        *filter(None, [split]),
        framed(templates, "data/examples", **_examples(inputs[: len(binding.inputs)], binding, prepared)),
        *(definition for source in further for definition in source.definitions),
        *put_together(binding, templates),
        *_preparing(label, inputs, binding, saved, layers, templates),
        *batches.definitions(),
        framed(templates, "data/load", **_load(loading, binding, sources, further, layers, prepared)),
    ]
    definitions = [*sources.readers.functions, *carried([*sources.readers.functions, *own], templates), *own]
    return DataText(
        templates.get_template("data.py.jinja").render(_module(label, binding, sources, loading, weights, definitions)),
        constructors,
        prepared,
        bool(_saved_inputs(binding, saved)),
        tuple(output.name for output in binding.outputs if output.prepare),
        changed.any,
        changed.seeded,
        _reads_files(sources, further),
        parts_with_examples(data, binding),
        layers.changed_with,
        layers.prepared_with,
        sources.readers.modules,
        tuple(output.name for output in binding.outputs),
        batches.learners_change,
    )


def _batches(
    data: Data,
    method: Method,
    binding: Binding,
    layers: LayerWriter,
    sources: _Sources,
    templates: jinja2.Environment,
) -> BatchWriter:
    """What writes the batches of all parts, and those of training."""
    changed = supported(binding, changes(data, method, binding, sources.window is not None, layers))
    learners = sorted({tuple(stage.turns) if len(stage.turns) > 1 else () for stage in method.stages.values()})
    weights = Weights.of(data, method, binding)
    return BatchWriter(data, binding, changed, layers, sources.window, sources.lazy, learners, weights, templates)


def _inputs(binding: Binding, layers: LayerWriter) -> Iterator[BoundInput]:
    """The inputs of all sources, those of the first one first."""
    for own in (binding, *(other.binding for other in binding.others)):
        yield from (bound_input(input_, own, layers) for input_ in own.inputs)


def _module(
    label: str,
    binding: Binding,
    sources: _Sources,
    loading: Loading,
    weights: Weights | None,
    definitions: Sequence[Code],
) -> dict[str, Any]:
    """What `data.py.jinja` needs to know."""
    return {
        "title": Code(f"The data of {label}: read, divided, prepared, and handed out in batches."),
        "imports": Code(""),
        "array": Code("Any" if sources.lazy else "np.ndarray"),
        "places": Code("; and where they stand" if loading.numbered else ""),
        "fields": [
            *_fields(loading),
            *(part_fields(binding) if weights is None else [weights.field]),
            *([Code("others: list[Arrays]")] if binding.others else []),
        ],
        "definitions": definitions,
    }


@dataclass(frozen=True)
class _Sources:
    """The functions that read the sources, and how they are called.

    Attributes:
        calls: By the part whose examples they read.
        columns: Those that are read.
        groups: Expression of where the blocks of the source begin; None where it is not read in blocks.
        window: Examples that an order mixes at once, where it is; else None.
        lazy: Whether some columns are made when a batch asks for them.
    """

    readers: Readers
    calls: Mapping[str, Code]
    columns: tuple[str, ...]
    groups: Piece | None
    window: int | None
    lazy: bool

    @property
    def reads_files(self) -> bool:
        """Whether they need a folder."""
        return any("(folder)" in call for call in self.calls.values())


def _reading(data: Data, binding: Binding, templates: jinja2.Environment) -> _Sources:
    table = binding.table
    tables: dict[str, Table] = table.tables if isinstance(table, JoinedTable) else {"train": table}
    sources: dict[str, Source] = {part: data.source if part == "train" else data.parts.source(part) for part in tables}
    columns = tuple(dict.fromkeys([*binding.columns, *asked(data)])) or tuple(table.columns)[:1]
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
    groups = Piece("row_groups(parquet.read_metadata(folder / {}))", data.source.path) if blocks else None
    window = max(1, WINDOW // Rows(table, binding.inputs, binding.row_outputs).raw_bytes)
    lazy = any(tables[part].streamed and bool(source.pictures) for part, source in sources.items())
    return _Sources(readers, calls, columns, groups, window if blocks else None, lazy)


def _loading(
    data: Data, binding: Binding, sources: _Sources, changed: Changes, weights: Weights | None, *, divided: bool
) -> Loading:
    return Loading(
        read=sources.calls["train"],
        others={part: call for part, call in sources.calls.items() if part != "train"},
        first=sources.columns[0],
        divided=divided,
        complete=complete_rows(binding),
        numbered=changed.numbered,
        groups=sources.groups if data.shuffle else None,
        more=Piece(
            "{}{}",
            part_values(binding) if weights is None else weights.value,
            Code(", [source[part] for source in others]" if binding.others else ""),
        ),
    )


def _fields(loading: Loading) -> list[Code]:
    """The fields of the class ``Part``."""
    fields = ["inputs: Arrays", "targets: Arrays"]
    fields += ["rows: np.ndarray"] if loading.numbered else []
    fields += ["groups: np.ndarray"] if loading.groups else []
    return [Code(field) for field in fields]


def _examples(inputs: list[BoundInput], binding: Binding, prepared: bool) -> dict[str, Any]:
    """What `examples.py.jinja` needs to know."""
    outputs = [bound_output(output, binding) for output in binding.row_outputs]
    return {
        "or_preparation": Code(" or its preparation" if prepared else ""),
        "inputs": {input_.name: input_.values for input_ in inputs},
        "outputs": {output.name: output.values for output in outputs},
    }


def _adapts(binding: Binding, data: Data) -> list[tuple[str, int, list[str]]]:
    """The layers that are fitted: an input's name, the place among its layers, and the inputs they are fitted on."""
    return [
        (input_.name, index, prepared_with(data, input_.name, binding.row_inputs))
        for input_ in binding.row_inputs
        for index, layer in enumerate(input_.prepare)
        if layer.adapts
    ]


def _preparing(
    label: str,
    inputs: Sequence[BoundInput],
    binding: Binding,
    saved: Sequence[str],
    layers: LayerWriter,
    templates: jinja2.Environment,
) -> Iterator[Code]:
    """The functions that prepare inputs, one that hides steps of them, and those of the model that is saved in it."""
    yield from hiding(binding, templates)
    if any(input_.layers for input_ in inputs):
        yield framed(templates, "data/preparation", **_preparation(inputs, binding, layers))
    if _saved_inputs(binding, saved):
        yield framed(templates, "data/with_preparation", **_saved(label, binding, saved))


def _saved_inputs(binding: Binding, saved: Sequence[str]) -> list[Input]:
    """The inputs of the model that is saved; none where it takes them as they are."""
    kept = [input_ for input_ in binding.model_inputs if input_.name in saved]
    return kept if any(input_.prepare or input_.cut for input_ in kept) else []


def _preparation(inputs: Sequence[BoundInput], binding: Binding, layers: LayerWriter) -> dict[str, Any]:
    """What `preparation.py.jinja` needs to know."""
    return {
        "prepare_parameters": layers.facts()["prepare_parameters"],
        "not_fitted": Code(", not yet fitted" if _adapts(binding, layers.data) else ""),
        "prepared": {input_.name: input_.layers for input_ in inputs if input_.layers},
    }


def _saved(label: str, binding: Binding, names: Sequence[str]) -> dict[str, Any]:
    """What `with_preparation.py.jinja` needs to know.

    Args:
        label: The spec's name, which the model has.
        names: Their names in its order, and those of what is drawn.
    """
    inputs = _saved_inputs(binding, names)
    drawn = {input_.name: drawn_input(input_) for input_ in binding.drawn if input_.name in names}
    all_saved = len(names) == len(binding.entering)
    made, whole_or_some = (
        binding.made is not None,
        Code("name, found in fitted.items()" if all_saved else "name in inputs"),
    )
    same = label in names  # a model holds no two layers of one name
    return {
        "raw": {input_.name: entering_input(input_.name, input_.raw) for input_ in inputs} | drawn,
        "found": Code("found" if all_saved or made else "fitted.get(name, [])"),
        "fitted": Piece("name, found in {}", saved_layers(inputs)) if made else whole_or_some,
        "brought": [*fitted_inputs(binding, inputs)],
        "raw_inputs": only_or_all("inputs", list(names), as_list=True),
        "inner": inner_name(label) if same else Code("model.name"),
        "call": only_or_all("values", list(names), as_list=True),
    }


def _reads_files(sources: _Sources, further: Sequence[Further]) -> bool:
    """Whether any source needs a folder."""
    return sources.reads_files or any("(folder)" in source.call for source in further)


def _load(
    loading: Loading,
    binding: Binding,
    sources: _Sources,
    further: Sequence[Further],
    layers: LayerWriter,
    prepared: bool,
) -> dict[str, Any]:
    """What `load.py.jinja` needs to know."""
    given, adapts = layers.facts(), _adapts(binding, layers.data)
    parameters = [*(["folder: Path"] if _reads_files(sources, further) else []), given["prepare_parameters"]]
    returns, and_layers, returned, lines = "dict[str, Part]", "", "parts", list[Piece]()
    if prepared:
        returns, returned = "tuple[dict[str, Part], dict[str, list[layers.Layer]]]", "parts, fitted"
        and_layers = ", and the layers that prepared them"
        lines = [
            *preparing(adapts, given["prepare_arguments"], lazy=sources.lazy, several=bool(further)),
            *ahead(binding),
        ]
    if adapts:
        and_layers = ", and the layers of preparation, fitted on the training part alone"
    return {
        "parameters": Code(", ".join(filter(None, parameters))),
        "returns": Code(returns),
        "and_layers": Code(and_layers),
        "read": loading.read,
        "tables": [*loading.tables(), *_others(further), *nothing_yet(binding)],
        "part": loading.part(),
        "prepared": [*lines, *occurring(binding)],
        "returned": Code(returned),
    }


def _others(further: Sequence[Further]) -> Iterator[Piece]:
    """The statement that reads further sources."""
    if further:
        yield Piece(f"others = [{', '.join('{}' for _ in further)}]", *(source.call for source in further))
