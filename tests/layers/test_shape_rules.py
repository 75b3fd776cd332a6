"""Shape rules against Keras on generated options and shapes: both agree, or both refuse."""

from __future__ import annotations

import warnings
from dataclasses import replace as change
from typing import Any

import keras
import pytest
from both import LAYERS, Facts, component, failure, in_keras, instance, static
from drawing import mutations, values, written
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from dlspec.components.layers.base import Layer
from dlspec.components.registry import Component
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor

# Options that the shape does not depend on, or that need a device; a long list of values would only cost time.
FIXED = {"seed", "dtype", "trainable", "stateful", "use_cudnn", "flash_attention", "noise_shape", "renorm_clipping"}
# What dlspec refuses although Keras goes through with it, each with the reason.
STRICTER = {
    "without the batch": "an axis option that names the batch mixes the examples of a batch",
    "axis twice": "naming an axis twice is a slip",
    "random_": "Keras takes an image without channels for one without a batch",
    "resizing expects": "as above",
    "center_crop expects": "as above",
    "equalization expects": "as above",
    "auto_contrast expects": "as above",
    "solarization expects": "as above",
    "_mix expects": "as above",
    "must go upwards": "a range of values that goes down means nothing",
    "mix_up expects": "as above",
    "rand_augment expects": "as above",
    "max_num_bounding_boxes expects": "as above",
    "hands the mask of": "Keras gives a mask that fits nothing behind it, or fits it by chance",
    "mel_spectrogram expects": "Keras infers a wrong shape for more than one axis",
    "a size that Keras gets wrong": "Keras infers a piece more than it computes",
    "mel_spectrogram has `min_freq`": "there would be no band",
    "rescaling has": "Keras would broadcast, and infer a wrong shape",
    "the same stride on every axis": "only oneDNN's kernels take others, which some processors do without",
    "can use the masks of [steps": "masks whose sizes are equal by accident would be broadcast",
    "cannot use the mask of its input": "as above",
    "`since` is for": "an option without an effect is a slip",
    "is no date": "Keras would find out when it is called",
    "date_parts needs the size": "what comes behind it could not know its own",
    "takes images with 1 or 3 channels": "Keras chooses changes of colour, which need colours, by chance",
    "adaptive_": "Keras does not look at the number of axes and computes nonsense",
    "rnn expects 2 axes": "a cell that adds a vector of states to a matrix broadcasts by accident",
    "expects [steps, features]": "Keras would attend over the examples of the batch",
    "as many features in key": "Keras would broadcast a single feature",
    "as many steps in key": "as above, a single step",
    "equal axes before the steps": "Keras broadcasts a query's axis of 1, and infers a wrong shape",
    "without `renorm`": "limits of a renormalization that is off have no effect",
    "`fill_value` has no effect": "nor has a number to fill in that is measured anyway",
    "takes one number for each example": "of an axis of unknown length Keras would find out when it runs",
    "`layer_losses` stand beside": "losses of layers without that of the whole train nothing",
    "needs two layers of hidden units": "one layer is a `restricted_boltzmann`",
    "takes three codes of one length": "Keras would broadcast a code of one number",
    "takes mean and standard deviation in one shape": "Keras would broadcast, and infer the first one's shape",
    "has no effect beside `return_loss`": "nor has a factor of a loss that is handed on",
    "`chains` has no effect": "nor has a number of chains that are not kept",
    "text_imputation needs both": "nor has an empty text in place of an empty text",
    "returns scores only for": "Keras infers as many steps of the value as of the query",
    "over the axis of the features": "Keras would attend over the heads",
    "imputation needs an input with at least one axis": "Keras would join what marks the examples of a batch",
    "but `output_shape` has": "Keras infers an axis more than it computes",
    "einsum_dense cannot apply": "Keras lets more axes than letters through for some equations, with a wrong shape",
    "takes one axis for `...`": "Keras infers the axes of the ellipsis in reverse order",
    "`unroll: true`": "Keras only fails when a batch arrives whose length is not known to the compiled function",
    "takes one text": "Keras infers a wrong shape for a column of texts in the modes other than int",
    "1 axis of items": "Keras infers a wrong shape where items of several axes are counted",
    "takes one item": "Keras infers a wrong shape",
    "masks do not fit": "Keras fails on the masks of tensors of different rank, with some shapes only when it runs",
    "_transpose leaves nothing": "Keras makes a tensor without elements",
    "takes text": "zeros cannot stand for text in this test",
    "`noise_shape`": "Keras documents a size per axis and broadcasts shorter lists by accident",
}


# Their symbols lose a mask, and Keras warns that it ends, but their values keep it: see the last test.
SILENT = {"pipeline", "reversible_embedding", "spectral_normalization"}


