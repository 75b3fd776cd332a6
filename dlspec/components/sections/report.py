"""The section ``report``: what a run shows besides its measures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

from dlspec.components.layers.base import Layer
from dlspec.components.registry import example, integer, number, optional, options, plain, text
from dlspec.components.sections.base import Section
from dlspec.core.errors import Problem, did_you_mean
from dlspec.core.ir import Graph, Tensor, show_shape


class Tensors(NamedTuple):
    """Names of the tensors fed in training, and of those that the model returns.

    Attributes:
        inputs: Types of its inputs, by name.
        outputs: Types of its outputs, by name.
        drawn: Names of the inputs that are drawn.
        layers: What each layer gives, by its name.
        lookups: Layers with a row of numbers for each index, and how many rows.
        vocabularies: Names of the layers with a vocabulary.
    """

    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]
    drawn: frozenset[str]
    layers: Mapping[str, Tensor]
    lookups: Mapping[str, int]
    vocabularies: tuple[str, ...]


def tensors_of(graph: Graph) -> Tensors:
    """The tensors fed in training and those that the model returns, read from the training's graph."""
    nodes = [graph.nodes[index] for index in graph.inputs]
    return Tensors(
        {node.name: node.outputs[0] for node in nodes},
        {name: graph.tensor(edge) for name, edge in graph.outputs},
        frozenset(node.name for node in nodes if node.draw is not None),
        {node.name: node.outputs[0] for node in graph.nodes if node.layer is not None},
        dict(_lookups(graph)),
        tuple(node.name for node in graph.nodes if isinstance(node.layer, Layer) and "vocabulary" in node.layer.fields),
    )


def _lookups(graph: Graph) -> Iterator[tuple[str, int]]:
    for node in graph.nodes:
        if isinstance(node.layer, Layer) and node.layer.counts_by and node.weights:
            yield node.name, int(node.weights[0].shape[0])


class PictureSheets(Section):
    """How many pictures of outputs are kept, and how often while it trains."""

    count = integer(min=1, max=1024, default=64, doc="Pictures on the sheet of samples.")
    every = optional(
        integer(min=1), doc="Epochs from one small sheet to the next; as many as make twelve unless given."
    )
    examples = (example("{count: 100, every: 5}"),)

    def mistakes(self, tensors: Tensors) -> Iterator[Problem]:
        """Some output may be a picture (E530)."""
        if not any(tensor.rank in (2, 3) for tensor in tensors.outputs.values()):
            message = "no output of the model is a picture"
            yield Problem("E530", message, "pictures are [height, width] or [height, width, 1, 3 or 4]")


class Figure(Section, abstract=True):
    """Base of what is computed from an output when training is over.

    Class attributes:
        computer: Dotted path of the function that computes it: see :mod:`dlspec.training.figures`.
        least: How many numbers an example of the output has at least.
        looks_at_inputs: Whether it matters what enters the model.
    """

    shorthand = "of"
    computer: ClassVar[str] = ""
    least: ClassVar[int] = 2
    looks_at_inputs: ClassVar[bool] = False

    of: Any = text(doc="An output of the model.")
    by: Any = None

    @property
    def column(self) -> str | None:
        """The column of the data that it asks for."""
        return None if self.by is None else str(self.by)

    def mistakes(self, tensors: Tensors) -> Iterator[Problem]:
        """Mistakes: tensors of the section that the model does not return (E530)."""
        if self.of not in tensors.outputs:
            help = (
                did_you_mean(self.of, tensors.outputs) or f"name it in `outputs`, which are {listed(tensors.outputs)}"
            )
            yield Problem("E530", f"the model has no output `{self.of}`", help, "of")
            return
        tensor = tensors.outputs[self.of]
        if not tensor.floating or None in tensor.shape:
            message = f"`{self.of}` is {tensor}: it takes real numbers, as many in each example"
            yield Problem("E530", message, "name another output", "of")
        elif self.least > math.prod(int(size or 1) for size in tensor.shape):
            message = (
                f"`{self.of}` is {show_shape(tensor.shape)}: it takes {self.least} numbers or more of each example"
            )
            yield Problem("E530", message, "name another output", "of")

    def lacking(self, tensors: Tensors, texts: frozenset[str]) -> Iterator[Problem]:
        """What the data do not give (E530); `texts` are the inputs that texts enter."""
        yield from ()

    def unprepared(self, tensors: Tensors, prepared: Mapping[str, tuple[Any, ...]]) -> Iterator[Problem]:
        """What the preparation of inputs, layers by the name of the input, does not give (E530)."""
        yield from ()

    def unfit(self, method: Any) -> Iterator[Problem]:
        """What the way of training does not give (E530)."""
        yield from ()


