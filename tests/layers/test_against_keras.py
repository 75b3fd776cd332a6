"""Every declared layer against the Keras layer that it stands for."""

from __future__ import annotations

import inspect
import warnings
from dataclasses import replace
from typing import Any

import keras
import pytest
from both import CATALOGUE, LAYERS, call, in_keras, instance, of_example, static, zeros

from dlspec.components.layers.base import Layer
from dlspec.components.registry import MISSING, Component, Example, load_attribute
from dlspec.core.ir import Tensor

EXAMPLES = [(owner, example) for owner in LAYERS for example in owner.examples]
IDS = [f"{owner.registered_name} {example.value} {list(example.inputs)}" for owner, example in EXAMPLES]
CELLS = [owner for (kind, _), owner in CATALOGUE.items() if kind == "cell"]

# Options of Keras that are left out on purpose, and why.
LEFT_OUT = {
    "lora_rank": "fine-tuning of a trained model, not part of a model's description",
    "lora_alpha": "goes with lora_rank",
    "quantization_config": "quantization happens after training",
    "gptq_unpacked_column_size": "quantization happens after training",
    "sparse": "the graph knows dense tensors only",
    "ragged": "the graph knows dense tensors only",
    "weights": "arrays cannot stand in a spec",
}
# Options that have a default in Keras but are refused without a value there as well.
REQUIRED = {("category_encoding", "num_tokens")}
# Where the order of the options differs from Keras's.
OTHER_ORDER = {"conv3d_transpose": "Keras puts data_format before output_padding in this one, after it in 1D and 2D"}


def test_there_are_layers() -> None:
    assert len(LAYERS) >= 80


@pytest.mark.parametrize(("owner", "example"), EXAMPLES, ids=IDS)
def test_example(owner: type[Component], example: Example) -> None:
    layer, inputs = of_example(owner, example)
    assert static(layer, inputs) == in_keras(layer, inputs)


@pytest.mark.parametrize("owner", LAYERS, ids=lambda owner: owner.registered_name)
def test_has_examples_and_documentation(owner: type[Component]) -> None:
    assert owner.examples
    assert owner.__doc__ and owner.__doc__.strip().endswith(".")
    for name, field in owner.fields.items():
        assert field.doc, name


@pytest.mark.parametrize(("owner", "example"), EXAMPLES, ids=IDS)
def test_mask(owner: type[Component], example: Example) -> None:
    layer, inputs = of_example(owner, example)
    refused = owner.registered_name in ("softmax", "time_distributed") or (
        layer.name.startswith("conv_lstm") and layer.padding == "valid"
    )
    if refused or (owner.registered_name == "multi_head_attention" and inputs[0].rank > 2):
        pytest.skip("refuses these masks; see test_messages.py")
    if owner.registered_name.startswith("random_token"):
        pytest.skip("takes token ids, before masks are made")
    if any(x.rank == 0 for x in inputs) or len({x.rank for x in inputs}) > 1:
        pytest.skip("masks of such tensors cannot be combined")
    masked = [replace(x, masked=True) for x in inputs]
    found, warned = carried(layer, masked)
    assert static(layer, masked).masked == found
    assert bool(layer.padding_counts(*([masked] if layer.takes_list else masked))) >= (warned and not found)
    if len(inputs) > 1:
        mixed = [masked[0], *inputs[1:]]
        assert static(layer, mixed).masked == carried(layer, mixed)[0]


