"""The base of layers: options, inputs, and rules of shapes, weights, costs and masks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from dlspec.components.registry import Component, Field, aiding, boolean, choice, component, integer, number, optional
from dlspec.core.errors import Problem
from dlspec.core.ir import Graph, Node, Tensor, Weight

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

ACTIVATION = "activation"
# dtype policies that Keras takes by name: (dtype of the computation, dtype of the variables)
POLICIES = {
    **{name: (name, name) for name in ("float16", "bfloat16", "float32", "float64")},
    "mixed_float16": ("float16", "float32"),
    "mixed_bfloat16": ("bfloat16", "float32"),
}

Outputs = Tensor | tuple[Tensor, ...]
Stepwise = Literal["", "elements", "features", "positions", "states", "attention", "window"]


class Layer(Component, abstract=True):
    """Base of all layers.

    A subclass gives the rules below. They are called with the tensors that enter the layer, as Keras's ``call`` is: one
    argument each, in the order of `arguments`; a layer that `takes_list` gets one list.

    Class attributes:
        arguments: Names of the call's tensor arguments; a trailing ``?`` marks one that may be missing.
        list_arguments: Those of them that may be a list of tensors.
        positional: How many of them Keras takes without their names; 0 for all.
        takes_list: The layer is called with one list of tensors (merge layers, attention).
        listed: For `takes_list`: what its tensors are, in their order, where they differ in that.
        minimum_inputs: For `takes_list`: how many tensors at least.
        maximum_inputs: For `takes_list`: how many tensors at most, 0 for any number.
        commutes: Whether two tensors may change places, and nothing changes.
        one_list: Keras takes the tensors of `arguments` in one list.
        compares: The loss that a step computes; None for any other layer.
        derives: It derives its first tensor by its second.
        only_in_training: What it gives has no meaning for one example, or no saved model can hold it.
        takes_batch: Only the number of examples matters; without ``from``, the model's first input tells it.
        call_options: Options that Keras takes at the call rather than in the constructor.
        normalizes: Whether the size of what enters does not show in what comes out.
        keeps_range: Whether the values that come out span what those that enter do.
        gradient_by_rows: Training gives the gradient of a weight as single rows, one for each use in the batch.
        stops_gradients: No gradient passes back through it, or only 0, though the output has real numbers.
        augments: Training changes single examples with it at random as the data's seed decides: `augment` takes it.
        augments_not: Why `augment` does not take a random change, as a help says it; "" for any other layer.
        scalable: Whether its weights times a number are what enters its activation times that number.
        prepares: The same happens in training and use, and nothing is learnt by gradients, as `prepare` of `data` asks.
        undoable: Numbers that entered follow from what comes out, as `prepare` of a target asks; see :meth:`measured`.
        moves: In use, the values that come out are those that enter, in another order or shape at most.
        applies: Name of the activation that it is, or whose answers it gives, where losses ask for it.
        ordered: It takes the classes to be in an order.
        is_activation: It applies a function of activation, and no more than that unless it has weights.
        reads: Whether texts that enter must be readable, as :meth:`unreadable` tells.
        categories: Each text or number that enters is one of several categories.
        unit_kernel: It has a kernel whose last axis is the output's units.
        affine: Whether its activation takes x·kernel + bias, or without the bias where it has none.
        weighs_measures: What it measures on the data stands among its weights.
        holds_layers: It makes layers of its own, which no option names.
        splits_texts: It gives a row of indices for each text: 0 fills it up, 1 is for unknown words.
        pieces: What its indices are of a text: ``words``, ``characters`` or ``subwords``.
        extra: The package that it needs beside those of dlspec, and the extra of dlspec that brings it; () for none.
        whole_numbers: Whether numbers that enter are names of things: they must not be rounded on the way.
        counts_by: The option that says how many indices it takes, from 0 on; "" where it takes others than indices.
        counts_argument: The place among `arguments` of the indices that `counts_by` counts.
        formats_lacking: Formats of ``dlspec export`` that have no operations for it; see :meth:`lacking_in`.
        masking: What becomes of a mask: ``pass`` it on, or ``drop`` it (with a warning, as Keras does).
        unmasks: Names of call arguments whose tensors Keras takes the mask from, for whatever else reads them too.
        stepwise: How a step of the output follows from the steps so far; see :meth:`stepwise_for`.

    The last ones are options of some layers, with what holds for the others:
        activity_regularizer: A penalty on the output; None for none.
        use_bias: Whether its sums have a bias, if it has any.
        seed: Of the random numbers; None for another one each time.
        value_range: Least and largest value of images; None where it does not matter.
        synchronized: Whether devices measure together, over the examples of all of them.
        unroll: Whether it writes out steps instead of looping over them.
        return_sequences: Whether the output has all steps.
        vocabulary: The words or values that it knows; None where it learns them, or knows none.
        vectors: The file with the vectors of words that its rows begin with, as ``{"file": path}``; None for none.
        kernel_constraint: What holds for its kernels after each update; None for nothing.
        embeddings_constraint: Of its vectors likewise.
    """

    kind = "layer"
    arguments: tuple[str, ...] = ("inputs",)
    list_arguments: ClassVar[tuple[str, ...]] = ()
    positional: ClassVar[int] = 0
    takes_list: ClassVar[bool] = False
    listed: ClassVar[tuple[str, ...]] = ()
    minimum_inputs: ClassVar[int] = 2
    maximum_inputs: ClassVar[int] = 0
    commutes: ClassVar[bool] = False
    one_list: ClassVar[bool] = False
    compares: Any = None
    derives: ClassVar[bool] = False
    only_in_training: Any = False
    takes_batch: ClassVar[bool] = False
    call_options: ClassVar[tuple[str, ...]] = ()
    normalizes: ClassVar[bool] = False
    keeps_range: ClassVar[bool] = False
    gradient_by_rows: ClassVar[bool] = False
    stops_gradients: ClassVar[bool] = False
    augments: ClassVar[bool] = False
    augments_not: ClassVar[str] = ""
    scalable: ClassVar[bool] = False
    prepares: ClassVar[bool] = False
    undoable: ClassVar[bool] = False
    moves: ClassVar[bool] = False
    applies: ClassVar[str] = ""
    ordered: ClassVar[bool] = False
    is_activation: ClassVar[bool] = False
    reads: ClassVar[bool] = False
    categories: ClassVar[bool] = False
    unit_kernel: ClassVar[bool] = False
    affine: ClassVar[bool] = False
    weighs_measures: ClassVar[bool] = False
    holds_layers: ClassVar[bool] = False
    splits_texts: Any = False
    pieces: Any = "words"
    extra: ClassVar[tuple[str, ...]] = ()
    whole_numbers: ClassVar[bool] = False
    counts_by: ClassVar[str] = ""
    counts_argument: ClassVar[int] = 0
    formats_lacking: ClassVar[tuple[str, ...]] = ()
    masking: ClassVar[Literal["pass", "drop"]] = "drop"
    unmasks: ClassVar[tuple[str, ...]] = ()
    stepwise: ClassVar[Stepwise] = ""

    activity_regularizer: Any = None
    use_bias: Any = True
    vectors: Any = None
    kernel_constraint: Any = None
    embeddings_constraint: Any = None
    seed: Any = None
    value_range: Any = None
    synchronized: Any = False
    unroll: Any = True
    return_sequences: Any = True
    vocabulary: Any = None

    trainable = boolean(default=True, doc="Whether training changes the layer's weights.")
    dtype = optional(
        Field[str]({"enum": sorted(POLICIES)}, default=None),
        doc="Data type (policy) of the layer's computation and weights.",
    )

    @property
    def index_limit(self) -> int:
        """Number of indices that the layer accepts, counted from 0; 0 where it takes other values than indices."""
        return int(getattr(self, self.counts_by)) if self.counts_by else 0

    def unreadable(self, texts: Sequence[str]) -> tuple[int, str, str] | None:
        """The first of some texts that the layer cannot read, as its place, what is wrong, and what helps."""
        return None

    @property
    def adaptable(self) -> tuple[str, ...]:
        """Names of the weights beside which adapters may learn, as :meth:`weights` has them."""
        return ()

    @property
    def compute_dtype(self) -> str:
        """Data type of the computation: floating-point inputs are cast to it, and most outputs have it."""
        return POLICIES[self.dtype or "float32"][0]

    @property
    def variable_dtype(self) -> str:
        """Data type of the layer's weights."""
        return POLICIES[self.dtype or "float32"][1]

    @classmethod
    def value_names_inputs(cls) -> bool:
        """Whether a list (or a name) after ``name:`` stands for what enters; never where options are needed."""
        return cls.takes_list and not cls._required

    def keras_arguments(self) -> dict[str, Any]:
        """Constructor arguments; see :meth:`call_arguments` for the others."""
        given = super().keras_arguments()
        return {name: value for name, value in given.items() if name not in self.call_options}

    def call_arguments(self) -> dict[str, Any]:
        """Options that go to the call, as plain values."""
        return {name: self.given[name] for name in self.call_options if name in self.given}

    @property
    def keeps_steps_with(self) -> str:
        """The option that would keep the axis of steps in the output; "" where it is kept, or there is none."""
        return "" if self.return_sequences else "return_sequences: true"

    def last_step_alone(self) -> Layer | None:
        """The layer with the last step in place of all of them; None where it gives no steps."""
        if not self.given.get("return_sequences") or self.given.get("return_state"):
            return None
        return type(self)(**{**self.given, "return_sequences": False})

    @property
    def adapts(self) -> bool:
        """Whether the layer measures the training data before it can be used."""
        return False

    @property
    def above(self) -> float | None:
        """Lower bound (exclusive) of the numbers that may enter; None where there is no bound."""
        return None

    @property
    def falls(self) -> bool:
        """Whether larger numbers become smaller ones."""
        return False

    def check_undoable(self) -> None:
        """Raises E207 where the options of an `undoable` layer leave nothing to undo."""
        if self.dtype is not None:
            message = f"`dtype` of `{self.name}` has no effect on a target: it is prepared in float32"
            raise Problem("E207", message, "leave `dtype` out", option="prepare")

    def measured(self, values: Array) -> Array | None:
        """About what an `undoable` layer gives for all numbers of a column; None where that takes long to compute."""
        return None

    @property
    def over_batch(self) -> bool:
        """Whether training measures something over the examples of a batch that one device computes."""
        return False

    def lacking_in(self, *inputs: Any) -> tuple[str, ...]:
        """Formats of ``dlspec export`` that have no operations for the layer with these options and inputs."""
        return self.formats_lacking

    @property
    def adds_loss(self) -> bool:
        """Whether the layer adds something to the loss that depends on the examples."""
        return self.activity_regularizer is not None

    def averaged_before(self, *inputs: Any) -> Tensor | None:
        """The tensor that a loss has averaged before the step sums its values to a single one; None where none is."""
        return None

    def stepwise_for(self, *inputs: Any, **named: Any) -> Stepwise:
        """How a step of the output follows from the steps so far, where the first axis of what enters has the steps.

        Args:
            inputs: Types of what enters, as :meth:`infer` takes them.
            named: The same by name.

        Returns:
            ``elements``: each element from those in its place; ``features``: each step from the same one, of two axes
            or more; ``positions``: as that, with something added that depends on its number; ``states``: from the
            same one and states that a cell carries along; ``attention``: from all steps so far; ``window``: from as
            many of the last ones as its window spans; ``""``: not as any of these.
        """
        return self.stepwise

    def infer(self, *inputs: Any, **named: Any) -> Outputs:
        """Type of the output, or of each output.

        The mask is the caller's affair (see :meth:`mask`).

        Raises:
            Problem: The inputs do not fit (E402 shape, E408 unknown size, E409 dtype, E410 empty output).
        """
        raise NotImplementedError

    def weights(self, *inputs: Any, **named: Any) -> Iterable[Weight]:
        """Variables that the layer makes for these inputs, in Keras's order (trainable ones first)."""
        return ()

    def flops(self, output: Tensor, *inputs: Any, **named: Any) -> int:
        """Floating-point operations of one forward call per example; one multiply-add is 2.

        Raises:
            UnknownSize: An axis that counts is unknown (the tensors' ``size`` raises it).
        """
        return 0

    def mask(self, *inputs: Any, **named: Any) -> bool:
        """Whether the (first) output carries a mask."""
        first = inputs[0]
        if isinstance(first, list | tuple):
            return self.masking == "pass" and any(tensor.masked for tensor in first)
        return self.masking == "pass" and bool(first.masked)

    def padding_counts(self, *inputs: Any, **named: Any) -> str:
        """How an entering mask is lost or ignored, as text that follows "the mask of `x`"; "" where the layer uses it.

        By default a mask ends in layers that do not pass it on.
        """
        if self.masking == "pass" or self.mask(*inputs, **named):
            return ""
        return f"ends here: {self.name} does not support masks"

    def without_padding(self) -> str:
        """Advice, as part of a help, on what to use so that padding does not count; "" where there is none."""
        return ""


