"""Helps are applied as they are typed in, and lead to specs without a mistake.

A mistake stands between ``⟦`` and ``⟧``; what the help makes of it stands behind the arrow, or is what the help says to
write (``write `…` ``, ``did you mean `…`?``). Every mistake gives one error, at its place.
"""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest

from dlspec.core.errors import Diagnostic
from dlspec.semantics.edits import applied
from dlspec.semantics.schema.foreign import OF_TRAINING
from dlspec.semantics.schema.keywords import definition
from dlspec.semantics.schema.misplaced import of_training
from dlspec.semantics.schema.validate import iterate_errors
from dlspec.syntax.source import load
from tests.support import compile_text

# What surrounds a line of mistakes; `@` stands for it.
IMAGE = """
inputs: {x: [28, 28, 1]}
layers:
  - @
  - flatten
  - dense: 10
"""
SEQUENCE = """
inputs: {x: [30, 4]}
layers:
  - @
  - flatten
  - dense: 10
"""
VECTOR = """
params: {width: 3}
inputs: {x: [72]}
layers:
  - @
  - dense: $width
"""
TRAIN = """
layers: [{dense: {units: 1, name: y}}]
data: {source: {sklearn: diabetes}, inputs: {x: data}, targets: {y: target}, split: {validation: 0.2}}
train:
  loss: mse
  @
"""
LOSS = TRAIN.replace("  loss: mse\n", "")
CLASSES = """
layers: [{dense: {units: 3, activation: softmax, name: y}}]
data: {source: {sklearn: iris}, inputs: {x: data}, targets: {y: target}, split: {validation: 0.2}}
train:
  @
"""
SPLIT = CLASSES.replace("validation: 0.2", "@").replace("  @", "  loss: sparse_categorical_crossentropy")
SPEC = "@"

