"""Small specs that together say everything that `minimize` and `learners` can say."""

from __future__ import annotations

_DIGITS = """
data:
  source: {sklearn: digits}
  inputs: {image: {column: images, prepare: [{rescaling: {scale: 1 / 8, offset: -1}}]}}
  split: {validation: 0.8}
"""
# Draws as inputs, for each learner its own; dropout and batch statistics of a learner; the saved part is smaller.
ADVERSARIAL = (
    """
inputs: {z: {shape: [8], draw: normal}, image: [8, 8]}
models:
  Generator:
    inputs: {z: [8]}
    layers: [{dense: {units: 16, activation: relu}}, batch_normalization, {dense: 64}, {reshape: [8, 8]}]
  Critic:
    inputs: {image: [8, 8]}
    layers: [flatten, {dense: {units: 16, activation: leaky_relu}}, {dropout: 0.3}, {dense: 1}]
layers:
  - Generator: {from: z, name: fake}
  - Critic: {from: image, name: on_real}
  - Critic: {from: fake, name: on_fake}
  - losses.binary_crossentropy: {from: on_real, y_true: 1, from_logits: true, name: passed}
  - losses.binary_crossentropy: {from: on_fake, y_true: 0, from_logits: true, name: caught}
  - losses.binary_crossentropy: {from: on_fake, y_true: 1, from_logits: true, name: fooled}
outputs: fake
"""
    + _DIGITS
    + """
train:
  epochs: 2
  optimizer: {adam: {learning_rate: 5e-4, beta_1: 0.5}}
  learners:
    critic: {trains: Critic, minimize: [passed, caught]}
    generator: {trains: Generator, minimize: fooled}
  metrics: {on_fake: [mean]}
"""
)
# A loss with a target beside it, a layer with a loss of its own, a draw inside of the graph, penalties; one learner.
CODED = (
    """
inputs: {image: [8, 8]}
layers:
  - flatten: {name: flat}
  - dense: {units: 8, activation: relu, kernel_regularizer: {l2: 0.01}, activity_regularizer: {l1: 0.01}, name: code}
  - random.normal: {from: [code, code], name: noisy}
  - dense: {units: 64, name: again}
  - losses.mse: {from: [flat, again], name: error}
  - dense: {units: 10, activation: softmax, from: code, name: digit}
outputs: digit
"""
    + _DIGITS.replace("\n  split", "\n  targets: {digit: target}\n  split")
    + """
train:
  minimize: {error: 0.5}
  loss: crossentropy
  metrics: {digit: [accuracy, sparse_top_k_categorical_accuracy], code: [mean]}
  epochs: 3
  monitor: val_digit_accuracy
  callbacks: [{early_stopping: {monitor: val_digit_accuracy, patience: 1}}, reduce_lr_on_plateau]
"""
)
# Learners that share layers, in phases; layers by patterns; rates that fall; the outputs are all that is trained.
SHARED = """
inputs: {x: [4]}
layers:
  - dense: {units: 8, activation: tanh, name: body_a}
  - spectral_normalization: {layer: {dense: 4}, name: body_b}
  - dense: {units: 2, name: one}
  - ops.square: {name: small}
  - dense: {units: 3, activation: softmax, from: body_b, name: kind}
outputs: [kind, small]
data:
  source: {sklearn: iris}
  inputs: {x: data}
  targets: {kind: {column: target, class_weights: {0: 2, 1: 1, 2: 0.5}}}
  split: {validation: 0.2, by: stratified}
train:
  learners:
    first: {trains: "body_*", minimize: small, optimizer: {sgd: {learning_rate: 0.1, gradient_accumulation_steps: 2}}}
    second: {loss: {kind: sparse_categorical_crossentropy}, every: 2, loss_weights: {kind: 0.5}}
    third: {trains: one, minimize: {small: -0.1}, optimizer: rmsprop}
  metrics: {kind: accuracy}
  phases: {a: {epochs: 2, freeze: body_a, optimizer: {sgd: 0.1}}, b: {epochs: 2, unfreeze: body_a}}
  callbacks: [{reduce_lr_on_plateau: {monitor: small, patience: 0, factor: 0.5}}]
  keep: best
  monitor: val_kind_accuracy
"""
# A single output, which is minimised; numbers of 16 bits; targets in other units are another learner's affair.
PRECISE = """
inputs: {x: [4]}
layers: [{dense: {units: 8, activation: relu}}, {dense: 1}, {ops.abs: {name: size}}]
data: {source: {sklearn: iris}, inputs: {x: data}}
train: {minimize: size, epochs: 2, precision: mixed_float16, optimizer: {adam: {learning_rate: 0.01, clipnorm: 1}}}
"""
UNITS = """
inputs: {x: [2]}
layers: [{dense: {units: 8, name: h}}, {dense: {units: 1, name: a}}, {dense: {units: 2, name: b, from: h}}]
outputs: [a, b]
data:
  source: {sklearn: diabetes}
  inputs: {x: {columns: [age, bmi], prepare: [normalization]}}
  targets: {a: {column: target, prepare: [normalization]}, b: {columns: [target, s5], prepare: [{rescaling: 0.01}]}}
  split: {validation: 0.2}
train: {minimize: {h: 0.1}, loss: {a: mse, b: huber}, metrics: {a: [mae, r2_score]}, epochs: 2}
"""
# A model that is the moving average of another one.
AVERAGED = """
inputs: {x: [4]}
models:
  Student: {inputs: {x: [4]}, layers: [{dense: {units: 8, activation: relu}}, batch_normalization, {dense: 4}]}
  Teacher: {average_of: Student, momentum: 0.9}
layers:
  - gaussian_noise: {stddev: 0.1, from: x, name: a}
  - gaussian_noise: {stddev: 0.1, from: x, name: b}
  - Student: {from: a, name: one}
  - Teacher: {from: b, name: two}
  - losses.mse: {from: [two, one], name: gap}
  - Student: {from: x, name: code}
outputs: code
data: {source: {sklearn: iris}, inputs: {x: data}, split: {validation: 0.2}}
train: {minimize: gap, epochs: 2}
"""
# Phases of which each has its own objective, metrics, callbacks that rest, and frozen layers.
PHASED = """
inputs: {x: [8, 8]}
layers:
  - flatten
  - dense: {units: 32, activation: relu, name: code}
  - dropout: {rate: 0.2, from: code, name: less}
  - dense: {from: less, units: 64}
  - reshape: {target_shape: [8, 8], name: picture}
  - losses.mse: {from: [x, picture], name: error}
  - dense: {from: less, units: 10, activation: softmax, name: digit}
outputs: digit
data:
  source: {sklearn: digits}
  inputs: {x: {column: images, prepare: [{rescaling: {scale: 1 / 16}}]}}
  targets: {digit: target}
  split: {validation: 0.2, test: 0.5}
train:
  loss: sparse_categorical_crossentropy
  metrics: [accuracy]
  callbacks:
    - early_stopping: {monitor: val_accuracy, patience: 3}
    - reduce_lr_on_plateau: {monitor: val_error, patience: 0}
  phases:
    pictures: {epochs: 2, minimize: error}
    labels: {epochs: 2, freeze: code, optimizer: {sgd: 0.1}}
    both: {epochs: 2, unfreeze: code, metrics: [sparse_top_k_categorical_accuracy]}
    fine: {epochs: 2}
"""
# Some digits have no label: they count in what is minimised alone.
FEW_LABELS = (
    PHASED[: PHASED.index("train:")]
    .replace("{sklearn: digits}", "{npz: few_labels.npz}")
    .replace("target}", "{column: label, missing: ignore}}")
    + """\
train:
  loss: {sparse_categorical_crossentropy: {ignore_class: -1}}
  metrics: [accuracy]
  minimize: {error: 2}
  epochs: 2
"""
)
PHASED_TURNS = ADVERSARIAL.replace(
    "outputs: fake\n", "  - losses.mse: {from: [image, fake], name: blur}\noutputs: fake\n"
).replace("  epochs: 2\n", "  phases: {blurred: {epochs: 1, minimize: blur}, both: {epochs: 2}}\n")
CASES = {
    "few_labels": FEW_LABELS,
    # Moving averages in some learners, by which epochs are compared; phases go on from them.
    "averaging": SHARED.replace(
        "optimizer: rmsprop", "optimizer: {rmsprop: {use_ema: true, ema_momentum: 0.9}}"
    ).replace(
        "unfreeze: body_a}", "unfreeze: body_a, optimizer: {adam: {use_ema: true, ema_momentum: 0.8, clipnorm: 1}}}"
    ),
    "precise_averaging": PRECISE.replace("clipnorm: 1", "use_ema: true, ema_momentum: 0.9"),
    "phased": PHASED,
    "phased_turns": PHASED_TURNS,
    "averaged": AVERAGED,
    "weighed": SHARED.replace("  split:", "  weight: target\n  split:"),
    "weighed_alone": PRECISE.replace("inputs: {x: data}}", "inputs: {x: data}, weight: target}"),
    "unpaired": ADVERSARIAL.replace("source: {sklearn: digits}", "sources: {digits: {sklearn: digits}, wines: WINES}")
    .replace("WINES", "{sklearn: wine}")
    .replace("\n  split", "\n    z: {source: wines, columns: [COLUMNS], prepare: [normalization]}\n  split")
    .replace("COLUMNS", "alcohol, malic_acid, ash, magnesium, flavanoids, hue, proline, color_intensity")
    .replace("{shape: [8], draw: normal}", "[8]")
    .replace("  inputs: {image: {column: images", "  inputs:\n    image: {column: images")
    .replace("offset: -1}}]}}", "offset: -1}}]}"),
    "adversarial": ADVERSARIAL,
    "every": ADVERSARIAL.replace("minimize: fooled", "minimize: fooled, every: 3"),
    "coded": CODED,
    "shared": SHARED,
    "precise": PRECISE,
    "units": UNITS,
}