def _by(doc: str) -> Any:
    """The option that names a column of classes."""
    return optional(text(), doc=doc)


class NearestNeighbours(Figure):
    """For examples of the test split, the training examples whose output has the least angle to theirs."""

    computer = "dlspec.training.figures.neighbours"
    by: Any = _by("A column of classes: how often neighbours are of the same one is measured then.")
    k = integer(min=1, max=100, default=5, doc="Neighbours of each example that are shown and measured.")
    examples = (example("code"), example("{of: code, by: label, k: 10}"))


class PlaneMap(Figure):
    """The output of each example of the test split as a dot: in the plane in which they differ most (PCA)."""

    computer = "dlspec.training.figures.plane"
    by: Any = _by("A column of classes, which colours the dots.")
    examples = (example("code"), example("{of: code, by: label}"))


class KMeansGroups(Figure):
    """Groups of training examples whose outputs are near each other (k-means), and those of the test split in them."""

    computer = "dlspec.training.figures.clusters"
    by: Any = _by("A column of classes, which the groups are compared with.")
    k = integer(min=2, max=1000, default=10, doc="How many groups.")
    examples = (example("{of: code, k: 10, by: label}"),)


class OutlierScore(Figure):
    """Examples whose output, such as the error of a reconstruction, is above that of most training examples."""

    computer = "dlspec.training.figures.outliers"
    least = 1
    by: Any = _by("A column that says which examples are outliers: 1 or true, unless `are` says otherwise.")
    are = optional(
        plain({"type": "array", "items": {"type": ["string", "number", "boolean"]}, "minItems": 1}),
        doc="Values of that column that outliers have.",
    )
    share = number(above=0, below=1, default=0.05, doc="Share of the training examples above the threshold.")
    examples = (example("score"), example("{of: score, by: digit, are: [9], share: 0.02}"))

    def validate(self) -> None:
        """`are` is about the column (E207)."""
        if self.are is not None and self.by is None:
            raise Problem("E207", "`are` has no effect without `by`", "name the column: `by: label`", "are")

    def mistakes(self, tensors: Tensors) -> Iterator[Problem]:
        """The output is one number (E530)."""
        before = list(super().mistakes(tensors))
        yield from before
        if not before and math.prod(int(size or 1) for size in tensors.outputs[self.of].shape) != 1:
            message = f"`{self.of}` is {show_shape(tensors.outputs[self.of].shape)}: a score is one number"
            yield Problem("E530", message, "sum or average it: `ops.mean: {axis: -1, name: score}`", "of")