# around | the mistake → what is typed in its place ("" where the help says it in so many words) | code | help
MISTAKES: list[tuple[str, str, str, str]] = [
    # names of layers, with the wanted number of axes
    (IMAGE, "⟦maxpool⟧", "E201", "did you mean `max_pooling2d`?"),
    (IMAGE, "⟦maxpool⟧: 2", "E201", "did you mean `max_pooling2d`?"),
    (SEQUENCE, "⟦maxpool⟧", "E201", "did you mean `max_pooling1d`?"),
    (IMAGE, "⟦conv⟧: {filters: 8, kernel_size: 3}", "E201", "did you mean `conv2d`?"),
    (SEQUENCE, "⟦conv⟧: {filters: 8, kernel_size: 3}", "E201", "did you mean `conv1d`?"),
    (IMAGE, "⟦Conv2d⟧: {filters: 8, kernel_size: 3}", "E305", "did you mean the layer `conv2d`?"),
    (IMAGE, "⟦MaxPool2d⟧: 2", "E305", "did you mean the layer `max_pooling2d`?"),
    (IMAGE, "⟦BatchNorm2d⟧", "E305", "did you mean the layer `batch_normalization`?"),
    (IMAGE, "⟦avgpool⟧: 2", "E201", "did you mean `average_pooling2d`?"),
    (IMAGE, "⟦avgpool⟧→average_pooling2d: 2", "E201", "did you mean `average_pooling2d`? it needs `pool_size`"),
    (IMAGE, "⟦upsample⟧: 2", "E201", "did you mean `up_sampling2d`?"),
    (IMAGE, "⟦zero_pad⟧", "E201", "did you mean `zero_padding2d`?"),
    (IMAGE, "⟦conv_transpose2d⟧: {filters: 8, kernel_size: 3}", "E201", "did you mean `conv2d_transpose`?"),
    (IMAGE, "⟦max_poling⟧", "E201", "did you mean `max_pooling2d`?"),
    (VECTOR, "⟦bn⟧", "E201", "did you mean `batch_normalization`?"),
    (VECTOR, "⟦layernorm⟧", "E201", "did you mean `layer_normalization`?"),
    (VECTOR, "⟦fc⟧: 3", "E201", "did you mean `dense`?"),
    (VECTOR, "⟦linear⟧: 3", "E201", "did you mean `dense`?"),
    (VECTOR, "⟦linear: {in_features: 72, out_features: 10}⟧", "E201", "write `dense: 10`"),
    (VECTOR, "⟦Linear: {in_features: 72, out_features: 10}⟧", "E305", "write `dense: 10`"),
    (SEQUENCE, "⟦bilstm: 10⟧", "E201", "write `bidirectional: {layer: {lstm: 10}}`"),
    (VECTOR, "⟦relu⟧", "E201", "`relu` is an activation: write `re_lu`, or `activation: relu` in the layer before"),
    # options by the names of other libraries
    (IMAGE, "conv2d: {⟦out_channels⟧: 8, kernel_size: 3}", "E202", "did you mean `filters`?"),
    (IMAGE, "conv2d: {⟦in_channels: 1, ⟧filters: 8, kernel_size: 3}→", "E202",
     "leave it out: it follows from what comes in"),
    (IMAGE, "conv2d: {filters: 8, ⟦kernel⟧: 3}", "E202", "did you mean `kernel_size`?"),
    (IMAGE, "conv2d: {filters: 8, kernel_size: 3, ⟦stride⟧: 2}", "E202", "did you mean `strides`?"),
    (IMAGE, "conv2d: {filters: 8, kernel_size: 3, ⟦bias⟧: false}", "E202", "did you mean `use_bias`?"),
    (IMAGE, "max_pooling2d: {⟦kernel_size⟧: 2}", "E202", "did you mean `pool_size`?"),
    (VECTOR, "dense: {⟦out_features⟧: 10}", "E202", "did you mean `units`?"),
    (VECTOR, "dense: {⟦neurons⟧: 10}", "E202", "did you mean `units`?"),
    (VECTOR, "dense: {units: 10, ⟦act⟧: relu}", "E202", "did you mean `activation`?"),
    (VECTOR, "dense: {units: 10, ⟦init⟧: he_normal}", "E202", "did you mean `kernel_initializer`?"),
    (VECTOR, "dense: {⟦Units⟧: 3}", "E202", "did you mean `units`?"),
    (VECTOR, "dropout: {⟦p⟧: 0.5}", "E202", "did you mean `rate`?"),
    (VECTOR, "dropout: {⟦prob⟧: 0.5}", "E202", "did you mean `rate`?"),
    (SEQUENCE, "lstm: {⟦hidden_size⟧: 10, return_sequences: true}", "E202", "did you mean `units`?"),
    (SEQUENCE, "lstm: {units: 10, ⟦return_seq⟧: true}", "E202", "did you mean `return_sequences`?"),
    (VECTOR, "concatenate: {⟦inputs⟧: [x, x]}", "E202", "did you mean `from`?"),
    (VECTOR, "repeat: {⟦n⟧: 2, layers: [{dense: 3}]}", "E202", "did you mean `times`?"),
    (SEQUENCE, "bidirectional: {⟦lstm: 4⟧}", "E202", "write `layer: {lstm: 4}`"),
    # values
    (VECTOR, "dropout: ⟦0,5⟧", "E204", "write `0.5`"),
    (VECTOR, "dropout: {rate: ⟦0,5⟧}", "E204", "write `0.5`"),
    (VECTOR, "dense: ⟦1,000⟧", "E204", "write `1000`"),
    (VECTOR, "dense: {units: ⟦1,000⟧}", "E204", "write `1000`"),
    (VECTOR, "dense: {units: ⟦\"64\"⟧}", "E204", "write `64` without quotes"),
    (VECTOR, "dense: ⟦\"64\"⟧", "E204", "write `64` without quotes"),
    (VECTOR, "dropout: ⟦\"1e-1\"⟧", "E204", "write `1e-1` without quotes"),
    (VECTOR, "dropout: ⟦50⟧→0.5", "E205", "it is a share: `0.5` for 50 %"),
    (VECTOR, "dropout: ⟦50%⟧", "E204", "write `0.5`"),
    (SPLIT, "validation: ⟦20⟧→0.2", "E615", "it is a share: `0.2` for 20 %"),
    (SPLIT, "validation: ⟦20%⟧", "E614", "write `0.2`"),
    (IMAGE, "conv2d: {filters: 8, kernel_size: ⟦3x3⟧}", "E204", "write `[3, 3]`"),
    (IMAGE, "conv2d: {filters: 8, kernel_size: ⟦(3, 3)⟧}", "E204", "write `[3, 3]`"),
    (IMAGE, "conv2d: {filters: 8, kernel_size: ⟦3,3⟧}", "E204", "write `[3, 3]`"),
    (IMAGE, "conv2d: {filters: 8, kernel_size: 3, padding: ⟦Same⟧}", "E206", "did you mean `same`?"),
    (VECTOR, "dense: {units: 10, activation: ⟦ReLU⟧}", "E206", "did you mean `relu`?"),
    (VECTOR, "dense: {units: 10, activation: ⟦logistic⟧}", "E206", "did you mean `sigmoid`?"),
    (VECTOR, "dense: {units: 10⟦, activation: none⟧}→", "E206", "leave the option out"),
    (VECTOR, "dense: {units: 10, kernel_initializer: ⟦xavier⟧}", "E206", "did you mean `glorot_uniform`?"),
    (VECTOR, "dense: {units: 10, kernel_regularizer: ⟦0.01⟧}", "E204", "write `{l2: 0.01}`"),
    (VECTOR, "dense: {units: 10, kernel_regularizer: ⟦l2(0.01)⟧}", "E206", "write `{l2: 0.01}`"),
    (VECTOR, "dense: ⟦params.width⟧", "E204", "write `$width` for the parameter"),
    # Python and JSON in place of YAML
    (VECTOR, "⟦Dense(10, activation='relu')⟧", "E201", "write `dense: {units: 10, activation: relu}`"),
    (VECTOR, "⟦nn.Linear(72, 10)⟧→dense: 10", "E201", "did you mean `dense`? it needs `units`"),
    (VECTOR, "⟦dense 10⟧", "E201", "write `dense: 10`"),
    (VECTOR, "⟦dense:10⟧", "E201", "write `dense: 10`, with a blank after the colon"),
    (VECTOR, "dense: {⟦units:10⟧}", "E202", "write `units: 10`, with a blank after the colon"),
    (VECTOR, "dense: {⟦units=10⟧}", "E202", "write `units: 10`, with a blank after the colon"),
    (VECTOR, "⟦dense: 10, relu⟧", "E204", "write `dense: {units: 10, activation: relu}`"),
    (VECTOR, "⟦dense: [10, relu]⟧", "E204", "write `dense: {units: 10, activation: relu}`"),
    (IMAGE, "⟦conv2d: [8, 3]⟧", "E204", "write `conv2d: {filters: 8, kernel_size: 3}`"),
    (VECTOR, "⟦{type: dense, units: 10}⟧", "E106", "write `dense: 10`"),
    (VECTOR, "⟦{class_name: Dense, config: {units: 10, activation: relu}}⟧", "E106",
     "write `dense: {units: 10, activation: relu}`"),
    (VECTOR, "dense: ⟦${width}⟧", "E301", "write `$width`"),
    (VECTOR, "dense: {units: ⟦${width}⟧}", "Y004", "write `$width`"),
    # inputs and their shapes
    (SPEC, "⟦inputs: [28]⟧→inputs: {x: [28]}\nlayers: [{dense: 3}]", "E102", "write `{x: [28]}`"),
    (SPEC, "⟦input: [28]⟧\nlayers: [{dense: 3}]", "E101", "write `inputs: {x: [28]}`"),
    (SPEC, "⟦input_shape: [28]⟧\nlayers: [{dense: 3}]", "E101", "write `inputs: {x: [28]}`"),
    (SPEC, "inputs: {x: ⟦28⟧}\nlayers: [{dense: 3}]", "E102", "write `[28]`"),
    (SPEC, "inputs: {x: ⟦(28,)⟧}\nlayers: [{dense: 3}]", "E102", "write `[28]`"),
    (SPEC, "inputs: {x: ⟦(28, 28)⟧}\nlayers: [{dense: 3}]", "E102", "write `[28, 28]`"),
    (SPEC, "inputs: {x: ⟦28x28x1⟧}\nlayers: [{dense: 3}]", "E102", "write `[28, 28, 1]`"),
    (SPEC, "inputs: {x: [⟦None⟧, 28]}\nlayers: [{dense: 3}]", "E102", "write `null`"),
    (SPEC, "inputs: {x: ⟦[32, 8, 8, 1]⟧}\nlayers: [{conv2d: {filters: 8, kernel_size: 3}}]", "E402",
     "shapes leave the batch out: write `[8, 8, 1]`; "
     "for sequences of them use `time_distributed: {layer: {conv2d: …}}`"),
    (SPEC, "inputs: {x: ⟦[1, 28, 28]⟧}\nlayers: [{conv2d: {filters: 8, kernel_size: 3}}]", "E410",
     "channels come last: write `[28, 28, 1]`; "
     "or use `padding: same`, a smaller window, or fewer reductions before it"),
    (SPEC, "inputs: {x: ⟦[3, 32, 32]⟧}\nlayers: [{conv2d: {filters: 8, kernel_size: 5}}]", "E410",
     "channels come last: write `[32, 32, 3]`; "
     "or use `padding: same`, a smaller window, or fewer reductions before it"),
    (SPEC, "inputs: {x: [20, 20, 1]}\nlayers: [{⟦conv1d⟧: {filters: 8, kernel_size: 3}}]", "E402",
     "write `conv2d`, or `time_distributed: {layer: {conv1d: …}}` applies it to each step by itself"),
    (SPEC, "inputs: {x: [20, 4]}\nlayers: [{⟦max_pooling2d⟧: 2}]→max_pooling1d", "E402",
     "add the channel axis: `[20, 4, 1]` in `inputs`, or `reshape: [20, 4, 1]` before it, or write `max_pooling1d`"),
    (SPEC, "inputs: {x: [28]}\n⟦model⟧: [{dense: 3}]", "E101", "did you mean `layers`?"),
    # lists and their dashes
    (SPEC, "inputs: {x: [8]}\nlayers:\n  - dense: 3\n  ⟦dropout: 0.5⟧\n  - dense: 3", "Y004", "write `- dropout: 0.5`"),
    (SPEC, "inputs: {x: [8]}\nlayers:\n  - dense: 3\n  ⟦flatten⟧\n  - dense: 3", "Y004", "write `- flatten`"),
    (SPEC, "inputs: {x: [8]}\nlayers:\n  - dense: 3\n⟦    flatten⟧\n  - dense: 3", "Y004", "write `  - flatten`"),
    (SPEC, "inputs: {x: [8]}\nlayers:\n  - dense: 3\n  ⟦-flatten⟧\n  - dense: 3", "Y004",
     "write `- flatten`, with a blank after the dash"),
    (SPEC, "inputs: {x: [8]}\nlayers:\n- dense: 3\n⟦ - dense: 5⟧", "Y004",
     "write `- dense: 5`: start it in column 1, as the item above it"),
    (SPEC, "inputs: {x: [8]}\nlayers:\n  ⟦flatten\n  dense: 3⟧→- flatten\n  - dense: 3", "Y004",
     "start each item of a list with `- `, such as `- flatten`"),
    (SPEC, "inputs: {x: [8]}\nlayers:\n"
     "  ⟦dense: 3\n  dropout: 0.5\n  dense: 3⟧→- dense: 3\n  - dropout: 0.5\n  - dense: 3", "E102",
     "start each item with `-`"),
    # training
    (TRAIN, "⟦lr: 0.1⟧", "E501", "it belongs to the optimizer: `optimizer: {adam: {learning_rate: 0.1}}`"),
    (TRAIN, "⟦clipnorm: 1.0⟧", "E501", "it belongs to the optimizer: `optimizer: {adam: {clipnorm: 1.0}}`"),
    (TRAIN, "⟦early_stopping: {patience: 3}⟧", "E501",
     "it is a callback: `callbacks: [{early_stopping: {patience: 3}}]`"),
    (TRAIN, "optimizer: ⟦Adam(lr=0.1)⟧", "E502", "write `{adam: 0.1}`"),
    (TRAIN, "optimizer: ⟦Adam⟧", "E502", "did you mean `adam`?"),
    (TRAIN, "optimizer: {adam: {⟦lr⟧: 0.1}}", "E501", "did you mean `learning_rate`?"),
    (TRAIN, "optimizer: ⟦{name: adam, learning_rate: 0.1}⟧", "E106", "write `{adam: 0.1}`"),
    (TRAIN, "optimizer: ⟦{type: SGD, lr: 0.1, momentum: 0.9}⟧", "E106",
     "write `{sgd: {learning_rate: 0.1, momentum: 0.9}}`"),
    (TRAIN, "optimizer: ⟦momentum⟧", "E502", "write `{sgd: {momentum: 0.9}}`"),
    (TRAIN, "optimizer: {adam: ⟦0,001⟧}", "E504", "write `0.001`"),
    (TRAIN, "optimizer: {adam: ⟦\"1e-3\"⟧}", "E504", "write `1e-3` without quotes"),
    (TRAIN, "⟦metric: mae⟧", "E501", "write `metrics: [mae]`"),
    (TRAIN, "metrics: ⟦mae⟧", "E504", "write `[mae]`"),
    (TRAIN, "metrics: [⟦rmse⟧]", "E502", "did you mean `root_mean_squared_error`?"),
    (TRAIN, "metrics: [⟦accuracy⟧]", "W504", "write `mae` or `r2_score`"),
    (TRAIN, "⟦epoch⟧: 3", "E501", "did you mean `epochs`?"),
    (TRAIN, "epochs: ⟦\"10\"⟧", "E504", "write `10` without quotes"),
    (TRAIN, "epochs: ⟦10.0⟧", "E504", "write `10`; in an expression divide with `//`"),
    (TRAIN, "callbacks: ⟦{early_stopping: {patience: 3}}⟧", "E504",
     "write `[{early_stopping: {patience: 3}}]`, or start each item with `-` on a line of its own"),
    (TRAIN, "callbacks: [⟦EarlyStopping⟧]", "E502", "did you mean `early_stopping`?"),
    (TRAIN, "callbacks: [{early_stopping: {⟦wait⟧: 3}}]", "E501", "did you mean `patience`?"),
    (TRAIN, "precision: ⟦fp16⟧", "E506", "write `mixed_float16`"),
    (TRAIN, "baselines: ⟦[true]⟧", "E504", "write `true` without brackets"),
    (TRAIN, "⟦verbose: 1⟧→", "E501", "leave it out: it has no place in a spec"),
    (LOSS, "loss: ⟦MSELoss⟧", "E502", "did you mean `mse`?"),
    (LOSS, "loss: ⟦l1⟧", "E502", "did you mean `mae`?"),
    (LOSS, "loss: ⟦[mse]⟧", "E504", "write `mse` without brackets"),
    (LOSS, "⟦losses⟧: mse", "E501", "did you mean `loss`?"),
    (CLASSES, "loss: ⟦cross_entropy⟧", "E502", "did you mean `crossentropy`?"),
    (CLASSES, "loss: ⟦nll_loss⟧", "E502", "did you mean `sparse_categorical_crossentropy`?"),
    (CLASSES, "loss: ⟦mse⟧", "E503", "write `sparse_categorical_crossentropy`, which takes class numbers"),
    (CLASSES, "loss: ⟦huber⟧", "E503", "write `sparse_categorical_crossentropy`, which takes class numbers"),
    (CLASSES, "loss: ⟦binary_crossentropy⟧", "E503",
     "write `sparse_categorical_crossentropy`, which takes class numbers"),
]  # fmt: skip


