"""Generated modules against built models: every spec of the gallery, and random ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dlspec.export.python.module import emit_model, flat, structured
from dlspec.passes import compile_spec
from tests.emit.equality import compare, compiled
from tests.random_specs import Writer
from tests.support import LARGE_MODEL, ROOT, SPECS

ALIKE = {"vgg16", "resnet152", "alexnet"}
LARGE = {"vgg16", "resnet152", "deeplab", "fcn8s", "transformer", "vit_b16", "alexnet", "zfnet"}


def gallery() -> list[object]:
    """All specs that hold a model."""
    paths = [ROOT / path for path in SPECS]
    return [pytest.param(path, id=path.stem, marks=_marks(path.stem)) for path in paths]


def _marks(name: str) -> list[pytest.MarkDecorator]:
    """Large models come late; of those that stack layers of one kind, one is enough for every change."""
    large = [pytest.mark.slow, LARGE_MODEL] if name in LARGE else []
    return [*large, pytest.mark.exhaustive] if name in ALIKE else large


@pytest.mark.parametrize("path", gallery())
def test_a_spec_and_its_module_are_equal(path: Path) -> None:
    state = compiled(path)
    structured(state)  # no spec of the gallery falls back to a list of layers
    compare(state, emit_model(state))


OTHER_VALUES = {
    "segmentation/unet": {"width": 4, "classes": 3},
    "start/churn": {"depth": 3, "units": 64, "act": "gelu"},
    "cnn/resnet50": {"classes": 5, "depths": (1, 1, 2, 1)},
    "attention/attention_by_hand": {"width": 16},
    "attention/transformer": {"depth": 1, "width": 32, "heads": 2, "words": 50},
}


@pytest.mark.parametrize("spec", OTHER_VALUES)
def test_arguments_are_what_set_is_for_a_spec(spec: str) -> None:
    """`build_model(width=4)` is the model of `--set params.width=4`."""
    path = ROOT / "specs" / f"{spec}.yaml"
    values = OTHER_VALUES[spec]
    overrides = [f"params.{word}={json.dumps(value)}" for word, value in values.items()]
    compare(compile_spec(path, overrides), emit_model(compiled(path)), **values)


SHAPES = """
name: shapes
params: {width: 6, half: 3, twice: 2}
inputs: {x: [4, 3]}
blocks:
  Folded:
    params: {size}
    layers:
      - ops.reshape: [-1, $size]
      - dense: $size
layers:
  - dense: $width
  - ops.reshape: [2, -1, $half]
  - ops.tile: [1, $twice, 1]
  - ops.reshape: [-1]
  - ops.reshape: [$half, -1]
  - Folded: $half
  - Folded: 2
  - ops.slice: {start_indices: [0, 0], shape: [$twice, -1]}
  - ops.pad: [[$twice, 0], [0, 1]]
  - flatten