def carried(layer: Any, inputs: list[Tensor]) -> tuple[bool, bool]:
    """Whether the output of a real call carries a mask, and whether Keras warned that it destroys one."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # What has measured no data, takes any size or stands as an expression cannot be called as it is.
        unready = layer.adapts or any(None in x.shape for x in inputs) or "1 / 255" in layer.given.values()
        if unready:
            masked = in_keras(layer, inputs).masked
        else:
            output = keras.tree.flatten(call(layer, layer.make(), [zeros(x) for x in inputs], []))[0]
            masked = getattr(output, "_keras_mask", None) is not None
    messages = [str(warning.message) for warning in caught if "does not support masking" in str(warning.message)]
    return masked, bool(messages)


@pytest.mark.parametrize("policy", ["float16", "mixed_bfloat16", "float64"])
@pytest.mark.parametrize("owner", LAYERS, ids=lambda owner: owner.registered_name)
def test_dtype(owner: type[Component], policy: str) -> None:
    if "dtype" not in owner.fields:
        pytest.skip("takes no dtype")
    layer, inputs = of_example(owner, owner.examples[0])
    typed = owner(**{**layer.given, "dtype": policy})
    assert static(typed, inputs).dtypes == in_keras(typed, inputs).dtypes


@pytest.mark.parametrize("owner", LAYERS, ids=lambda owner: owner.registered_name)
def test_frozen(owner: type[Component]) -> None:
    if "trainable" not in owner.fields:
        pytest.skip("takes no trainable")
    layer, inputs = of_example(owner, owner.examples[0])
    frozen = owner(**{**layer.given, "trainable": False})
    assert static(frozen, inputs) == in_keras(frozen, inputs)


@pytest.mark.parametrize("owner", [*LAYERS, *CELLS], ids=lambda owner: owner.registered_name)
def test_options_are_those_of_keras(owner: type[Component]) -> None:
    parameters = inspect.signature(load_attribute(owner.keras).__init__).parameters
    skipped = {"self", "name", "kwargs", "trainable", "dtype", *LEFT_OUT}
    theirs = {name: parameter.default for name, parameter in parameters.items() if name not in skipped}
    called = owner.call_options if issubclass(owner, Layer) else ()
    left_out = ("trainable", "dtype", *called, *owner.apart)
    ours = {name: field for name, field in owner.fields.items() if name not in left_out}
    assert sorted(ours) == sorted(theirs)
    assert list(ours) == list(theirs) or owner.registered_name in OTHER_ORDER
    for name, field in ours.items():
        if theirs[name] is inspect.Parameter.empty or (owner.registered_name, name) in REQUIRED:
            assert field.required, name
            continue
        assert field.default is not MISSING, name
        assert normal(field.convert(field.default, owner)) == normal(field.convert(listed(theirs[name]), owner)), name


def listed(value: Any) -> Any:
    """Tuples as the lists that YAML gives."""
    return [listed(item) for item in value] if isinstance(value, tuple) else value


def normal(value: Any) -> Any:
    """Keras writes some names of initializers in capitals."""
    return value.lower() if isinstance(value, str) else value


def test_initial_states() -> None:
    sequence, state = Tensor((5, 3)), Tensor((4,))
    for name, states in [("lstm", 2), ("gru", 1), ("simple_rnn", 1)]:
        owner = next(owner for owner in LAYERS if owner.registered_name == name)
        layer = instance(owner, {"units": 4, "return_state": True})
        given = [state] * states
        assert static(layer, [sequence], given) == in_keras(layer, [sequence], given)
    wrapper = next(owner for owner in LAYERS if owner.registered_name == "bidirectional")
    for mode in ("concat", None):
        layer = instance(wrapper, {"layer": {"lstm": {"units": 4, "return_state": True}}, "merge_mode": mode})
        assert static(layer, [sequence], [state] * 4) == in_keras(layer, [sequence], [state] * 4)


def test_backward_layer() -> None:
    wrapper = next(owner for owner in LAYERS if owner.registered_name == "bidirectional")
    layer = instance(wrapper, {"layer": {"lstm": 4}, "backward_layer": {"gru": {"units": 4, "go_backwards": True}}})
    assert static(layer, [Tensor((5, 3))]) == in_keras(layer, [Tensor((5, 3))])


def test_frozen_inside() -> None:
    for name in ("time_distributed", "spectral_normalization"):
        owner = next(owner for owner in LAYERS if owner.registered_name == name)
        layer = instance(owner, {"layer": {"dense": {"units": 4, "trainable": False}}})
        facts = static(layer, [Tensor((5, 3))])
        made = layer.make()
        made(keras.Input((5, 3)))
        assert [w.trainable for w in made.weights] == [trainable for _, _, trainable in facts.weights]