def parts(written: str) -> tuple[str, str, str, str | None]:
    """What stands before, in and behind the brackets, and what is typed in where the help does not say it."""
    before, _, rest = written.partition("⟦")
    wrong, _, behind = rest.partition("⟧")
    typed: str | None = None
    if "→" in behind:
        behind, _, typed = behind.partition("→") if not behind.startswith("→") else ("", "", behind[1:])
        if "\n" in typed and before.startswith("inputs") is False:
            typed, newline, more = typed.partition("\n")
            behind += newline + more
    return before, wrong, behind, typed


def said(help: str) -> str:
    """What a help says to type in."""
    found = re.search(r"(?:write|did you mean(?: the layer)?|optimizer:|callback:) `([^`]+)`", help)
    assert found is not None, help
    return found.group(1)


def own(item: Diagnostic) -> tuple[str, str]:
    return item.code, item.help


@pytest.mark.parametrize("around, written, code, help", MISTAKES, ids=[f"{m[2]} {m[1]}" for m in MISTAKES])
def test_help_mends(around: str, written: str, code: str, help: str, tmp_path: Path) -> None:
    before, wrong, behind, typed = parts(written)
    around = around.lstrip("\n")
    found = compile_text(tmp_path, around.replace("@", before + wrong + behind)).diagnostics.items
    assert [own(item) for item in found] == [(code, help)]
    start = around.partition("@")[0] + before
    span = found[0].span
    assert span is not None
    assert start.count("\n") + 1 <= span.line <= (start + wrong).count("\n") + 1
    mended = around.replace("@", before + (said(help) if typed is None else typed) + behind)
    left = compile_text(tmp_path, mended).diagnostics.items
    assert not left, (mended, [own(item) for item in left])
    if found[0].edits:  # what a program makes of the help is right as well
        left = compile_text(
            tmp_path, applied(around.replace("@", before + wrong + behind), found[0].edits)
        ).diagnostics.items
        assert not left, (found[0].edits, [own(item) for item in left])


