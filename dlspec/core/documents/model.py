"""A model layer by layer: what ``dlspec show`` and ``dlspec build`` print, and ``model`` in ``report.json``."""

from __future__ import annotations

from typing import TypedDict

Shape = list[int | None]


class TensorFacts(TypedDict):
    """One tensor.

    Attributes:
        shape: Without the batch; null where a size is unknown.
        dtype: Its data type.
    """

    shape: Shape
    dtype: str


class Parameters(TypedDict):
    """Numbers of a model's scalars."""

    total: int
    trainable: int
    non_trainable: int


class BuiltLayer(TypedDict):
    """One layer as Keras built it.

    Attributes:
        name: Of the layer.
        layer: Its name in a spec.
        output_shape: Without the batch; a list of shapes where there are several outputs.
        parameters: Their number, 0 where they are those of another layer.
        shares: The layer whose weights it uses; null where they are its own.
    """

    name: str
    layer: str
    output_shape: Shape | list[Shape]
    parameters: int
    shares: str | None


class LayerFacts(BuiltLayer):
    """One layer.

    Attributes:
        dtype: Of its first output.
        masked: Whether that output carries a mask.
        trainable_parameters: Those that training changes.
        flops: Floating-point operations per example, one multiply-add being 2; null where a size is unknown.
        activation_bytes: Of its outputs, per example; null where a size is unknown.
        inputs: The layers whose outputs it takes.
        line: Of the spec; null where it stands in none.
    """

    dtype: str
    masked: bool
    trainable_parameters: int
    flops: int | None
    activation_bytes: int | None
    inputs: list[str]
    line: int | None


class BuiltModel(TypedDict):
    """The document of ``dlspec build``; every figure is read from Keras."""

    name: str
    parameters: Parameters
    layers: list[BuiltLayer]


class TrainingPart(TypedDict):
    """The part of a graph that only training needs.

    Attributes:
        parameters: In all that is trained, the saved model included.
        inputs: Those that the saved model does not take, by name.
        objectives: What is minimised or measured besides the outputs, by name.
        layers: In the order of the graph, inputs included.
    """

    parameters: Parameters
    inputs: dict[str, TensorFacts]
    objectives: dict[str, TensorFacts]
    layers: list[LayerFacts]


class AdapterFacts(TypedDict):
    """Adapters, which learn in place of the weights beside them; the saved model has none.

    Attributes:
        adapter: Its name in a spec.
        rank: Columns of the first matrix of each.
        beside: Names of the weights that have one.
        parameters: In all adapters.
        trainable: In all that training changes: adapters, and layers that learn as they are.
        total: In all that is trained, frozen or not, adapters included.
    """

    adapter: str
    rank: int
    beside: list[str]
    parameters: int
    trainable: int
    total: int


class _Model(TypedDict):
    """Facts of every model."""

    name: str
    parameters: Parameters
    flops: int | None
    activation_bytes: int | None
    inputs: dict[str, TensorFacts]
    outputs: dict[str, TensorFacts]
    layers: list[LayerFacts]


class Model(_Model, total=False):
    """The document of ``dlspec show``: the model that is saved.

    Attributes:
        name: Of the spec.
        flops: Floating-point operations per example, one multiply-add being 2; null where a size is unknown.
        activation_bytes: Of all outputs, per example; null where a size is unknown.
        inputs: By name.
        outputs: By name.
        layers: In the order of the graph, inputs included.
        training: What training needs besides, where it needs more.
        adapters: What learns in place of the weights, where `train` has some.
    """

    training: TrainingPart
    adapters: AdapterFacts
