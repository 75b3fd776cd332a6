"""Examples that a training made out of rows, or hid steps of, made again to measure its model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.components.sections.data import Data
from dlspec.core.errors import Diagnostic, SpecError
from dlspec.data.binding.binding import Binding, Opened, bind
from dlspec.data.binding.example_weights import weights_of
from dlspec.data.binding.findings import Findings
from dlspec.data.binding.sequences import prepared_with
from dlspec.data.binding.signature import Signature
from dlspec.data.binding.stating import by_spec
from dlspec.data.feeding import preparing
from dlspec.data.feeding.examples import InMemory
from dlspec.data.feeding.made import MadeExamples
from dlspec.data.feeding.masking import MaskedExamples, masked_outputs, occurring_indices
from dlspec.data.feeding.parts import Part
from dlspec.data.feeding.pipeline import rows_of
from dlspec.data.feeding.preparing import Layers
from dlspec.data.feeding.raw import RawInputs, open_table_of
from dlspec.data.order.splits import PARTS, choose
from dlspec.training.changed import changed_data
from dlspec.training.saved import SavedRun

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def made_examples(
    saved: SavedRun,
    wanted: Sequence[str],
    signature: Signature,
    path: Path | None = None,
    warn: Callable[[Diagnostic], object] | None = None,
) -> Iterator[tuple[str, RawInputs]]:
    """The examples of the run's own splits, or those made of other rows, prepared as they enter the model proper.

    What prepares them is fitted on the run's own training rows, as it was in training.

    Args:
        saved: The run.
        wanted: Names of its splits; those without examples are passed over.
        signature: What takes them.
        path: A file or folder of other rows, which are one part by themselves.
        warn: Called where the run's own rows are no longer those of the training.

    Raises:
        SpecError: The data are gone, changed, or do not fit.
    """
    binding = _bound(saved, saved.data, signature)
    if warn is not None:
        for warning in changed_data(saved, saved.data, binding):
            warn(warning)
    parts = choose(saved.data, binding.table, binding.count, binding.dropped())
    raw, _ = rows_of(binding).load(parts.train)
    alike = {input_.name: prepared_with(saved.data, input_.name, binding.inputs) for input_ in binding.inputs}
    layers = {
        input_.name: preparing.fit_alike(input_.prepare, [raw[name] for name in alike[input_.name]])
        for input_ in binding.inputs
    }
    masked = masked_outputs(binding.outputs)
    prepared = {output.input: preparing.apply(layers[output.input], raw[output.input]) for output, _ in masked}
    occurring = occurring_indices(Part(InMemory((prepared, {}))), masked) if masked else {}
    if path is not None:
        yield path.name, _examples(_other(saved, path, signature), layers, occurring)
        return
    for name, numbers in zip(PARTS, parts, strict=True):
        if name in wanted and len(numbers):
            yield name, _examples(binding, layers, occurring, numbers, name)


def _bound(saved: SavedRun, data: Data, signature: Signature, opened: Opened | None = None) -> Binding:
    findings = Findings()
    binding = bind(
        data, saved.folder, signature, saved.method, findings, allow_outside=saved.allow_outside, opened=opened
    )
    if binding is None or findings.errors:
        raise SpecError(findings.diagnostics({}))
    return binding


def _other(saved: SavedRun, path: Path, signature: Signature) -> Binding:
    """Other rows, bound as those of the training."""
    data = type(saved.data)(**{key: value for key, value in saved.data.given.items() if key != "split"})
    table = open_table_of(saved.training_of(signature), path, allow_outside=saved.allow_outside)
    return _bound(saved, data, signature, Opened(table, by_spec(data, signature)))


def _examples(
    binding: Binding,
    layers: Layers,
    occurring: Mapping[str, Array],
    numbers: Array | None = None,
    part: str = "test",
) -> RawInputs:
    import numpy as np

    dropped = binding.dropped()
    if numbers is None:
        numbers = np.arange(binding.count) if dropped is None else np.flatnonzero(~dropped)
    raw, targets = rows_of(binding).load(numbers)
    ranks = {input_.name: input_.tensor.rank for input_ in binding.inputs}
    rows = raw | {name: preparing.apply(layers[name], raw[name], rank) for name, rank in ranks.items()}
    made: Any = InMemory((rows, targets), numbers)
    if binding.made is not None:
        made = MadeExamples(binding, (rows, targets), numbers, part)
    if masked := masked_outputs(binding.outputs):
        made = MaskedExamples(made, masked, occurring, part).fixed()
    weights = weights_of(binding.weight, binding.table)
    own = None if weights is None else weights[made.numbers]
    inputs, compared = made.values
    return RawInputs(inputs, made.count, binding.table, binding.model_inputs, compared, 0, own, made.numbers)