LAYERS_AT_FAULT = [
    (
        """
        inputs: {image: [8, 8, 1]}
        layers:
          - conv2d: {filters: 8, kernel_size: 3, activation: relu}
          - max_pooling2d: 2
          - dense: {units: 10, activation: softmax}
        data:
          source: {sklearn: digits}
          inputs: {image: {column: images, prepare: [{rescaling: 1 / 16}]}}
          targets: {digit: target}
        train: {loss: sparse_categorical_crossentropy, metrics: [accuracy]}
        """,
        6,
        "add `flatten` or `global_average_pooling2d` before `dense`",
        [("  - dense: {", "  - flatten\n  - dense: {"), ("  - dense: {", "  - global_average_pooling2d\n  - dense: {")],
    ),
    (
        """
        inputs: {x: [30]}
        layers:
          - reshape: [30, 1]
          - lstm: {units: 4, return_sequences: true}
          - dense: {units: 2, activation: softmax}
        data: {source: {sklearn: breast_cancer}, inputs: {x: data}, targets: {y: target}}
        train: {loss: sparse_categorical_crossentropy}
        """,
        6,
        "leave `return_sequences` out of `lstm`, or add `global_average_pooling1d` before `dense`",
        [(", return_sequences: true", ""), ("  - dense: {", "  - global_average_pooling1d\n  - dense: {")],
    ),
    (
        """
        inputs: {x: [10]}
        layers:
          - reshape: [5, 2]
          - dense: {units: 8, activation: relu}
          - batch_normalization
          - dense: 1
        data: {source: {sklearn: diabetes}, inputs: {x: data}, targets: {y: target}}
        train: {loss: mse}
        """,
        5,
        "add `flatten` or `global_average_pooling1d` before `dense`",
        [("  - dense: {", "  - flatten\n  - dense: {")],
    ),
]


