"""What layers add to the loss, and what they measure over a batch: as declared, as Keras does it, and E519."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import keras
import numpy as np
import pytest
from both import LAYERS, call, component, of_example

from dlspec.components.layers.base import Layer, contained
from dlspec.components.registry import Component, Example
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor
from dlspec.passes.added_losses import in_other_numbers

EXAMPLES = [
    (owner, example)
    for owner in LAYERS
    for example in owner.examples
    if example.dtype != "string" and "/" not in example.value and not of_example(owner, example)[0].adapts
]
IDS = [f"{owner.registered_name} {example.value} {list(example.inputs)}" for owner, example in EXAMPLES]
# Keras's SimpleRNN forgets it.
PENALIZED = [
    owner for owner in LAYERS if "activity_regularizer" in owner.fields and owner.registered_name != "simple_rnn"
]
ADDING = [owner for owner in LAYERS if owner.examples and of_example(owner, owner.examples[0])[0].adds_loss]
PENALTY = {"l1_l2": {"l1": 0.1, "l2": 0.1}}
# Layers that hold another one, with a place for one that adds to the loss.
HOLDING = {
    "bidirectional": {"lstm": {"units": 3, "activity_regularizer": "l2"}},
    "spectral_normalization": {"dense": {"units": 3, "activity_regularizer": "l2"}},
}


# Unknown sizes, where 4 is too few.
UNKNOWN = {"mel_spectrogram": 300, "separable_conv2d": 8}


def numbers(x: Tensor, unknown: int = 4) -> Any:
    """Four examples: numbers between 0 and 1, 0 or 1 for whole ones, and bytes."""
    drawn = np.random.default_rng(0).uniform(0.05, 0.95, (4, *(size or unknown for size in x.shape)))
    whole = 255 * drawn if x.dtype == "uint8" else drawn > 0.5
    return (drawn if x.floating else whole).astype(x.dtype)


class Made:
    """A Keras layer that is called on batches as in training, always from the same state."""

    def __init__(self, layer: Any, inputs: list[Tensor]) -> None:
        keras.utils.set_random_seed(0)
        self.layer, self.keras = layer, layer.make()
        self.inputs = [numbers(x, UNKNOWN.get(layer.name, 4)) for x in inputs]
        self(self.inputs)
        self.state = [variable.numpy() for variable in self.keras.variables]

    def __call__(self, inputs: list[Any]) -> tuple[list[np.ndarray[Any, Any]], list[float]]:
        """Outputs and losses."""
        for variable, value in zip(self.keras.variables, getattr(self, "state", ()), strict=False):
            variable.assign(value)
        trained = functools.partial(self.keras, training=True) if self.keras._call_has_training_arg else self.keras
        outputs = keras.tree.flatten(call(self.layer, trained, inputs, []))
        return [np.asarray(one) for one in outputs], [float(loss) for loss in self.keras.losses]


def made(owner: type[Component], example: Example, **options: Any) -> Made:
    layer, inputs = of_example(owner, example)
    return Made(owner(**{**layer.given, **options}), inputs)


def adds(layer: Any) -> bool:
    """Whether the layer, or one inside of it, says that it adds to the loss."""
    return any(one.adds_loss for one in contained(layer))


# --- declarations ---------------------------------------------------------------------------------------------------


def halves(one: Made) -> list[tuple[list[np.ndarray[Any, Any]], list[float]]]:
    """The two halves of the batch, each by itself."""
    return [one([x[:2] for x in one.inputs]), one([x[2:] for x in one.inputs])]


def measures_over_batch(one: Made, outputs: list[np.ndarray[Any, Any]], losses: list[float]) -> bool:
    """Whether an example comes out otherwise in other company, or the loss is neither sum nor mean over examples."""
    (first, added), (second, other) = halves(one)
    for whole, *parts in zip(outputs, first, second, strict=True):
        if not np.allclose(whole, np.concatenate(parts), rtol=1e-4, atol=1e-5):
            return True
    both = [a + b for a, b in zip(added, other, strict=True)]
    return not any(np.allclose(losses, [share * value for value in both], rtol=1e-4) for share in (1, 0.5))


@pytest.mark.parametrize(("owner", "example"), EXAMPLES, ids=IDS)
def test_examples_add_and_measure_what_they_declare(owner: type[Component], example: Example) -> None:
    one = made(owner, example)
    outputs, losses = one(one.inputs)
    assert bool(losses) == adds(one.layer)
    if losses:
        assert losses != one([1 - x for x in one.inputs])[1], "it depends on the examples"
    drawn = any("seed_generator_state" in variable.path for variable in one.keras.variables)
    if not drawn and not owner.takes_batch:  # which has one output for all examples
        assert measures_over_batch(one, outputs, losses) == any(inner.over_batch for inner in contained(one.layer))


@pytest.mark.parametrize("owner", PENALIZED, ids=lambda owner: owner.registered_name)
def test_a_penalty_on_the_output_is_added(owner: type[Component]) -> None:
    one = made(owner, owner.examples[0], activity_regularizer=component("regularizer", PENALTY))
    assert one(one.inputs)[1] and adds(one.layer)


@pytest.mark.parametrize("name", HOLDING)
def test_so_is_that_of_a_layer_inside(name: str) -> None:
    owner = next(owner for owner in LAYERS if owner.registered_name == name)
    shape = (5, 4) if name == "bidirectional" else (4,)
    one = Made(owner(layer=component("layer", HOLDING[name])), [Tensor(shape, "float32")])
    assert one(one.inputs)[1] and adds(one.layer)


@pytest.mark.parametrize("name", ["time_distributed", "weight_normalization"])
def test_layers_that_would_lose_it_refuse_it(name: str) -> None:
    """Keras's `TimeDistributed` calls the layer's `call`, past what adds to the loss."""
    inner = {"dense": {"units": 3, "activity_regularizer": "l2"}}
    with pytest.raises(Problem, match=r"loses what `dense` adds to the loss|cannot pass on the `activity_regularizer`"):
        component("layer", {name: {"layer": inner}})
    if name == "time_distributed":
        lost: Any = keras.layers.TimeDistributed(keras.layers.Dense(3, activity_regularizer="l2"))
        lost(np.ones((2, 5, 4), "float32"))
        assert lost.losses == []


def test_so_does_one_that_forgets_it() -> None:
    with pytest.raises(Problem, match="Keras's SimpleRNN forgets its `activity_regularizer`"):
        component("layer", {"simple_rnn": {"units": 3, "activity_regularizer": "l2"}})
    forgotten = keras.layers.SimpleRNN(3, activity_regularizer="l2")
    forgotten(np.ones((2, 5, 4), "float32"))
    assert forgotten.losses == []


def test_most_layers_were_held_against_it() -> None:
    drawing = [owner for owner in LAYERS if "seed" in owner.fields]
    assert len(LAYERS) - len(drawing) > 80


def test_statistics_of_all_devices_are_no_ones_own() -> None:
    assert [component("layer", {"batch_normalization": {"synchronized": value}}).over_batch for value in (True, False)]


# --- numbers of the loss --------------------------------------------------------------------------------------------


def fails(layer: Any, inputs: list[Tensor], policy: str) -> bool:
    """Whether Keras cannot add the losses of a model that holds the layer to its own, as in a training step."""
    import tensorflow as tf

    keras.config.set_dtype_policy(policy)
    try:
        entering = [keras.Input(tuple(size or 4 for size in x.shape), dtype=x.dtype) for x in inputs]
        hidden = keras.tree.flatten(call(layer, layer.make(), entering, []))[0]
        answer = keras.layers.Dense(1, dtype="float32")(keras.layers.Flatten()(hidden))
        model = keras.Model(entering, answer)
        model.compile(loss="mse")
        x, y = [tf.constant(numbers(x)) for x in inputs], tf.zeros((4, 1))
        step = tf.function(lambda: model.compute_loss(x, y, model(x, training=True), training=True))
        try:
            step()
        except TypeError as error:
            assert "Cannot convert a list" in str(error)
            return True
        return False
    finally:
        keras.config.set_dtype_policy("float32")
        keras.backend.clear_session()


def said(layer: Layer, policy: str) -> bool:
    """Whether `check` says so."""
    return any(in_other_numbers(one, policy) is not None for one in contained(layer))


DTYPES = [("mixed_float16", None), ("mixed_bfloat16", None), ("mixed_float16", "float32"), ("float32", "float64")]
CASES = [
    *(
        pytest.param(owner, *DTYPES[0], marks=[] if number % 6 == 0 else pytest.mark.exhaustive)
        for number, owner in enumerate(PENALIZED)
    ),
    *((owner, policy, dtype) for owner in ADDING for policy, dtype in DTYPES),
]


@pytest.mark.parametrize(("owner", "policy", "dtype"), CASES)
def test_numbers_of_what_the_output_adds(owner: type[Component], policy: str, dtype: str | None) -> None:
    layer, inputs = of_example(owner, owner.examples[0])
    given = {"dtype": dtype} if dtype else {}
    if owner in PENALIZED:
        given["activity_regularizer"] = component("regularizer", "l2")
    typed = owner(**{**layer.given, **given})
    assert fails(typed, inputs, policy) == said(typed, policy)


DENSE: list[dict[str, Any]] = [
    {"kernel_regularizer": "l2"},
    {"bias_regularizer": "l1"},
    {"bias_regularizer": "l1", "use_bias": False},
    {"kernel_regularizer": "l2", "trainable": False},
    {"kernel_regularizer": "l2", "activity_regularizer": "l2"},
    {"activity_regularizer": "l2"},
    {"activity_regularizer": "l1", "trainable": False},
    {},
]
WEIGHTS = [
    *({"dense": {"units": 3, **options}} for options in DENSE),
    {"batch_normalization": {"gamma_regularizer": "l2"}},
    {"rnn": {"cell": {"lstm_cell": {"units": 3, "kernel_regularizer": "l2"}}}},
    {"bidirectional": {"layer": {"lstm": {"units": 3, "activity_regularizer": "l2"}}}},
    {"spectral_normalization": {"layer": {"dense": {"units": 3, "activity_regularizer": "l2"}}}},
]


@pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning")  # of Keras's own epsilon
@pytest.mark.parametrize(("dtype", "value"), [*itertools.product(["mixed_float16", "float16", "float64"], WEIGHTS)])
def test_numbers_of_what_weights_add(dtype: str, value: dict[str, Any]) -> None:
    name, options = next(iter(value.items()))
    inner = next((key for key in ("cell", "layer") if key in options), None)
    if inner is None:
        options = {**options, "dtype": dtype}
    layer = component("layer", {name: options})
    inputs = [Tensor((5, 4) if name in ("rnn", "bidirectional") else (4,), "float32")]
    policy = "mixed_float16" if inner is not None and dtype == "mixed_float16" else "float32"
    assert fails(layer, inputs, policy) == said(layer, policy)


def test_an_operation_adds_nothing_whatever_it_gives() -> None:
    """`dtype` of `ops.cast` is no policy of a layer."""
    assert in_other_numbers(component("layer", {"ops.cast": "int32"}), "mixed_float16") is None