def activation(default: str = "", doc: str = "Activation function applied to the output.") -> Field[Any]:
    """The ``activation`` option."""
    field = component(ACTIVATION, default=default or None, doc=doc)
    field.nullable = True  # Keras's None: no activation, whatever the default is
    return field


def initializer(default: str, what: str) -> Field[Any]:
    """An initializer option, e.g. ``initializer("glorot_uniform", "the kernel")``."""
    return component("initializer", default=default, doc=f"Initializer of {what}.")


def regularizer(what: str) -> Field[Any]:
    """A regularizer option; none unless given."""
    return optional(component("regularizer"), doc=f"Regularizer of {what}.")


def constraint(what: str) -> Field[Any]:
    """A constraint option; none unless given."""
    return optional(component("constraint"), doc=f"Constraint on {what} after each update.")


def drop_rate(what: str) -> Field[Any]:
    """The option of a share that training drops, e.g. ``drop_rate("the input")``; none unless given."""
    field = number(min=0, max=1, default=0.0, doc=f"Share of {what} to drop in training.")
    return aiding(field, "regularizer")


def data_format() -> Field[Any]:
    """The ``data_format`` option."""
    return optional(choice("channels_last", "channels_first"), doc="Order of the axes; Keras's setting unless given.")


def seed() -> Field[int | None]:
    """The ``seed`` option."""
    return optional(integer(min=0, max=2**32 - 1), doc="Seed of the random numbers; a random one unless given.")


