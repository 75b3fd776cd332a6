"""Layers that fill in missing values, and those that change sounds and texts at random: values, saving, loading."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from both import CATALOGUE, instance

NAN = np.nan
ROWS = np.array([[1, NAN], [3, 10], [3, 20], [NAN, 60]], "float32")


def made(name: str, options: Any = None) -> Any:
    """The Keras layer of a declaration."""
    return instance(CATALOGUE["layer", name], options).make()


@pytest.mark.parametrize(
    ("strategy", "expected"), [("mean", [7 / 3, 30]), ("median", [3, 20]), ("most_frequent", [3, 10])]
)
def test_a_measured_number_for_each_feature(strategy: str, expected: list[float]) -> None:
    layer = made("imputation", {"strategy": strategy})
    layer.adapt(ROWS)
    np.testing.assert_allclose(layer(np.array([[NAN, NAN]], "float32")), [expected], rtol=1e-6)
    np.testing.assert_array_equal(layer(ROWS[1:3]), ROWS[1:3])


def test_a_given_number_and_the_indicator() -> None:
    layer = made("imputation", {"strategy": "constant", "fill_value": -1, "indicator": True})
    assert not hasattr(layer, "adapt")
    np.testing.assert_array_equal(layer(ROWS[:2]), [[1, -1, 0, 1], [3, 10, 0, 0]])


def test_a_feature_without_any_value_becomes_zero() -> None:
    layer = made("imputation", {"strategy": "median"})
    layer.adapt(np.array([[NAN, 1], [NAN, 2]], "float32"))
    np.testing.assert_array_equal(layer(np.array([[NAN, NAN]], "float32")), [[0, 1.5]])


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras 3.15 with NumPy 2 warns whenever it saves
def test_fitted_state_is_saved(tmp_path: Path) -> None:
    numbers, words = keras.Input((2,)), keras.Input((), dtype="string")
    filling, wording = made("imputation", {"strategy": "median", "indicator": True}), made("text_imputation")
    filling.adapt(ROWS)
    wording.adapt(np.array(["b", "a", "b", "", ""], dtype=object))
    lookup = keras.layers.StringLookup(vocabulary=["a", "b"])
    model = keras.Model([numbers, words], [filling(numbers), lookup(wording(words))])
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    values, index = again([keras.ops.convert_to_tensor(value) for value in (np.array([[NAN, 5]], "float32"), [""])])
    np.testing.assert_array_equal(values, [[3, 5, 1, 0]])
    assert index.numpy().tolist() == [2], "`b` is the most frequent word"


def test_a_word_of_your_own() -> None:
    layer = made("text_imputation", {"strategy": "constant", "fill_value": "unknown"})
    found = layer(keras.ops.convert_to_tensor([["", "a"]]))
    assert found.numpy().tolist() == [[b"unknown", b"a"]]


def test_sound_is_shifted_and_padded_with_zeros() -> None:
    sound = np.tile(np.arange(1, 9, dtype="float32"), (50, 1))
    moved = np.array(made("random_time_shift", {"factor": 0.5, "seed": 1})(sound, training=True))
    shifts = set()
    for row in moved:
        kept = row[row > 0]
        np.testing.assert_array_equal(kept, np.arange(kept[0], kept[0] + len(kept)))
        shifts.add(int(np.flatnonzero(row)[0] - (kept[0] - 1)))
    assert {-3, 0, 3} <= shifts <= set(range(-4, 5))
    channels = made("random_time_shift", {"factor": 0.5, "seed": 1})(np.stack([sound, -sound], -1), training=True)
    np.testing.assert_array_equal(channels[..., 0], -channels[..., 1])


def test_sound_is_played_at_another_speed() -> None:
    ramp = np.tile(np.arange(100, dtype="float32"), (20, 1))
    played = np.array(made("random_speed", {"factor": 0.2, "seed": 1})(ramp, training=True))
    speeds = played[:, 50] / 50
    assert speeds.min() < 0.95
    assert speeds.max() > 1.05
    assert (abs(speeds - 1) <= 0.2).all()
    for row, speed in zip(played, speeds, strict=True):
        inside = np.arange(100) * speed <= 98.5
        np.testing.assert_allclose(row[inside], np.arange(100)[inside] * speed, rtol=1e-4, atol=1e-3)


def tone(sound: Any) -> float:
    """Cycles in a sound, with the parabola through the loudest frequency and those beside it."""
    loud = np.log(abs(np.fft.rfft(sound * np.hanning(len(sound)))) + 1e-9)
    top = int(loud.argmax())
    low, high = loud[top - 1], loud[top + 1]
    return float(top + (low - high) / 2 / (low - 2 * loud[top] + high))


@pytest.mark.parametrize("semitones", [-12, -5, 0, 3, 7, 12])
def test_sound_is_played_at_another_pitch(semitones: int) -> None:
    """The tone, its loudness, and when it sounds: from a quarter to three quarters of a second."""
    time = np.arange(8000) / 8000
    burst = np.where(abs(time - 0.5) < 0.25, np.sin(2 * np.pi * 500 * time), 0).astype("float32")
    layer = made("random_pitch", 12)
    played = np.array(layer.shifted(burst[None], np.array([semitones], "float32")))[0]
    middle = played[2800:5200]
    assert tone(middle) == pytest.approx(tone(burst[2800:5200]) * 2 ** (semitones / 12), rel=2e-3)
    assert np.sqrt((middle**2).mean()) == pytest.approx(np.sqrt(0.5), rel=0.06)
    assert abs(played[:1500]).max() < 0.05 and abs(played[6500:]).max() < 0.05
    if not semitones:
        np.testing.assert_allclose(middle, burst[2800:5200], atol=0.01)


def test_each_sound_has_a_pitch_of_its_own() -> None:
    burst = np.sin(np.arange(2000) / 4).astype("float32")
    sounds = np.tile(np.stack([burst, -burst], axis=-1), (20, 1, 1))
    played = np.array(made("random_pitch", {"semitones": 4, "frame_length": 256, "seed": 1})(sounds, training=True))
    semitones, others = (
        [12 * np.log2(tone(sound) / tone(burst)) for sound in played[..., channel]] for channel in (0, 1)
    )
    np.testing.assert_allclose(semitones, others, atol=0.1)
    assert min(semitones) < -2 and max(semitones) > 2 and max(np.abs(semitones)) < 4.1


def test_tokens_move_within_a_distance() -> None:
    tokens = np.tile(np.r_[np.arange(1, 11), [0, 0]], (50, 1))
    moved = np.array(made("random_token_shuffle", {"distance": 2, "seed": 1})(tokens, training=True))
    assert (moved != tokens).any()
    assert (moved[:, 10:] == 0).all()
    assert (np.sort(moved[:, :10], axis=1) == np.arange(1, 11)).all()
    assert abs(np.argsort(moved[:, :10], axis=1) - np.arange(10)).max() <= 2


def test_tokens_are_dropped_and_the_others_move_up() -> None:
    tokens = np.tile(np.r_[np.arange(1, 11), [0, 0]], (200, 1))
    left = np.array(made("random_token_drop", {"rate": 0.3, "seed": 1})(tokens, training=True))
    assert 0.6 < (left > 0).sum() / (tokens > 0).sum() < 0.8
    for row in left:
        kept = row[row > 0]
        assert (row[: len(kept)] == kept).all()
        assert (np.diff(kept) > 0).all()


def test_tokens_are_inserted_and_the_others_move_back() -> None:
    tokens = np.r_[np.tile([1, 2, 3, 4, 0, 0, 0, 0, 0, 0], (300, 1)), np.full((300, 10), 9)]
    found = np.array(made("random_token_insert", {"rate": 0.5, "seed": 1})(tokens, training=True))
    short, full = found[:300], found[300:]
    added = (short > 0).sum(axis=1) - 4
    assert 1.1 < added.mean() < 1.7  # half of four, but for padding, which is drawn in 0.3 of the cases
    assert ((short == 9).sum(axis=1) > 0).mean() > 0.4 and short.max() == 9
    assert all((np.diff(np.flatnonzero(row)) == 1).all() and row[0] == 1 for row in short)
    rest = [iter(row) for row in short.tolist()]
    assert all(word in row for row in rest for word in (1, 2, 3, 4)) and (full == tokens[300:]).mean() < 1


def test_tokens_are_replaced_by_others_of_the_batch() -> None:
    tokens = np.r_[[[1, 1, 1, 0]] * 100, [[2, 2, 2, 0]] * 100]
    found = np.array(made("random_token_replace", {"rate": 0.5, "seed": 1})(tokens, training=True))
    assert ((found == 0) == (tokens == 0)).all()
    assert 0.15 < (found[:100, :3] == 2).mean() < 0.35


@pytest.mark.parametrize("name", ["random_time_shift", "random_speed", "random_pitch"])
def test_nothing_happens_to_sound_outside_training(name: str) -> None:
    sound = np.random.default_rng(0).normal(size=(3, 9)).astype("float32")
    np.testing.assert_array_equal(made(name, 0.5)(sound), sound)


@pytest.mark.parametrize(
    "name", ["random_token_shuffle", "random_token_drop", "random_token_insert", "random_token_replace"]
)
def test_nothing_happens_to_texts_outside_training(name: str) -> None:
    tokens = np.arange(12).reshape(2, 6)
    layer = made(name, None if name.endswith("shuffle") else 0.5)
    np.testing.assert_array_equal(layer(tokens), tokens)
    assert layer(tokens, training=True).dtype == "int64"
    assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()
