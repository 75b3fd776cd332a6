"""Constants, and derivatives of one tensor by another."""

from __future__ import annotations

from typing import Any

from dlspec.components.layers.base import Layer
from dlspec.components.registry import Field, example
from dlspec.core.errors import Problem
from dlspec.core.ir import Shape, Tensor, show_shape


def shape_of(value: Any) -> Shape | None:
    """The shape of nested lists of numbers; None where they have none."""
    if not isinstance(value, list):
        return ()
    inner = [shape_of(item) for item in value]
    if not inner or None in inner or len(set(inner)) > 1:
        return None
    return (len(value), *(inner[0] or ()))


def bare(value: Any) -> Any:
    """A value without what the loader attaches to lists: layers are saved with their constants."""
    return [bare(item) for item in value] if isinstance(value, list) else value


class Constant(Layer):
    """Gives a tensor that nothing changes, the same for each example.

    It takes nothing from the layers before it: without ``from``, the first input of the model tells how many examples
    there are.
    """

    keras = "dlspec.keras_layers.constant.Constant"
    shorthand = "value"
    arguments = ("inputs?",)
    takes_batch = True
    trainable: Any = True  # there is nothing to train
    value = Field[Any](
        {"type": ["number", "array"], "minItems": 1, "items": {"type": ["number", "array"], "items": {}}},
        doc="A number, or nested lists of one example.",
        convert=lambda value, _: bare(value),
    )
    examples = (example("0.5", (7,)), example("{value: [[1, 2], [3, 4.5]]}", (7,), dtype="int32"))

    def validate(self) -> None:
        """Checks that nested lists are of equal lengths."""
        if shape_of(self.value) is None:
            message = "`value` of constant is no tensor: its lists differ in length"
            raise Problem("E207", message, "give one number, or lists of equal length", "value")

    def infer(self, inputs: Tensor) -> Tensor:
        """The type of the constant; the input gives the batch alone."""
        return Tensor(shape_of(self.value) or (), self.compute_dtype)


class Gradient(Layer):
    """Gives the derivative of one tensor by another that it depends on, such as that of a score by an image.

    `of` is one number for each example, summed over the batch; what comes out has the shape of `by`, and gradients pass
    through it.
    """

    keras = "dlspec.keras_layers.gradient.Gradient"
    arguments = ("of", "by")
    derives = True
    only_in_training = True
    trainable: Any = True  # there is nothing to train
    dtype: Any = None
    examples = (example("", (), (4,)),)

    @classmethod
    def value_names_inputs(cls) -> bool:
        """True: `gradient: [score, image]` names the inputs."""
        return True

    def infer(self, of: Tensor, by: Tensor) -> Tensor:
        """The shape of `by`; that `of` depends on it is seen in the graph."""
        for tensor in (of, by):
            if not tensor.floating:
                message = f"gradient takes floating-point numbers, but the input has dtype {tensor.dtype}"
                raise Problem("E409", message, "convert it before `of` is computed: `ops.cast: float32`")
        if of.shape not in ((), (1,)):
            message = f"gradient is that of one number for each example, but `of` has shape {show_shape(of.shape)}"
            axes = ", ".join(str(axis + 1) for axis in range(of.rank))
            raise Problem("E402", message, f"sum it first: `ops.sum: {axes if of.rank == 1 else f'[{axes}]'}`")
        return Tensor(by.shape, by.dtype)

    def padding_counts(self, of: Tensor, by: Tensor) -> str:
        """Derivatives by padding are 0 where it does not count."""
        return ""

    def flops(self, output: Tensor, of: Tensor, by: Tensor) -> int:
        """Not counted: it is computed in training only, and depends on what lies between."""
        return 0