@pytest.mark.parametrize("text, line, help, edits", LAYERS_AT_FAULT, ids=["image", "sequence", "first of several"])
def test_axes_are_told_at_the_layer(
    text: str, line: int, help: str, edits: list[tuple[str, str]], tmp_path: Path
) -> None:
    (item,) = compile_text(tmp_path, dedent(text)).diagnostics.items
    assert item.span is not None
    assert (item.code, item.span.line, item.help) == ("E503", line, help)
    for old, new in edits:
        assert not compile_text(tmp_path, dedent(text).replace(old, new, 1)).diagnostics.items


def test_metrics_of_vectors_are_one_mistake(tmp_path: Path) -> None:
    metrics = "metrics: [{f1_score: {average: macro}}, precision]"
    text = CLASSES.lstrip().replace("@", f"loss: sparse_categorical_crossentropy\n  {metrics}")
    (item,) = compile_text(tmp_path, text).diagnostics.items
    assert item.span is not None
    assert (item.code, item.span.line) == ("E503", 5)
    assert item.message == "f1_score and precision need a value for each class, the target is class numbers"
    assert item.help == "write `loss: categorical_crossentropy`: it encodes class numbers as a value for each class"
    assert not compile_text(tmp_path, text.replace("sparse_", "")).diagnostics.items


