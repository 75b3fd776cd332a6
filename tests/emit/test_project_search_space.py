"""What ``tune.py`` of a generated project says of a search, and which searches it does not support."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from dlspec.passes import compile_spec
from dlspec.tuning.plan.plan import plan_of
from tests.emit.project_cases import CASES
from tests.emit.projects import emitted
from tests.emit.test_project import refusal
from tests.emit.tuned import EVERYWHERE, SEARCHES, write


def tune(text: str, folder: Path) -> dict[str, str]:
    """The files of a spec's project."""
    (folder / "spec.yaml").write_text(text, encoding="utf-8")
    return emitted(folder / "spec.yaml", folder / "project")[1]


RANGES = {
    "{int: [1, 9]}": 'hp.Int("p", 1, 9)',
    "{int: [1, 9], step: 4, default: 5}": 'hp.Int("p", 1, 9, step=4, default=5)',
    "{int: [1, 9], step: 4, default: 2}": 'hp.Choice("p", [1, 5, 9])',
    "{int: [2, 16], step: 2, log: true}": 'hp.Choice("p", [2, 4, 8, 16])',
    "{int: [1, 64], log: true, default: 8}": 'hp.Int("p", 1, 64, sampling="log", default=8)',
    "{float: [0.0, 0.3], step: 0.1}": 'hp.Choice("p", [0.0, 0.1, 0.2, 0.3])',
    "{float: [0.0, 1.0], step: 0.05, default: 0.5}": (
        'hp.Choice("p", [round(0.0 + number * 0.05, 2) for number in range(21)], default=0.5)'
    ),
    "{float: [0.1, 0.5]}": 'hp.Float("p", 0.1, 0.5)',
    "{choice: [0.1, 0.2], default: 0.2}": 'hp.Choice("p", [0.1, 0.2], default=0.2)',
}


@pytest.mark.parametrize("space", RANGES)
def test_a_range_is_written_as_keras_tuner_draws_it(space: str, tmp_path: Path) -> None:
    """The values are those that ``dlspec tune`` draws from, in the same order."""
    import keras_tuner

    from dlspec.tuning.plan.spaces import hyperparameters

    text = SEARCHES["bayesian"].replace("{int: [2, 12]}", "{int: [2, 12]}, p: " + space, 1)
    files = tune(text.replace("loss: sparse", "optimizer: {adam: '$p + 0.1'}, loss: sparse", 1), tmp_path)
    assert RANGES[space] in " ".join(files["tune.py"].split()).replace("( ", "(").replace(" )", ")")
    hp = keras_tuner.HyperParameters()
    exec(RANGES[space], {"hp": hp})
    plan = plan_of(compile_spec(tmp_path / "spec.yaml"))
    expected = hyperparameters({"p": plan.spaces["p"]}, {}, grid=False)
    one, other = hp.space[0], expected.space[0]
    assert one.default == other.default
    drawn = [share / 97 for share in range(97)]
    assert [one.prob_to_value(share) for share in drawn] == [other.prob_to_value(share) for share in drawn]


def test_a_choice_of_optimizers(tmp_path: Path) -> None:
    files = tune(SEARCHES["phases"], tmp_path)
    assert '{"adam": keras.optimizers.Adam(), "sgd": keras.optimizers.SGD()}[by]' in files["train.py"]
    assert "keras.losses.CategoricalCrossentropy(label_smoothing=smooth)" in files["train.py"]


def test_what_a_project_needs_and_says(tmp_path: Path) -> None:
    files = tune(SEARCHES["bayesian"], tmp_path)
    packages = {line.partition("==")[0] for line in files["requirements.txt"].split()}
    assert {"keras-tuner", "tensorboard", "scikit-learn", "scipy"} <= packages
    assert "| `tune.py` |" in files["README.md"] and "`python tune.py`" in files["README.md"]


def test_a_search_that_goes_nowhere_else_is_left_out(tmp_path: Path) -> None:
    """A spec that has search spaces and no `tune` trains with their defaults."""
    text, _, _ = SEARCHES["phases"].partition("tune:")
    files = tune(text, tmp_path)
    assert "tune.py" not in files and "--smooth" not in files["train.py"]
    assert "label_smoothing=0.0" in files["train.py"]


def test_text_is_a_constant(tmp_path: Path) -> None:
    hostile = 'a"); import os  # {{ 7 * 7 }} %s \\n'
    space = f"params: {{word: {{choice: [a, {json.dumps(hostile)}]}}, "
    files = tune(SEARCHES["bayesian"].replace("params: {", space, 1), tmp_path)
    values = [node.value for node in ast.walk(ast.parse(files["tune.py"])) if isinstance(node, ast.Constant)]
    assert hostile in values and "import os" not in files["tune.py"].replace(json.dumps(hostile), "").replace(
        repr(hostile), ""
    )


REFUSED = {
    "limits: {parameters: 1500}": ("limits: {flops: 1e6}", "a limit of `flops`, which Keras does not count"),
    "limits: {parameters: 1500},": ("limits: {memory: 1.0e+9},", "a limit of `memory`, which Keras does not count"),
    "validation: 0.3, by": ("validation: $share, by", "a search of `split` in `data`"),
    "metrics: [accuracy]": ("metrics: [accuracy], precision: $kind", "a search of `precision` in `train`"),
}


