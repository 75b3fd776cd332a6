"""What check knows of values: ranges of images against layers (W611), labels against frames, negative indices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support import compile_text, problems

SPEC = """\
inputs: {image: [8, 8, 1]}
layers:
  - random_brightness: {factor: 0.2, value_range: RANGE}
  - flatten
  - dense: {units: 10, activation: softmax}
data:
  source: {sklearn: digits}
  inputs: {image: {column: images, prepare: PREPARE}}
  targets: {digit: target}
train: {loss: sparse_categorical_crossentropy}
"""


@pytest.mark.parametrize(
    ("prepare", "values", "found"),
    [
        ("[{rescaling: 1 / 16}]", "[0, 1]", []),
        ("[{rescaling: {scale: 1 / 8, offset: -1}}]", "[-1, 1]", []),
        ("[{rescaling: 1 / 16}]", "[0, 255]", [("W611", 3, 5)]),
        ("[]", "[0, 16]", [("W610", 8, 19)]),
        ("[]", "[0, 1]", [("W611", 3, 5), ("W610", 8, 19)]),
        ("[normalization]", "[0, 1]", []),
    ],
)
def test_ranges_of_digits(prepare: str, values: str, found: list[tuple[str, int, int]], tmp_path: Path) -> None:
    state = compile_text(tmp_path, SPEC.replace("PREPARE", prepare).replace("RANGE", values))
    assert problems(state) == found


TRANSCRIPTS = """\
inputs: {sound: [5, 2]}
layers: [dense: 4]
data: {source: {npz: a.npz}, inputs: {sound: {column: sound}}, targets: {output: {column: words}}}
train: {loss: ctc}
"""


@pytest.mark.parametrize(
    ("labels", "needed"), [([1, 2, 3, 1, 2], 0), ([1, 1, 2, 2, 0], 6), ([1, 1, 2, 0, 0], 0), ([1, 2, 3, 1, 2, 1], 6)]
)
def test_ctc_has_a_frame_for_each_label(labels: list[int], needed: int, tmp_path: Path) -> None:
    words = np.zeros((10, len(labels)), np.int64)
    words[:, 0] = 1
    words[7] = labels
    np.savez(tmp_path / "a.npz", sound=np.random.default_rng(0).normal(size=(10, 5, 2)), words=words)
    state = compile_text(tmp_path, TRANSCRIPTS)
    assert [item.code for item in state.diagnostics.errors] == (["E605"] if needed else [])
    if needed:
        assert f"ctc needs {needed} frames" in state.diagnostics.errors[0].message


def test_ctc_takes_raw_scores(tmp_path: Path) -> None:
    text = "inputs: {sound: [5, 2]}\nlayers: [dense: {units: 4, activation: softmax}]\ntrain: {loss: ctc}\n"
    (item,) = compile_text(tmp_path, text).diagnostics.items
    assert (item.code, item.help) == ("W502", "leave `softmax` out")


def test_a_negative_index_is_no_index(tmp_path: Path) -> None:
    """Keras takes the last row for -1."""
    np.savez(tmp_path / "a.npz", word=np.array([0, 1, -1, 2] * 5), y=np.arange(20) % 2)
    text = """\
inputs: {word: {shape: [1], dtype: int64}}
layers: [{embedding: {input_dim: 3, output_dim: 2}}, flatten, {dense: {units: 1, activation: sigmoid}}]
data: {source: {npz: a.npz}, inputs: {word: {column: word}}, targets: {y: y}}
train: {loss: binary_crossentropy}
"""
    (error,) = compile_text(tmp_path, text).diagnostics.errors
    assert error.code == "E617"
    assert "brings -1" in error.message
