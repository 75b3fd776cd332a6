"""Layers whose Keras classes do other things in use than they say; ours do what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dlspec.backends.keras.build import build
from tests.support import compile_text


def test_random_crop_cuts_out_the_middle_in_use(tmp_path: Path) -> None:
    text = """\
inputs: {image: [8, 9, 1]}
layers: [{random_crop: {height: 4, width: 3}}]
"""
    model = build(compile_text(tmp_path, text).graph)
    images = np.random.default_rng(0).random((3, 8, 9, 1)).astype("float32")
    np.testing.assert_array_equal(model.predict(images, verbose=0), images[:, 2:6, 3:6])
    assert model(images, training=True).shape == (3, 4, 3, 1)


def test_a_model_behind_random_crop_has_the_size_that_it_states(tmp_path: Path) -> None:
    text = """\
inputs: {image: [8, 8, 1]}
layers: [{random_crop: {height: 4, width: 4}}, flatten, {dense: 2}]
"""
    model = build(compile_text(tmp_path, text).graph)
    assert model.predict(np.zeros((2, 8, 8, 1), "float32"), verbose=0).shape == (2, 2)


@pytest.mark.parametrize("loud", [1.0, 1e3])
def test_a_spectrogram_depends_on_its_own_sound_alone(loud: float, tmp_path: Path) -> None:
    """Keras cuts at 80 decibels below the loudest value of the batch; alone, both are the same."""
    import keras

    options = {"fft_length": 256, "sequence_stride": 100, "num_mel_bins": 10}
    written = ", ".join(f"{word}: {value}" for word, value in options.items())
    text = f"inputs: {{sound: [4000]}}\nlayers: [{{mel_spectrogram: {{{written}}}}}]\n"
    model = build(compile_text(tmp_path, text).graph)
    random = np.random.default_rng(0)
    quiet = (random.normal(size=(1, 4000)) * np.linspace(1e-9, 1e-3, 4000)).astype("float32")
    other = (random.normal(size=(1, 4000)) * loud).astype("float32")
    alone = np.array(keras.layers.MelSpectrogram(**options)(quiet))
    np.testing.assert_allclose(np.array(model(np.concatenate([quiet, other])))[:1], alone, atol=1e-4)