@pytest.mark.parametrize("place", REFUSED)
def test_what_has_no_words(place: str, tmp_path: Path) -> None:
    written, reason = REFUSED[place]
    text = EVERYWHERE.replace(place, written).replace("  metrics: [accuracy], prec", "  metrics: [accuracy]\n  prec")
    text = text.replace("params:\n", "params:\n  share: {choice: [0.2, 0.3]}\n", 1) if "$share" in text else text
    text = text.replace("params:\n", "params:\n  kind: {choice: [float32, mixed_float16]}\n", 1)
    (tmp_path / "spec.yaml").write_text(text, encoding="utf-8")
    said = refusal("export", str(tmp_path / "spec.yaml"), "--project", str(tmp_path / "project"))
    assert f"error[E705]: `export --project` does not support {reason}" in said


def test_a_searched_vocabulary_with_marks(tmp_path: Path) -> None:
    text = CASES["two_texts_prepared_alike"](tmp_path).replace("max_tokens: 24", "max_tokens: $most")
    searched = f"params: {{most: {{choice: [20, 24]}}}}\n{text}tune: {{trials: 2}}\n"
    (tmp_path / "spec.yaml").write_text(searched, encoding="utf-8")
    said = refusal("export", str(tmp_path / "spec.yaml"), "--project", str(tmp_path / "project"))
    assert "error[E705]: `export --project` does not support a search of options of `prepare` beside `marks`" in said


def test_a_parameter_that_decides_what_is_written(tmp_path: Path) -> None:
    path = write("bayesian", tmp_path)
    text = path.read_text(encoding="utf-8").replace("{units: {int", "{how: {choice: [add, multiply]}, units: {int")
    two = "{parallel: {branches: [[{dense: 4}], [{dense: 4}]], merge: $how}}, "
    path.write_text(text.replace("layers: [", f"layers: [{two}"), encoding="utf-8")
    said = refusal("export", str(path), "--project", str(tmp_path / "project"))
    assert "a search of `how`, which decides what is written in `model.py`" in said


LAYERS = """
name: drawn
params: {{deep: {{int: [1, 2]}}, units: {{int: [4, 8], each_time: true}}}}
inputs: {{x: [4]}}
{layers}
data: {{source: {{sklearn: iris}}, targets: {{y: {{column: target}}}}}}
train: {{loss: sparse_categorical_crossentropy}}
tune: {{objective: loss, trials: 3}}
"""
HEAD = "- dense: {units: 3, activation: softmax}"
UNUSUAL = {
    "layers: [{repeat: {times: 2, layers: [{dense: {units: $units, repeat: $deep}}]}}, HEAD]": (
        "in a repeat inside of another"
    ),
    "blocks: {B: {layers: [{dense: {units: $units, repeat: 2}}]}}\nlayers: [B, B, HEAD]": (
        "in a repeat inside of the block `B`"
    ),
    "blocks: {B: {params: {size: $units}, layers: [{dense: $size}]}}\nlayers: [B, B, HEAD]": (
        "in a default of the block `B`"
    ),
    "models: {M: {inputs: {z: [4]}, layers: [{dense: $units}, {dense: $units}]}}\nlayers: [M, HEAD]": (
        "in a shared model"
    ),
    "layers: [{dense: {units: $units, name: of_$units}}, {dense: $units}, HEAD]": "in a name",
    "layers: [{repeat: {times: 3, layers: [{dense: {units: $units, if: $index != 1}}]}}, HEAD]": (
        "where some turns in between do not use it"
    ),
}


@pytest.mark.parametrize("layers", UNUSUAL)
def test_uses_that_cannot_tell_which_value_is_their_own(layers: str, tmp_path: Path) -> None:
    text = LAYERS.format(layers=layers.replace("HEAD", HEAD.removeprefix("- ")))
    (tmp_path / "spec.yaml").write_text(text, encoding="utf-8")
    said = refusal("export", str(tmp_path / "spec.yaml"), "--project", str(tmp_path / "project"))
    assert f"error[E705]: `export --project` does not support `each_time` of `units` {UNUSUAL[layers]}" in said


def test_each_use_takes_its_own_element(tmp_path: Path) -> None:
    """In the model, in a repeat, as what is handed to a block, and in one; a count is read before the first turn."""
    layers = """blocks: {B: {params: {size}, layers: [{dense: $size}, {dense: $units}]}}
layers:
  - dense: {units: $units * 2, repeat: $units}
  - repeat: {times: $deep, layers: [{dense: $units}]}
  - B: {size: $units, repeat: 2}
  - """ + HEAD.removeprefix("- ")
    files = tune(LAYERS.format(layers=layers), tmp_path)
    model = " ".join(files["model.py"].split())
    assert "units: tuple[int, ...] = (4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4)" in model
    assert "for index in range(units[0]): y = layers.Dense(units[index + 1] * 2)(y)" in model
    assert "for index in range(deep): y = layers.Dense(units[index + 9])(y)" in model
    assert "y = b(y, units[index + 11], units=units[index + 13])" in model
    assert "values.get(use, 4) for use in (" in " ".join(files["tune.py"].split())
    assert 'type=json.loads, default="[4, 4, 4, ' in " ".join(files["train.py"].split())