def test_pictures_get_a_scale(tmp_path: Path) -> None:
    text = """
    inputs: {image: [8, 8, 1]}
    layers: [{conv2d: {filters: 8, kernel_size: 3}}, flatten, {dense: {units: 10, activation: softmax}}]
    data: {source: {sklearn: digits}, inputs: {image: {column: images}}, targets: {digit: target}}
    train: {loss: sparse_categorical_crossentropy}
    """
    (item,) = compile_text(tmp_path, dedent(text)).diagnostics.items
    assert (item.code, item.help) == ("W610", "write `prepare: [{rescaling: 1 / 16}]` for this input")
    mended = text.replace("column: images", "column: images, prepare: [{rescaling: 1 / 16}]")
    assert not compile_text(tmp_path, dedent(mended)).diagnostics.items
    normalized = text.replace("layers: [", "layers: [batch_normalization, ")
    assert not compile_text(tmp_path, dedent(normalized)).diagnostics.items


@pytest.mark.parametrize("word", sorted(OF_TRAINING))
def test_words_of_other_libraries_lead_to_a_section_that_is_right(word: str) -> None:
    """What the help writes is right where it says: in `train`, or in `data`."""
    help = of_training(word, 0.1 if "step" not in word and "acc" not in word else 4, {"optimizer": {"sgd": 0.1}})
    for written in re.findall(r"`([a-z_]+: .*?)`", help):
        text = written.replace("{…}", "{initial_learning_rate: 0.1, decay_steps: 9}").replace("[…]", "[]")
        section = load("x: {" + text.replace("…", "base.keras") + "}").data
        assert section is not None
        name = "section.data" if "`data`" in help else "train"
        assert not [error for error in iterate_errors(section["x"], definition(name)) if error.validator != "required"]
    assert "`" in help


def test_words_in_brackets_where_no_word_may_stand_get_no_help(tmp_path: Path) -> None:
    for value in ("units: [ten]", "units: 3, use_bias: [linear]"):
        text = f"inputs: {{x: [4]}}\nlayers: [{{dense: {{{value}}}}}]\n"
        (problem,) = compile_text(tmp_path, text).diagnostics.items
        assert problem.code == "E204" and not problem.help
