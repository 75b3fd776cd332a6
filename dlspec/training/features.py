"""The model of another run as one that sees features in examples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.backends.keras.internals import origin_of
from dlspec.backends.keras.structure import like_inputs, outputs_by_name
from dlspec.components.sections.data import Data
from dlspec.components.sections.report import FrechetDistance, Tensors, tensors_of
from dlspec.core.errors import Problem, did_you_mean
from dlspec.core.ir import show_shape
from dlspec.data.binding.tasks import CHOICE, Task, probabilities
from dlspec.data.sources.paths import locate
from dlspec.graph.lower import prune
from dlspec.training.evaluate import scores_of
from dlspec.training.loop.wholes import core_of
from dlspec.training.saved import SavedRun, open_run
from dlspec.views.pages.comparing import as_array
from dlspec.views.pages.index import MODEL_FILE, Run

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_SIZE = 500


@dataclass
class Seer:
    """A trained model that gives features of examples, and the classes that it takes them for.

    Attributes:
        model: Gives features, and what its output gives.
        layer: Whose output the features are.
        task: What its output tells, where that is a class.
    """

    model: Any
    layer: str
    task: Task | None

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes that it tells."""
        return self.task.names if self.task is not None else ()

    def see(self, examples: Array) -> tuple[Array, Array | None]:
        """Features of examples, [examples, numbers], and the probabilities of its classes."""
        import numpy as np

        (name,) = (tensor.name for tensor in self.model.inputs)
        parts = [
            self.model(like_inputs(self.model, {name: examples[start : start + _SIZE]}), training=False)
            for start in range(0, len(examples), _SIZE)
        ]
        features = np.concatenate([as_array(part["features"]) for part in parts])
        answers = None
        if self.task is not None:
            answers = probabilities(self.task, np.concatenate([as_array(part["answers"]) for part in parts]))
        return features.reshape(len(features), -1), answers


def features_run(
    figure: FrechetDistance, tensors: Tensors, data: Data, folder: Path, *, allow_outside: bool
) -> SavedRun:
    """The run that a figure names; its model is not loaded yet.

    Args:
        figure: The figure.
        tensors: What the model of this run takes and gives.
        data: The section of the spec.
        folder: Where paths of the spec start.
        allow_outside: Whether they may leave it.

    Raises:
        Problem: E108, E601, E522: there is no such run with a model; E530: it sees other examples than these.
    """
    path = locate(figure.features, folder, allow_outside=allow_outside, want="folder", option="features")
    if not (path / MODEL_FILE).is_file():
        message = f"`{figure.features}` holds no `{MODEL_FILE}`"
        raise Problem("E522", message, "name the folder of a run: `runs/NAME/ID`", "features")
    saved = open_run(Run(path), allow_outside=allow_outside)
    graph = prune.saved_part(saved.trained)
    entering, shape = tensors_of(graph).inputs, tensors.outputs[figure.of].shape
    if [tensor.shape for tensor in entering.values()] != [shape]:
        takes = ", ".join(f"`{name}` {show_shape(tensor.shape)}" for name, tensor in entering.items())
        message = f"the model of `{figure.features}` takes {takes}, and `{figure.of}` is {show_shape(shape)}"
        raise Problem("E530", message, "name a run whose model takes one input of that shape", "features")
    names = [node.name for node in graph.nodes if node.layer is not None]
    if figure.layer is not None and figure.layer not in names:
        message = f"the model of `{figure.features}` has no layer `{figure.layer}`"
        raise Problem("E530", message, did_you_mean(figure.layer, names, guess=True), "layer")
    _check_preparation(figure, saved.data, next(iter(entering)), data, str(figure.real(tensors)))
    return saved


def _check_preparation(figure: FrechetDistance, theirs: Data, name: str, ours: Data, beside: str) -> None:
    """Both models take examples that were prepared alike: what is drawn is to be like these."""
    first, second = _preparation(theirs, name), _preparation(ours, beside)
    if first != second:
        message = f"the model of `{figure.features}` prepares `{name}` by {first}, and this one `{beside}` by {second}"
        raise Problem("E530", message, "write the same `prepare` in both specs", "features")


def _preparation(data: Data, name: str) -> str:
    layers = data.features[name].prepare if name in data.features else ()
    return ", ".join(f"`{layer.name}: {layer.describe()}`" for layer in layers) or "nothing"


def seer_of(figure: FrechetDistance, saved: SavedRun) -> Seer:
    """The model of a run, loaded."""
    import keras

    core = core_of(saved.model)
    if figure.layer is not None:
        layer, tensor = figure.layer, core.get_layer(figure.layer).output
    else:
        tensor = next(layer for layer in reversed(core.layers) if layer.weights).input
        layer = origin_of(tensor).operation.name
    task = next((score.task for score in scores_of(saved).values() if score.task.kind == CHOICE), None)
    given = {"features": tensor}
    if task is not None:
        given["answers"] = outputs_by_name(core.output, saved.outputs)[task.name]
    return Seer(keras.Model(core.input, given), layer, task)
