"""Layers that choose among many classes by decisions down a tree."""

from __future__ import annotations

from collections.abc import Iterable

from dlspec.components.layers.base import Layer, initializer
from dlspec.components.layers.ours import return_loss
from dlspec.components.registry import example, integer
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor, Weight, known, show_shape


class HierarchicalSoftmax(Layer):
    """Gives the probabilities of many classes, and learns by those on the way to the label alone.

    Source: Morin & Bengio 2005, "Hierarchical Probabilistic Neural Network Language Model". A class is a leaf of a
    complete binary tree whose inner nodes are logistic regressions of what enters; neighbouring numbers share most of
    their way. The loss −log p(label) and its gradients take log2(classes) nodes for each example, the probabilities of
    all classes, in use, all nodes.
    """

    keras = "dlspec.keras_layers.HierarchicalSoftmax"
    arguments = ("inputs", "label")
    shorthand = "classes"
    counts_by = "classes"
    counts_argument = 1
    gradient_by_rows = True
    classes = integer(min=2, doc="Number of classes; labels are whole numbers from 0 on.")
    return_loss = return_loss("loss −log p(label) of each example")
    kernel_initializer = initializer("glorot_uniform", "the kernel of the nodes")
    bias_initializer = initializer("zeros", "the biases of the nodes")
    examples = (
        example("5", (8,), ()),
        example("{classes: 8, return_loss: true}", (3,), (1,)),
    )

    @property
    def adds_loss(self) -> bool:
        """Unless it is given."""
        return not self.return_loss

    def infer(self, inputs: Tensor, label: Tensor) -> tuple[Tensor, ...] | Tensor:
        """[features] and a label [] or [1] → [classes]; the loss [] as well where it is asked for."""
        if inputs.rank != 1:
            message = f"{self.name} takes [features], not {show_shape(inputs.shape)}"
            raise Problem("E402", message, "put a `flatten` or a pooling layer before it")
        if not inputs.floating:
            message = f"{self.name} takes floats"
            raise Problem("E409", message, "cast them first: `ops.cast: float32`")
        if label.shape not in ((), (1,)):
            message = f"{self.name} takes one `label`, not {show_shape(label.shape)}"
            raise Problem("E402", message, "give it an input of shape [] or [1]")
        if label.dtype == "string":
            message = f"{self.name} takes no text"
            raise Problem("E409", message, "number the labels: `string_lookup` in `prepare` of that input")
        known(inputs, -1, self.name)
        probabilities = Tensor((self.classes,), self.compute_dtype)
        return (probabilities, Tensor((), "float32")) if self.return_loss else probabilities

    def weights(self, inputs: Tensor, label: Tensor) -> Iterable[Weight]:
        """A row of the kernel and a bias for each inner node: one fewer than classes."""
        yield Weight("kernel", (self.classes - 1, known(inputs, -1, self.name)))
        yield Weight("bias", (self.classes - 1,))

    def flops(self, output: Tensor, inputs: Tensor, label: Tensor) -> int:
        """A product, a bias and a sigmoid for each node; and a product of probabilities for each class."""
        size = known(inputs, -1, self.name)
        return int((self.classes - 1) * (2 * size + 2) + self.classes)