"""


@pytest.mark.parametrize("values", [{}, {"width": 12}, {"width": 12, "half": 6, "twice": 3}])
def test_shapes_that_operations_work_out_follow_the_arguments(values: dict[str, int], tmp_path: Path) -> None:
    path = tmp_path / "shapes.yaml"
    path.write_text(SHAPES, encoding="utf-8")
    overrides = [f"params.{word}={value}" for word, value in values.items()]
    compare(compile_spec(path, overrides), emit_model(compiled(path)), **values)


def test_shapes_that_nothing_changes_are_written_out(tmp_path: Path) -> None:
    path = tmp_path / "shapes.yaml"
    path.write_text("inputs: {x: [4, 3]}\nlayers: [{ops.reshape: [-1, 2]}]\n", encoding="utf-8")
    assert "ops.reshape(x, newshape=(-1, 6, 2))" in emit_model(compiled(path))


@pytest.mark.parametrize("seed", range(20))
def test_random_specs_and_their_modules_are_equal(seed: int, tmp_path: Path) -> None:
    path = tmp_path / "random.yaml"
    path.write_text(Writer(seed).text(), encoding="utf-8")
    state = compiled(path)
    compare(state, emit_model(state))


def test_without_structure_a_module_is_equal_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("dlspec.export.python.module.structured", flat)
    for seed in range(5):
        path = tmp_path / "random.yaml"
        path.write_text(Writer(seed).text(), encoding="utf-8")
        state = compiled(path)
        compare(state, emit_model(state))


LET = """
name: turns
params: {base: 4}
inputs: {a: [8]}
layers:
  - repeat:
      times: 3
      let: {w: $base * 2 ** $index, v: $w + $channels, sizes: "[$w, $v]"}
      layers:
        - dense: $w
        - dense: {units: "$sizes[1]"}
        - repeat: {each: {k: "$sizes + [2]"}, let: {w: $k + $w}, layers: [dense: $w]}
        - dense: {units: $w, name: level_$w}
  - repeat:
      times: 2
      let: {act: "'relu' if $index else 'tanh'", half: $channels // 2}
      layers: [{dense: {units: $half, activation: $act}}]
"""


@pytest.mark.parametrize("values", [{}, {"base": 6}])
def test_what_turns_work_out_follows_the_arguments(values: dict[str, int], tmp_path: Path) -> None:
    path = tmp_path / "turns.yaml"
    path.write_text(LET, encoding="utf-8")
    source = emit_model(compiled(path))
    assert "        w = base * 2**index\n        v = w + y.shape[-1]\n        sizes = (w, v)\n" in source.replace(
        "x.", "y."
    )
    compare(compile_spec(path, [f"params.{word}={value}" for word, value in values.items()]), source, **values)


SIZES = """
name: sizes
params: {width: 5}
inputs: {a: [6, 6, 3], b: [3, 3, 4]}
blocks:
  Fit:
    inputs: [before, here]
    params: {filters: $channels(here), rows: "$shape(here)[0]"}
    layers:
      - average_pooling2d: {pool_size: "$shape[0] // $rows", from: before}
      - conv2d: {filters: $filters, kernel_size: 1, if: $channels != $channels(here)}
      - add: [here, prev]
  Wide: {params: {n: $channels(input) * 2}, layers: [{conv2d: {filters: $n, kernel_size: 1}}]}
layers:
  - conv2d: {filters: $width, kernel_size: 3, padding: same, from: b, name: small}
  - Fit: {from: [a, small]}
  - repeat:
      times: $channels(small) - 3
      layers:
        - conv2d: {filters: $channels + 1, kernel_size: 1, name: wide}
        - residual:
            - conv2d: {filters: "max($shape(wide)) // 4", kernel_size: 1}
            - conv2d: {filters: "len($shape(wide)) - 3 + $channels(wide)", kernel_size: 1}
  - Wide
"""


@pytest.mark.parametrize("values", [{}, {"width": 7}])
def test_sizes_of_named_tensors_follow_the_arguments(values: dict[str, int], tmp_path: Path) -> None:
    path = tmp_path / "sizes.yaml"
    path.write_text(SIZES, encoding="utf-8")
    source = emit_model(compiled(path))
    assert (
        "    if x.shape[-1] != here.shape[-1]:\n" in source and "    for _ in range(small.shape[-1] - 3):\n" in source
    )
    compare(compile_spec(path, [f"params.{word}={value}" for word, value in values.items()]), source, **values)


CELLS = """
name: cells
params: {depth: 3}
inputs: {a: [4]}
blocks:
  Cell: {inputs: [before, here], layers: [{dense: {units: 4, from: before}}, {subtract: [here, prev]}]}
layers:
  - dense: {units: 4, name: cell_0}
  - dense: {units: 4, name: cell_1}
  - repeat:
      times: $depth
      layers:
        - Cell: {from: [cell_$index, cell_$($index + 1)], name: cell_$($index + 2)}
"""


@pytest.mark.parametrize("values", [{}, {"depth": 5}])
def test_turns_that_take_several_earlier_ones_stay_a_loop(values: dict[str, int], tmp_path: Path) -> None:
    path = tmp_path / "cells.yaml"
    path.write_text(CELLS, encoding="utf-8")
    source = emit_model(compiled(path))
    assert "        cells[index + 2] = cell(cells[index], cells[index + 1])\n" in source
    compare(compile_spec(path, [f"params.{word}={value}" for word, value in values.items()]), source, **values)


def test_words_for_what_has_no_name_do_not_run_out(tmp_path: Path) -> None:
    words = ("x", "y", "z", "hidden", "features_x", "x_0", "hidden_1")
    path = tmp_path / "words.yaml"
    layers = "".join(f"  - dense: ${word}\n" for word in words)
    path.write_text(
        f"name: words\nparams: {{{', '.join(f'{word}: 2' for word in words)}}}\ninputs: {{a: [2]}}\nlayers:\n{layers}"
    )
    state = compiled(path)
    compare(state, emit_model(state))


@pytest.mark.parametrize("last", ["dense: 4", "dense: {units: 4, repeat: 2}", "dense: {units: 4, if: false}"])
def test_the_last_output_is_an_output_by_the_word_prev(last: str, tmp_path: Path) -> None:
    path = tmp_path / "last.yaml"
    turns = f"  - repeat: {{times: 2, layers: [dense: {{units: 3, name: turn_$index}}]}}\n  - {last}\n"
    steps = f"      - dense: {{units: 3, name: kept}}\n      - {last}\n    outputs: [kept, prev]\n"
    block = f"blocks:\n  Two:\n    layers:\n{steps}"
    called = "  - Two: {name: [left, right]}\n  - concatenate: [left, right]\n"
    for blocks, layers, outputs in (("", turns, "[turn_0, prev]"), ("", turns, "prev"), (block, called, "prev")):
        head = f"name: last\ninputs: {{x: [2]}}\n{blocks}"
        path.write_text(f"{head}layers:\n{layers}outputs: {outputs}\n", encoding="utf-8")
        state = compiled(path)
        compare(state, emit_model(state))
