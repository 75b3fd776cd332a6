"""Random inputs stay inside of what a model takes; differences are measured as documented."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from models import built

from dlspec.export.formats.comparison import difference, reference
from dlspec.export.formats.samples import Domain, batch, domains


def test_limits_come_from_the_layers_that_read(tmp_path: Path) -> None:
    model = built(
        tmp_path,
        """
inputs: {a: {shape: [2], dtype: int32}, b: {shape: [2], dtype: int32}, n: {shape: [2], dtype: int64}}
layers:
  - flatten: {from: a}
  - embedding: {input_dim: 5, output_dim: 3, name: one}
  - embedding: {input_dim: 3, output_dim: 3, from: b, name: other}
  - integer_lookup: {vocabulary: [12, 36], num_oov_indices: 0, from: n}
  - embedding: {input_dim: 9, output_dim: 3, name: looked_up}
  - add: [one, other, looked_up]
""",
    )
    assert domains(model) == {"a": Domain(below=5), "b": Domain(below=3), "n": Domain(values=(12, 36))}
    values = batch(model, 200, 8, 0)
    assert {name: (int(value.min()), int(value.max()), str(value.dtype)) for name, value in values.items()} == {
        "a": (0, 4, "int32"),
        "b": (0, 2, "int32"),
        "n": (12, 36, "int64"),
    }


def test_limits_are_found_inside_of_nested_models() -> None:
    inner = keras.Input((), dtype="int32", name="inner")
    core = keras.Model(inner, keras.layers.Embedding(4, 2)(inner))
    word = keras.Input((), dtype="string", name="word")
    index = keras.layers.StringLookup(vocabulary=["x", "y"])(word)
    number = keras.Input((), dtype="int32", name="number")
    model = keras.Model([word, number], [core(index), core(number)])
    assert domains(model) == {"word": Domain(values=("x", "y", "qqq")), "number": Domain(below=4)}


def test_lookups_that_turn_back_take_indices() -> None:
    index = keras.Input((3,), dtype="int64", name="index")
    layer = keras.layers.StringLookup(vocabulary=["x", "y"], invert=True)
    model = keras.Model(index, layer(index))
    assert domains(model) == {"index": Domain(below=3)}
    assert set(batch(model, 50, 8, 0)["index"].flat) == {0, 1, 2}


def test_texts_have_known_and_unknown_words() -> None:
    text = keras.Input((), dtype="string", name="text")
    layer = keras.layers.TextVectorization(vocabulary=["good", "bad"], output_sequence_length=4)
    values = batch(keras.Model(text, layer(text)), 50, 8, 1)["text"]
    assert {word for value in values for word in value.split()} == {"good", "bad", "qqq"}


def test_open_axes_grow_until_the_model_takes_them() -> None:
    image = keras.Input((None, None, 1), name="image")
    x = keras.layers.MaxPooling2D(20)(image)
    model = keras.Model(image, {"out": x})
    assert [value["image"].shape for value in reference(model).inputs] == [(1, 32, 32, 1), (3, 64, 64, 1)]


def test_difference_is_relative_to_the_scale() -> None:
    big = np.array([1000.0, 1.0])
    assert difference([(big, big + 1)]) == 1e-3
    assert difference([(big, big), (big / 1000, big / 1000 + 1)]) == 1e-3
    assert difference([(np.zeros(2), np.full(2, 1e-6))]) == 1e-3
    assert difference([(np.array([np.nan, np.inf, 1]), np.array([np.nan, np.inf, 1]))]) == 0
    assert difference([(np.array([np.inf]), np.array([-np.inf]))]) == float("inf")
    assert difference([(np.array([1.0]), np.array([np.nan]))]) == float("inf")
    assert difference([(np.zeros(2), np.zeros(3))]) == float("inf")
    assert difference([(np.zeros(2), None)]) == float("inf")
    assert difference([(np.array(["a"], object), np.array(["b"], object))]) == float("inf")