@st.composite
def uses(
    draw: st.DrawFn, owners: list[type[Component]] = LAYERS
) -> tuple[type[Component], dict[str, Any], list[Tensor]]:
    """A layer, some options on top of one of its examples, and inputs like the example's."""
    owner = draw(st.sampled_from(owners))
    example = draw(st.sampled_from(owner.examples))
    options = written(owner, example)
    plain = [name for name, field in owner.fields.items() if not field.kind and name not in FIXED]
    for name in draw(st.lists(st.sampled_from(plain), max_size=4, unique=True)) if plain else []:
        options[name] = draw(values(owner.fields[name].literal(owner)))
    shapes = [draw(mutations(shape)) for shape in example.inputs]
    masked = draw(st.sampled_from(["none"] * 3 + ["all", "first", "each"]))
    carry = [masked == "all" or (masked == "first" and not place) for place in range(len(shapes))]
    if masked == "each":
        carry = [draw(st.booleans()) for _ in shapes]
    return (
        owner,
        options,
        [Tensor(shape, example.dtype, masks and bool(shape)) for shape, masks in zip(shapes, carry, strict=True)],
    )


def refusal_or(function: Any, *arguments: Any) -> Facts | Exception:
    try:
        return function(*arguments)
    except Exception as error:
        return error


@settings(max_examples=300, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(uses())
def test_same_shapes_or_both_refuse(use: tuple[type[Component], dict[str, Any], list[Tensor]]) -> None:
    check_use(use)


def check_use(use: tuple[type[Component], dict[str, Any], list[Tensor]]) -> None:
    """One case; ``make fuzz`` runs thousands."""
    owner, options, inputs = use
    # It hands on the very tensor that it is given, with its mask (test_mask), though Keras says that the mask ends.
    assume(owner.registered_name not in ("max_num_bounding_boxes", *SILENT) or not any(x.masked for x in inputs))
    try:
        layer = instance(owner, options)
        ours = static(layer, inputs)
    except Problem as problem:
        assert problem.message and problem.code in ("E402", "E403", "E404", "E405", "E207", "E408", "E409", "E410")
        assume(not any(part in problem.message for part in STRICTER))
        assert_refused(owner, options, inputs, problem)
        return
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        theirs = refusal_or(in_keras, layer, inputs)
    if isinstance(theirs, Exception):
        keras.backend.clear_session()
        what = f"{owner.registered_name} {options} on {inputs}"
        raise AssertionError(f"dlspec infers {ours}, Keras refuses {what}: {theirs}") from theirs
    if owner.registered_name in SILENT:
        theirs = change(theirs, masked=ours.masked)
    assert ours == theirs
    if any(x.masked for x in inputs):
        check_mask(layer, inputs, ours, [str(warning.message) for warning in caught])


def check_mask(layer: Layer, inputs: list[Tensor], found: Facts, warned: list[str]) -> None:
    """Keras says that the mask ends where `dlspec check` does, and can compute with it, which no symbol shows.

    Of a call with several arguments, Keras looks at the first; `dlspec check` warns of the others as well.
    """
    first = inputs if layer.takes_list else inputs[:1]
    ends = layer.masking == "drop" and not found.masked and any(x.masked for x in first)
    assert ends == any("does not support masking" in text for text in warned), f"{layer.name} {inputs}: {warned}"
    if all(None not in x.shape for x in inputs):
        problem = failure(layer, inputs)
        without = problem and failure(layer, [change(x, masked=False) for x in inputs])  # then it is not the mask
        assert problem is None or without, (
            f"Keras cannot compute {layer.name} {layer.describe()} on {inputs}: {problem}"
        )


def assert_refused(owner: type[Component], options: dict[str, Any], inputs: list[Tensor], problem: Problem) -> None:
    """Keras refuses as well: the constructor, the symbolic call, or at the latest the computation."""
    unchecked = type(owner.__name__, (owner,), {"validate": lambda self: None, "keras": owner.keras}, abstract=True)
    try:
        layer = instance(unchecked, options)
        refused = isinstance(refusal_or(in_keras, layer, inputs), Exception) or failure(layer, inputs)
    finally:
        keras.backend.clear_session()
    assert refused, f"only dlspec refuses {owner.registered_name} {options} on {inputs}: {problem.message}"


@pytest.mark.filterwarnings("ignore:Layer .* was passed an input with a mask:UserWarning")
@pytest.mark.parametrize(
    ("layer", "x"),
    [
        ({"pipeline": {"layers": [{"dense": 3}]}}, Tensor((5, 8), masked=True)),
        ({"spectral_normalization": {"layer": {"dense": 3}}}, Tensor((5, 8), masked=True)),
        ({"reversible_embedding": {"input_dim": 10, "output_dim": 4, "mask_zero": True}}, Tensor((5,), "int32")),
    ],
)
def test_values_keep_masks_that_symbols_lose(layer: dict[str, Any], x: Tensor) -> None:
    ours = component("layer", layer)
    entering = keras.Input(x.shape, dtype=x.dtype)
    made = ours.make()(keras.layers.Masking()(entering) if x.masked else entering)
    assert getattr(made, "_keras_mask", None) is None
    answer = keras.Model(entering, made)(keras.ops.zeros((2, *x.shape), x.dtype))
    assert ours.mask(x) and answer._keras_mask.shape == (2, 5)