class FrechetDistance(Figure):
    """How far drawn examples are from real ones: the Fréchet distance of features that another model sees in them."""

    computer = "dlspec.training.figures.frechet"
    shorthand = ""
    features = text(doc="Whose model sees features: the folder of a run, from the spec's folder.")
    layer = optional(text(), doc="Its layer whose output counts; what enters the last layer with weights unless given.")
    beside = optional(text(), doc="The input with the real examples; the one of the same shape unless given.")
    count = integer(min=2, max=100_000, default=500, doc="How many examples are drawn.")
    examples = (example("{of: fake, features: runs/digits/best, beside: image}"),)

    def real(self, tensors: Tensors) -> str | None:
        """The input that holds real examples; None where that is not clear."""
        fitting = [
            name for name, tensor in tensors.inputs.items()
            if name not in tensors.drawn and tensor.shape == tensors.outputs[self.of].shape
        ]  # fmt: skip
        if self.beside is not None:
            return self.beside if self.beside in fitting else None
        return fitting[0] if len(fitting) == 1 else None

    def mistakes(self, tensors: Tensors) -> Iterator[Problem]:
        """There are real examples of the same shape (E530)."""
        before = list(super().mistakes(tensors))
        yield from before
        if before or self.real(tensors) is not None:
            return
        shape = show_shape(tensors.outputs[self.of].shape)
        fitting = [name for name in tensors.inputs if name not in tensors.drawn]
        message = f"no input from the data, or more than one, has the shape {shape} of `{self.of}`"
        if self.beside is not None:
            message = f"`{self.beside}` is no input from the data of shape {shape}, as `{self.of}` has"
        yield Problem(
            "E530", message, f"inputs from the data: {listed(fitting) or 'none'}", "beside" if self.beside else "of"
        )


class GradientNorms(Figure):
    """The norm of the gradient of each layer's weights after each epoch, on the first training examples."""

    computer = "dlspec.training.gradients.figures_of"
    shorthand = "count"
    of: Any = None
    count = integer(min=1, default=64, doc="So many of the first training examples are looked at.")
    examples = (example("{count: 256}"),)

    def mistakes(self, tensors: Tensors) -> Iterator[Problem]:
        """Nothing of the model."""
        yield from ()

    def unfit(self, method: Any) -> Iterator[Problem]:
        """Training follows gradients, on one device (E530)."""
        if not method.follows_gradients:
            message = f"training by `{method.name}` follows no gradients"
            yield Problem("E530", message, "leave `gradients` out")
        elif method.distribute is not None:
            message = "gradients of layers are looked at on one device, and `distribute` shares the training"
            yield Problem("E530", message, "leave `gradients` or `distribute` out")


class Report(Section):
    """The section `report`: figures that a run's report shows besides its measures."""

    pictures: Any = options(
        "section", "picture_sheets", default=None, doc="Pictures of outputs: how many, and how often."
    )
    neighbours: Any = options(
        "section", "nearest_neighbours", default=None, doc="Nearest neighbours of examples by an output."
    )
    map: Any = options("section", "plane_map", default=None, doc="A map of an output with a dot for each example.")
    clusters: Any = options("section", "k_means_groups", default=None, doc="Groups of examples by an output.")
    outliers: Any = options("section", "outlier_score", default=None, doc="Unusual examples by an output.")
    frechet: Any = options(
        "section", "frechet_distance", default=None, doc="The distance between drawn and real examples."
    )
    saliency: Any = options(
        "section", "answer_saliency", default=None, doc="What answers follow from: pixels of pictures, words of texts."
    )
    words: Any = options(
        "section", "word_neighbours", default=None, doc="Nearest words by the vectors of an embedding, and analogies."
    )
    gradients: Any = options(
        "section", "gradient_norms", default=None, doc="Norms of the gradients of layers, after each epoch."
    )
    examples = (example("{neighbours: {of: code, by: label}, map: code}"),)

    def mistakes(self, tensors: Tensors) -> Iterator[tuple[str, Problem]]:
        """Mistakes: tensors that the model does not return, each with the option that names it."""
        for name in self.fields:
            section = getattr(self, name)
            if section is not None:
                yield from ((name, problem) for problem in section.mistakes(tensors))

    @property
    def figures(self) -> dict[str, Figure]:
        """The figures that are computed from outputs, by name."""
        sections = {name: getattr(self, name) for name in self.fields}
        return {name: section for name, section in sections.items() if isinstance(section, Figure)}


def listed(names: Any) -> str:
    """Names between backticks, with commas."""
    return ", ".join(f"`{name}`" for name in names)
