"""Weights of examples, in ``data.py`` of a generated project: how much each counts in losses and in metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dlspec.components.methods.base import Method
from dlspec.components.sections.data import Data
from dlspec.core.pieces import Piece
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.targets import Output
from dlspec.export.project.bound import only_or_all
from dlspec.export.project.changes import Changes, equal_weights
from dlspec.export.python.syntax import Unsupported
from dlspec.export.python.templates import Code


@dataclass(frozen=True)
class Weights:
    """The weights of a batch, where examples count differently.

    Attributes:
        column: The column that holds them.
        turns: Whether learners take turns: these read weights by output, and by "" those of tensors without a target.
    """

    column: str
    turns: bool
    binding: Binding

    @classmethod
    def of(cls, data: Data, method: Method, binding: Binding) -> Weights | None:
        """Those that the section asks for; None where all examples count alike.

        Raises:
            Unsupported: They count in a training that projects cannot weigh.
        """
        if data.weight is None:
            return None
        turns = {bool(stage.turns) for stage in method.stages.values()}
        if len(turns) > 1:
            raise Unsupported("`weight` where some phases minimise tensors and others do not")
        return cls(data.weight, turns.pop(), binding)

    @property
    def field(self) -> Code:
        """The field of a part that holds them."""
        return Code("weights: np.ndarray")

    @property
    def value(self) -> Piece:
        """Its value, from the columns of the part."""
        return Piece(", table[{}].astype('float32')", self.column)

    def lines(self, changes: Changes | None) -> Iterator[Piece]:
        """Statements that give a batch its ``weights``: those in losses, and those in metrics.

        Args:
            changes: Those of training, where classes may weigh differently; None outside of training.
        """
        own = {weighting["name"]: weighting["batch"] for weighting in changes.weighted} if changes else {}
        names = [output.name for output in self.binding.outputs]
        yield Piece("own = self.part.weights[rows]")
        in_loss = {output.name: self._in_loss(output, own) for output in self.binding.outputs}
        if self.turns:
            yield Piece("weights = {}, dict.fromkeys({}, own)", in_loss, [*names, ""])
        elif len(names) == 1:
            yield Piece("weights = {}, own", in_loss[names[0]])
        else:
            yield Piece("weights = {}, dict.fromkeys({}, own)", in_loss, names)

    def _in_loss(self, output: Output, own: Mapping[str, Any]) -> Piece | Code:
        """Expression of the weights in the loss of one output, whose classes may weigh as well."""
        if output.name in own or output.name in self.binding.by_weight:
            return Piece("weighing(own, {})", own.get(output.name) or equal_weights(output, self.binding))
        axes = output.tensor.rank
        return Code(f"own.reshape(-1{', 1' * axes})") if axes else Code("own")

    def batch(self, inputs: Code) -> Piece:
        """Expression of a batch with them."""
        names = [output.name for output in self.binding.outputs]
        targets = only_or_all("targets", names) if names else Code("{}")
        return Piece("{}, {}, weights", inputs, targets)
