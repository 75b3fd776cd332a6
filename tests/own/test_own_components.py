"""Components of a spec's own Python files: what is read of them, what is said of their mistakes, what they cost."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dlspec.components.own.reading import read
from dlspec.passes import Checked, Compilation, Workspace, compile_spec
from tests.own import PARTS, SPEC
from tests.support import dlspec

LAYER = """
import keras


class Scale(keras.layers.Layer):
    def __init__(self, factor: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, inputs):
        return inputs * self.factor

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}
"""
USE = "extensions: [parts.py]\ninputs: {x: [4, 3]}\nlayers:\n  - scale: 2\n  - dense: 1\n"


def compiled(folder: Path, code: str, spec: str = USE, *, allow_code: bool = True) -> Compilation:
    (folder / "parts.py").write_text(code)
    (folder / "spec.yaml").write_text(spec)
    return compile_spec(folder / "spec.yaml", workspace=Workspace(allow_code=allow_code))


def said(state: Compilation) -> list[tuple[str, str, int]]:
    return [(item.code, item.message, item.span.line if item.span else 0) for item in state.diagnostics.sorted()]


def test_a_file_is_read_and_not_run() -> None:
    found = {item.name: item for item in read({"parts": PARTS.read_text() + "\nraise SystemExit('it ran')\n"})}
    kinds = {name: item.kind for name, item in found.items()}
    assert kinds == {
        "Scale": "layer", "Noise": "layer", "Squared": "loss", "Within": "metric", "Step": "optimizer",
        "Halving": "schedule", "Quartic": "regularizer", "Stripes": "initializer", "AtMost": "constraint",
        "Counting": "callback",
    }  # fmt: skip
    assert [(one.name, one.annotation, one.required) for one in found["Noise"].parameters] == [
        ("stddev", "float", True),
        ("seed", "int | None", False),
    ]
    assert found["Step"].keras == "keras.optimizers.SGD"
    assert found["Step"].takes_others and not found["Halving"].takes_others
    assert found["Within"].constants["direction"] == "up"


def test_bases_are_followed_through_files_and_imports() -> None:
    base = "from keras import layers as L\nclass _Base(L.Layer):\n    def __init__(self, a=1, **kwargs): ...\n"
    other = (
        "import tensorflow as tf\nfrom base import _Base\nclass One(_Base): ...\nclass Two(tf.keras.losses.Loss): ...\n"
    )
    found = read({"base": base, "other": other})
    assert [(one.name, one.kind, [p.name for p in one.parameters]) for one in found] == [
        ("One", "layer", ["a"]),
        ("Two", "loss", []),
    ]


def test_without_leave_nothing_runs_and_options_are_checked(tmp_path: Path) -> None:
    code = f"{LAYER}\nraise SystemExit('it ran')\n"
    before = set(sys.modules)
    assert said(compiled(tmp_path, code, allow_code=False)) == [
        ("E110", "the spec runs code of its own (`parts.py`)", 1)
    ]
    wrong = USE.replace("scale: 2", "scale: {factr: 2}")
    assert said(compiled(tmp_path, code, wrong, allow_code=False))[1:] == [
        ("E202", "unknown option of scale `factr`", 4)
    ]
    assert "parts" not in set(sys.modules) - before


def test_shapes_weights_and_masks_are_those_of_the_class() -> None:
    state = compile_spec(SPEC, workspace=Workspace(allow_code=True))
    graph = state.reached(Checked).graph
    nodes = {node.name: node for node in graph.nodes}
    assert [weight.shape for weight in nodes["scale"].weights] == [(8,)]
    assert graph.parameters == 10 * 8 + 8 + 8 + 8 + 1
    assert graph.flops is None
    assert state.catalogue.used.keys() == {"parts"}


@pytest.mark.parametrize("passes", [True, False])
def test_a_mask_goes_on_where_the_class_lets_it(tmp_path: Path, passes: bool) -> None:
    code = LAYER.replace("self.factor = factor", f"self.factor = factor\n        self.supports_masking = {passes}")
    spec = USE.replace("{x: [4, 3]}", "{x: {shape: [5], dtype: int32}}").replace(
        "  - scale", "  - embedding: {input_dim: 9, output_dim: 3, mask_zero: true}\n  - scale"
    )
    state = compiled(tmp_path, code, spec + "  - global_average_pooling1d\n")
    graph = state.reached(Checked).graph
    assert [node.outputs[0].masked for node in graph.nodes if node.kind == "scale"] == [passes]
    assert [item.code for item in state.diagnostics.items] == [] if passes else ["W402"]


MISTAKES = {
    "the call fails": (
        LAYER.replace("inputs * self.factor", "inputs * self.factr"),
        "`Scale` raised AttributeError: 'Scale' object has no attribute 'factr' (parts.py, line 11)",
        4,
    ),
    "options are lost": (
        LAYER.replace(', "factor": self.factor', ""),
        "`Scale` cannot be saved: its `get_config` leaves out `factor`",
        4,
    ),
    "the constructor refuses": (
        LAYER.replace("self.factor = factor", "raise ValueError('not today')"),
        "`Scale` raised ValueError: not today (parts.py, line 8)",
        4,
    ),
    "no batch": (
        LAYER.replace("return inputs * self.factor", "return keras.ops.mean(inputs)"),
        "`Scale` gives something whose first axis does not count the examples",
        4,
    ),
    "the import fails": (f"{LAYER}\nimport nowhere_at_all\n", "`Scale` raised ModuleNotFoundError", 4),
    "no Python": (f"{LAYER}\ndef\n", "`parts.py`, line 16, is no Python: invalid syntax", 1),
    "no name": (
        LAYER.replace(", **kwargs", "").replace("**kwargs", ""),
        "`parts.py`, line 5, cannot be named: `__init__` of the layer `Scale` takes no `name`",
        1,
    ),
    "a reserved name": (
        LAYER.replace("factor: float", "weights: float"),
        "`parts.py`, line 5, has an option `weights`, a name that dlspec uses itself",
        1,
    ),
    "a name of Keras": (
        LAYER.replace("Scale", "Dense"),
        "`parts.py`, line 5, declares the layer `dense`, which dlspec itself has as well",
        1,
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_said_at_their_line(tmp_path: Path, mistake: str) -> None:
    code, message, line = MISTAKES[mistake]
    found = said(compiled(tmp_path, code))
    assert len(found) == 1, found
    assert found[0][0] == ("E104" if "which dlspec" in message else "E111")
    assert found[0][1].startswith(message)
    assert found[0][2] == line


TRAINED = (
    USE.replace("{x: [4, 3]}", "{x: [2]}").replace("dense: 1", "dense: {units: 1, name: y}")
    + "data: {source: {sklearn: diabetes}, inputs: {x: {columns: [bmi, bp]}}, targets: {y: target}}\n"
)


@pytest.mark.parametrize(
    ("code", "train", "message"),
    [
        (
            "class Odd(keras.losses.Loss):\n    def call(self, a, b): return a.nothing",
            "{loss: odd}",
            "`Odd` raised Attr",
        ),
        (
            "class Odd(keras.metrics.Metric):\n    def __init__(self, name=None): super().__init__(name=name)\n"
            "    def update_state(self, a, b, sample_weight=None): ...\n    def result(self): return [1.0, 2.0]",
            "{loss: mse, metrics: [odd]}",
            "`Odd` gives a tensor of shape [2], expected one number",
        ),
        (
            "class Odd(keras.metrics.Metric):\n    direction = 'left'\n    def __init__(self, name=None): ...",
            "{loss: mse, metrics: [odd]}",
            "`parts.py`, line 16, has `direction = 'left'`: it tells dlspec what the metric is",
        ),
        (
            "class Odd(keras.optimizers.Optimizer):\n    def __init__(self, learning_rate=0.1, **kwargs):\n"
            "        super().__init__(learning_rate, **kwargs)",
            "{loss: mse, optimizer: odd}",
            "`Odd` raised NotImplementedError",
        ),
        (
            "class Odd(keras.regularizers.Regularizer):\n    def __call__(self, weight): return weight",
            "{loss: mse}",
            "`Odd` gives a tensor of shape [2, 1], expected one number",
        ),
        (
            "class Odd(keras.initializers.Initializer):\n    def __call__(self, shape, **_): return keras.ops.ones(3)",
            "{loss: mse}",
            "`Odd` gives a tensor of shape [3] for [2, 1]",
        ),
    ],
    ids=["loss", "metric", "fact", "optimizer", "regularizer", "initializer"],
)
def test_what_fails_on_zeros_is_said_before_training(tmp_path: Path, code: str, train: str, message: str) -> None:
    spec = f"{TRAINED}train: {train}\n"
    for kind in ("regularizer", "initializer"):
        if f"keras.{kind}s." in code:
            spec = spec.replace("units: 1", f"units: 1, kernel_{kind}: odd")
    found = said(compiled(tmp_path, f"{LAYER}\n{code}\n", spec))
    assert [code for code, *_ in found] == ["E111"], found
    assert found[0][1].startswith(message)


def test_a_file_whose_components_nobody_uses_is_told(tmp_path: Path) -> None:
    state = compiled(tmp_path, LAYER, USE.replace("  - scale: 2\n", ""))
    assert said(state) == [("W401", "`parts.py` of `extensions` is used nowhere", 1)]


def test_two_specs_in_one_process_have_their_own(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / str(number)).mkdir()
    grown = LAYER.replace("return inputs * self.factor", "return keras.ops.concatenate([inputs, inputs], -1)")
    one, two = (compiled(tmp_path / str(number), code) for number, code in ((1, LAYER), (2, grown)))
    widths = [state.reached(Checked).graph.nodes[1].outputs[0].shape for state in (one, two)]
    assert widths == [(4, 3), (4, 6)]


def test_messages_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "parts.py").write_text(LAYER + "\nprint('loaded')\n")
    (tmp_path / "spec.yaml").write_text(USE)
    done = dlspec("check", "spec.yaml", "--allow-code", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "spec.yaml: ok, 2 layers, 4 parameters\n")
    assert done.stderr == "loaded\n"  # not a word of TensorFlow
