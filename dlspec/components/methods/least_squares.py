"""Least squares in closed form: the last layer of a graph is solved for, all else stays as it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from dlspec.components.layers.base import ACTIVATION, Layer
from dlspec.components.methods.base import CHECKPOINT, SEED, Method, Mistake, Path
from dlspec.components.methods.supervised import Supervised
from dlspec.components.methods.supervised_checks import unknown_outputs
from dlspec.components.registry import example
from dlspec.components.sections.matching import layer_names
from dlspec.components.training.losses import MeanSquaredError
from dlspec.core.errors import Problem, did_you_mean
from dlspec.core.ir import Graph, Node

# Options of the layer that would ask for other weights than the solution.
_RULES = ("kernel_regularizer", "bias_regularizer", "activity_regularizer", "kernel_constraint", "bias_constraint")


class LeastSquares(Method):
    """Solves for the weights of the last layer in one pass: see the solver of the same name."""

    trainer = "dlspec.training.least_squares.LeastSquaresTrainer"
    weighs_examples = True
    prepares_targets = True
    threshold: ClassVar[Any] = None

    loss = Supervised.fields["loss"]
    metrics = Supervised.fields["metrics"]
    start_from = Supervised.fields["start_from"]
    baselines = Supervised.fields["baselines"]
    seed = SEED
    checkpoint = CHECKPOINT
    examples = (example("{metrics: [mae]}"),)

    @classmethod
    def missing(cls, written: Mapping[str, Any]) -> list[str]:
        """Nothing: squared errors are what is minimised."""
        return []

    def loss_of(self, output: str) -> Any:
        """Squared errors, whether or not they are written."""
        chosen: Any = self.loss.get(output) if isinstance(self.loss, dict) else self.loss
        return chosen or MeanSquaredError()

    def chosen_metrics(self, output: str) -> Iterable[Any]:
        """The metrics of one output as they are written."""
        chosen: Any = self.metrics.get(output, ()) if isinstance(self.metrics, dict) else self.metrics or ()
        return chosen if isinstance(chosen, list | tuple) else (chosen,)

    def mistakes(self, graph: Graph, shared: Mapping[str, Graph]) -> Iterator[Mistake]:
        """Only a linear layer that gives the output can be solved for (E207, E515), under squared errors."""
        names = [name for name, _ in graph.outputs]
        yield from unknown_outputs(self, names)
        path: Path = ("train", "method", self.name)
        if len(names) != 1:
            message = f"`{self.name}` solves for one output, and the model has {len(names)}"
            yield Mistake(Problem("E207", message, "leave one in `outputs`"), path[:2])
            return
        if type(self.loss_of(names[0])) is not MeanSquaredError:
            message = f"`{self.name}` minimises squared errors, and no `{self.loss_of(names[0]).name}`"
            yield Mistake(Problem("E207", message, "write `loss: mse`"), self.path_of("loss", names[0]))
            return
        node, known = graph.nodes[graph.outputs[0][1].node], layer_names(graph)
        trains = self.solver.trains
        if trains is not None and trains not in known:
            message = f"`trains` names `{trains}`, which is no layer"
            yield Mistake(Problem("E515", message, did_you_mean(trains, list(known))), (*path, "trains"))
        elif trains is not None and known[trains] != node.owner:
            message = f"`{self.name}` cannot train `{trains}`: another layer, `{node.name}`, gives the output"
            yield Mistake(Problem("E207", message, f"write `trains: {node.name}`, or leave it out"), (*path, "trains"))
        elif problem := _unsolvable(node, names[0], known):
            reason, help = problem
            message = f"`{self.name}` cannot solve for `{node.name}`: {reason}"
            yield Mistake(Problem("E207", message, help), path[:2])


def _unsolvable(node: Node, output: str, names: Mapping[str, str]) -> tuple[str, str] | None:
    """Why there is no closed form for the layer that gives an output, and what helps; None where there is one."""
    layer, (tensor, *_) = node.layer, node.outputs
    ending = "end the model in a `dense`, as `dense: {units: 1, name: readout}`"
    if not isinstance(layer, Layer) or not layer.affine:
        return "it is no `dense`", ending
    activation = layer.given.get(ACTIVATION)
    if activation is not None and not activation.identity:
        return "it has an activation", "leave `activation` out of the layer"
    if rules := [name for name in _RULES if layer.given.get(name) is not None]:
        help = f"leave `{rules[0]}` out of the layer: `method: {{least_squares: {{l2: 1}}}}` keeps its weights small"
        return f"it has `{rules[0]}`", help
    if tensor.rank != 1 or tensor.masked:
        return f"it gives {tensor}, and not one row of numbers for each example", "put `flatten` before it"
    if not layer.trainable:
        return "it is not `trainable`", "leave `trainable: false` out of the layer"
    if node.shared is not None or names.get(output) != node.owner:
        return f"the output `{output}` is no layer that is called once", ending
    return None
