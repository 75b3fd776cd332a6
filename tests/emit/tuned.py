"""Small searches that together ask for everything a project can search, each with the files that it reads."""

from __future__ import annotations

from pathlib import Path

EVERYWHERE = """
name: everywhere
params:
  depth: {int: [0, 3], default: 1}
  width: {int: [4, 12], step: 4}
  double: $width * 2
  act: {choice: [relu, gelu, tanh]}
  rate: {float: [1.0e-3, 1.0e-1], log: true, default: 1.0e-2}
  batch_size: {choice: [16, 32]}
  strength: {float: [0.0, 0.3], step: 0.1}
  patience: {int: [1, 3]}
  seed: {choice: [1, 2]}
inputs: {x: [8, 8, 1]}
blocks:
  Layer:
    params: {units}
    layers:
      - dense: {units: $units, activation: $act}
      - dropout: 0.1
layers:
  - flatten
  - Layer: {units: $width, repeat: $depth}
  - dense: {units: $double, activation: $act, kernel_initializer: {glorot_uniform: {seed: $seed}}}
  - dense: {units: 10, activation: softmax}
data:
  source: {sklearn: digits}
  inputs: {x: {column: images, augment: [{gaussian_noise: $strength}]}}
  targets: {y: {column: target}}
  split: {validation: 0.3, by: stratified}
  batch_size: $batch_size
train:
  loss: sparse_categorical_crossentropy
  metrics: [accuracy]
  optimizer:
    adam: {learning_rate: {exponential_decay: {initial_learning_rate: $rate, decay_steps: 20, decay_rate: 0.9}}}
  callbacks: [{early_stopping: {patience: $patience}}]
tune: {objective: val_accuracy, trials: 4, epochs: 2, seed: 7, limits: {parameters: 1500}, patience: 3, seconds: 1000}
"""

_IRIS = """
name: iris
params:
  deep: {bool: true}
  units: {int: [8, 24], step: 8}
  hidden: {choice: [8, 16]}
  count: {int: [0, 2]}
  wide: {choice: [4, 6]}
  rate: {float: [0.01, 0.31], step: 0.1}
inputs: {x: [4]}
layers:
  - dense: {units: $units, activation: relu}
  - dense: {units: $hidden, activation: relu, if: $deep}
  - repeat:
      times: $count
      layers:
        - dense: $wide
  - dense: {units: 3, activation: softmax}
data: {source: {sklearn: iris}, targets: {species: {column: target}}, split: {validation: 0.3, by: stratified}}
train:
  loss: sparse_categorical_crossentropy
  optimizer: {adam: $rate}
tune: {algorithm: ALGORITHM}
"""

_SMALL = """
name: small
params: {units: {int: [2, 12]}}
inputs: {x: [4]}
layers: [{dense: {units: $units, activation: relu}}, {dense: {units: 3, activation: softmax}}]
data: {source: {sklearn: iris}, targets: {species: {column: target}}, split: {validation: 0.3, by: stratified}}
train: {loss: sparse_categorical_crossentropy, epochs: 1}
tune: {algorithm: bayesian, trials: 5, seed: 0}
"""

_PHASES = """
name: phases
params:
  by: {choice: [adam, sgd]}
  rate: {choice: [0.1, 0.01]}
  smooth: {choice: [0.0, 0.1]}
inputs: {x: [4]}
layers: [{dense: {units: 6, activation: relu, name: first}}, {dense: {units: 3, activation: softmax}}]
data:
  source: {sklearn: iris}
  targets: {species: {column: target}}
  split: {validation: 0.3, by: stratified}
train:
  loss: {categorical_crossentropy: {label_smoothing: $smooth}}
  metrics: [accuracy]
  phases:
    head: {epochs: 1, freeze: first, optimizer: {sgd: $rate}}
    whole: {epochs: 2, unfreeze: first, optimizer: $by}
tune: {objective: val_accuracy, trials: 2}
"""

_WORDS = """
name: words
params:
  tokens: {int: [4, 8]}
  keep: {bool: true}
inputs: {x: [$tokens]}
layers: [{dense: {units: 4, activation: relu, if: $keep}}, {dense: {units: 2, activation: softmax}}]
data:
  source: {csv: a.csv}
  inputs: {x: {column: text, prepare: [{text_vectorization: {max_tokens: $tokens, output_mode: multi_hot,
    pad_to_max_tokens: true}}]}}
  targets: {y: kind}
  split: {validation: 0.3}
train: {loss: sparse_categorical_crossentropy, epochs: 2}
tune: {algorithm: random, objective: loss, trials: 2}
"""

# Every layer, turn and call draws by itself; blocks are handed the values of their layers.
_DRAWN = """
name: drawn
params:
  depth: {int: [0, 3], default: 1}
  units: {int: [4, 12], step: 4, each_time: true}
  act: {choice: [relu, gelu, tanh], each_time: true}
  on: {bool: true, default: true, each_time: true}
  rate: {float: [0.0, 0.4], step: 0.2, each_time: true}
  factor: {choice: [1, 2], each_time: true}
inputs: {x: [4]}
blocks:
  Two:
    params: {last: 8}
    layers:
      - Layer: {size: $units}
      - dense: {units: $last, activation: $act}
  Layer:
    params: {size}
    layers:
      - dense: {units: $size * $factor, activation: $act}
      - dropout: $rate
layers:
  - dense: {units: $units, activation: $act}
  - Two: {last: $units, repeat: $depth}
  - Two
  - dense: {units: $units + $units, if: $on, repeat: 2}
  - parallel:
      branches:
        - dense: {units: 4, if: $on}
        - [{dense: $units}, {dense: {units: 4, activation: $act}}]
  - repeat:
      times: 2
      layers:
        - dense: {units: $units, activation: $act, if: $index > 0}
        - residual: {layers: [{dense: $channels}], if: $on}
  - dense: {units: 3, activation: softmax}
data: {source: {sklearn: iris}, targets: {species: {column: target}}, split: {validation: 0.3, by: stratified}}
train: {loss: sparse_categorical_crossentropy, metrics: [accuracy], optimizer: {adam: 0.01}}
tune: {objective: val_accuracy, trials: 3, epochs: 2}
"""


def _conditional(algorithm: str) -> str:
    return _IRIS.replace("ALGORITHM", algorithm)


SEARCHES = {
    "everywhere": EVERYWHERE,
    "grid": _conditional("grid, trials: 4, epochs: 1"),
    "bayesian": _SMALL,
    "hyperband": _conditional("hyperband, trials: 6, epochs: 4, seed: 0"),
    "phases": _PHASES,
    "words": _WORDS,
    "drawn": _DRAWN,
}


def write(name: str, folder: Path) -> Path:
    """The spec's file."""
    words = ("good", "bad", "fair", "odd", "new", "old")
    rows = (f"{words[row % 6]} {words[row % 5]} {words[row % 4]},{'yes' if row % 2 else 'no'}" for row in range(60))
    (folder / "a.csv").write_text("\n".join(["text,kind", *rows]) + "\n", encoding="utf-8")
    path = folder / f"{name}.yaml"
    path.write_text(SEARCHES[name], encoding="utf-8")
    return path
