"""What a section `data` may ask for that generated projects do not support."""

from __future__ import annotations

from dlspec.components.sections.data import Data
from dlspec.data.binding.binding import Binding
from dlspec.export.project.further import check_sources
from dlspec.export.python.syntax import Unsupported


def check_data(data: Data, binding: Binding) -> None:
    """Refuses what stands in the way of a project as a whole.

    Raises:
        Unsupported: The section asks for it.
    """
    check_sources(binding)
    if data.weight_file is not None:
        raise Unsupported("`weight_file`, which multiplies the weights of examples in training")
    if binding.weight and any(output.mask is not None for output in binding.outputs):
        raise Unsupported("`weight` beside targets that are hidden steps of an input (`masked`)")
    lazy = data.source.pictures if binding.table.streamed else ()
    if any(input_.columns[0] in lazy and any(layer.adapts for layer in input_.prepare) for input_ in binding.inputs):
        raise Unsupported("layers that are fitted on images which do not fit into memory")
    for output in binding.row_outputs:
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