def activation_flops(function: Any, output: Tensor) -> int:
    """One operation per element for an activation other than linear: the convention of docs/flops.md.

    Args:
        function: The activation as given, the name of a default, or None for no activation.
    """
    unchanged = function is None or (not isinstance(function, str) and function.identity)
    return 0 if unchanged else output.size


def inner_weights(layer: Layer, prefix: str, *inputs: Any) -> list[Weight]:
    """Variables of a layer inside another one, with its own ``trainable`` and ``dtype``, their names after `prefix`."""
    dtype = POLICIES[layer.dtype or "float32"][1]
    return [
        replace(
            weight,
            name=prefix + weight.name,
            dtype=dtype if "float" in weight.dtype else weight.dtype,
            trainable=weight.trainable and layer.trainable,
        )
        for weight in layer.weights(*inputs)
    ]


def layers_of(*graphs: Graph) -> Iterator[tuple[Node, Layer, bool]]:
    """Every layer that learns or runs in training, with its node, and whether it stands inside another layer."""
    for graph in graphs:
        for node in graph.nodes:
            if isinstance(node.layer, Layer) and node.shared is None:
                yield from ((node, layer, layer is not node.layer) for layer in contained(node.layer))


def contained(value: Any) -> Iterator[Layer]:
    """The layers in an option, or in a tuple of them; a layer itself comes first."""
    if isinstance(value, tuple):
        for item in value:
            yield from contained(item)
    elif isinstance(value, Component):
        if isinstance(value, Layer):
            yield value
        for item in value.given.values():
            yield from contained(item)
