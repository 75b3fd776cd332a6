"""Layers that Keras lacks: their values against the papers' formulas in plain NumPy, and saved and loaded again."""

from __future__ import annotations

import inspect
import math
import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
import yaml
from both import CATALOGUE, LAYERS, call, instance, of_example

import dlspec.keras_layers
from dlspec.components.registry import Component, example
from tests.support import ROOT

OURS = [
    owner
    for owner in LAYERS
    if owner.__module__ in ("dlspec.components.layers.ours", "dlspec.components.layers.tokens")
]
random = np.random.default_rng(1)


def made(name: str, options: Any = None) -> Any:
    """The Keras layer of a declaration."""
    return instance(CATALOGUE["layer", name], options).make()


def values(*shape: int) -> Any:
    return random.normal(size=shape).astype("float32")


def array(x: Any) -> Any:
    """A variable or tensor as NumPy's."""
    return x.numpy() if hasattr(x, "numpy") else np.array(x)


def close(found: Any, expected: Any, tolerance: float = 1e-5) -> None:
    np.testing.assert_allclose(array(found), array(expected), atol=tolerance, rtol=tolerance)


# --- the catalogue ---------------------------------------------------------------------------------------------------


def test_every_class_is_exported_declared_and_sourced() -> None:
    modules = {module.name for module in pkgutil.iter_modules(dlspec.keras_layers.__path__)}
    exported = [getattr(dlspec.keras_layers, name) for name in dlspec.keras_layers.__all__]
    defined = {cls.__module__.rpartition(".")[2] for cls in exported}
    assert defined == modules
    declared = {owner.keras.rpartition(".")[2] for owner in OURS}
    assert declared <= set(dlspec.keras_layers.__all__)
    for owner in OURS:
        assert "Source: " in (owner.__doc__ or ""), owner.registered_name
    table = (ROOT / "docs/language.md").read_text(encoding="utf-8")
    assert [owner.registered_name for owner in OURS if f"| `{owner.registered_name}` |" not in table] == []


@pytest.mark.parametrize("owner", OURS, ids=lambda owner: owner.registered_name)
def test_config_holds_every_argument(owner: type[Component]) -> None:
    layer, _ = of_example(owner, owner.examples[-1])
    keras_layer = layer.make()
    arguments = set(inspect.signature(type(keras_layer).__init__).parameters) - {"self", "kwargs"}
    config = keras_layer.get_config()
    assert arguments <= set(config)
    assert type(keras_layer).from_config(dict(config)).get_config() == config


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras 3.15 with NumPy 2 warns whenever it saves
@pytest.mark.parametrize(
    ("owner", "index"),
    [(owner, index) for owner in OURS for index in range(len(owner.examples))],
    ids=lambda value: getattr(value, "registered_name", str(value)),
)
def test_saved_and_loaded(owner: type[Component], index: int, tmp_path: Path) -> None:
    shapes = [tuple(size or 6 for size in shape) for shape in owner.examples[index].inputs]
    layer, _ = of_example(owner, example(owner.examples[index].value, *shapes))
    inputs = [keras.Input(shape) for shape in owner.examples[index].inputs]
    model = keras.Model(inputs if len(inputs) > 1 else inputs[0], call(layer, layer.make(), inputs, []))
    for weight in model.weights:
        weight.assign(array(weight) + values(*weight.shape))
    data = [values(2, *shape) for shape in shapes]
    before = keras.tree.flatten(model(data if len(data) > 1 else data[0]))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    after = keras.tree.flatten(again(data if len(data) > 1 else data[0]))
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    assert [w.trainable for w in again.weights] == [w.trainable for w in model.weights]


@pytest.mark.parametrize("command", ["check", "show"])
def test_static_commands_never_import_keras(command: str, tmp_path: Path) -> None:
    inputs: dict[str, Any] = {}
    layers: list[Any] = []
    for owner in OURS:
        shapes = {f"x{len(inputs) + place}": list(shape) for place, shape in enumerate(owner.examples[0].inputs)}
        value = yaml.safe_load(owner.examples[0].value or "{}")
        options = value if isinstance(value, dict) else {owner.shorthand: value}
        inputs |= shapes
        layers.append({owner.registered_name: {**options, "from": list(shapes), "name": f"y{len(layers)}"}})
    spec = {"inputs": inputs, "layers": layers, "outputs": [f"y{place}" for place in range(len(layers))]}
    path = tmp_path / "spec.yaml"
    path.write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    code = (
        "import sys\nfrom dlspec.cli.main import run\n"
        f"code = run([{command!r}, {str(path)!r}])\n"
        "loaded = {'tensorflow', 'keras', 'numpy', 'dlspec.keras_layers'} & set(sys.modules)\n"
        "sys.exit(code or (str(loaded) if loaded else 0))"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


# --- transformers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("features", [8, 7])
def test_sinusoidal_positional_encoding(features: int) -> None:
    x = values(2, 50, features)
    expected = x.copy()
    for position in range(50):
        for feature in range(features):
            angle = position / 10000 ** (2 * (feature // 2) / features)
            expected[:, position, feature] += math.cos(angle) if feature % 2 else math.sin(angle)
    close(made("sinusoidal_positional_encoding")(x), expected)


def test_positional_embedding() -> None:
    layer, x = made("positional_embedding", 9), values(2, 6, 4)
    found = layer(x)
    close(found, x + array(layer.embeddings)[:6])
    with pytest.raises(ValueError, match="10 steps"):
        made("positional_embedding", 9)(values(2, 10, 4))


def test_class_token() -> None:
    layer, x = made("class_token", {"initializer": "random_normal"}), values(3, 6, 4)
    found = array(layer(x))
    close(found[:, 1:], x)
    close(found[:, 0], np.broadcast_to(array(layer.token)[0], (3, 4)))
    mask = np.array([[True, False]])
    assert array(layer.compute_mask(None, mask)).tolist() == [[True, True, False]]


def test_patch_extraction() -> None:
    x = values(2, 6, 8, 3)
    found = array(made("patch_extraction", [2, 4])(x))
    for place in range(6):
        row, column = divmod(place, 2)
        patch = x[:, 2 * row : 2 * row + 2, 4 * column : 4 * column + 4]
        close(found[:, place], patch.reshape(2, -1))


def test_patches_with_a_dense_are_a_convolution() -> None:
    x = values(2, 8, 8, 3)
    convolution = keras.layers.Conv2D(5, 4, 4)
    expected = array(convolution(x)).reshape(2, 4, 5)
    kernel = array(convolution.kernel).reshape(48, 5)
    close(array(made("patch_extraction", 4)(x)) @ kernel, expected)


def test_layer_scale() -> None:
    x = values(2, 5, 3)
    close(made("layer_scale", 0.1)(x), 0.1 * x)


def test_stochastic_depth() -> None:
    layer, x = made("stochastic_depth", {"rate": 0.25, "seed": 5}), np.ones((4000, 2, 3), "float32")
    assert np.array_equal(layer(x), x)
    found = array(layer(x, training=True))
    assert (found == found[:, :1, :1]).all()  # an example as a whole
    assert set(np.unique(found)) == {0.0, np.float32(1 / 0.75)}
    assert abs(found.mean() - 1) < 0.03


# --- normalization ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("channels", "size"), [(8, 5), (2, 5), (6, 1), (9, 3)])
def test_local_response_normalization_across_channels(channels: int, size: int) -> None:
    x = 10 * values(2, 3, 4, channels)
    expected = np.empty_like(x)
    for i in range(channels):
        neighbours = x[..., max(0, i - size // 2) : min(channels - 1, i + size // 2) + 1]
        expected[..., i] = x[..., i] / (2 + 1e-2 * (neighbours**2).sum(-1)) ** 0.75
    found = made("local_response_normalization", {"size": size, "alpha": 1e-2})(x)
    close(found, expected)
    close(found, tf.nn.local_response_normalization(x, depth_radius=size // 2, bias=2, alpha=1e-2, beta=0.75))


def test_local_response_normalization_within_channels() -> None:
    x, size = 10 * values(2, 5, 6, 3), 3
    expected = np.empty_like(x)
    for row in range(5):
        for column in range(6):
            window = x[:, max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
            strength = (window**2).sum((1, 2)) / size**2
            expected[:, row, column] = x[:, row, column] / (1 + 0.1 * strength) ** 0.5
    options = {"size": size, "alpha": 0.1, "beta": 0.5, "k": 1, "region": "within_channel"}
    close(made("local_response_normalization", options)(x), expected)


def test_instance_normalization() -> None:
    x = 3 * values(2, 5, 6, 3) + 1
    layer = made("instance_normalization")
    layer.build(x.shape)
    layer.gamma.assign([1, 2, 3])
    layer.beta.assign([0.5, 0, -1])
    expected = np.empty_like(x)
    for index in np.ndindex(2, 3):
        plane = x[index[0], :, :, index[1]]
        expected[index[0], :, :, index[1]] = (plane - plane.mean()) / np.sqrt(plane.var() + 1e-5)
    close(layer(x), expected * [1, 2, 3] + [0.5, 0, -1])
    close(made("instance_normalization")(x), keras.layers.GroupNormalization(-1, epsilon=1e-5)(x))


def test_weight_normalization() -> None:
    x, layer = values(4, 5), made("weight_normalization", {"layer": {"dense": 3}})
    first = layer(x)
    close(first, x @ array(layer.layer.kernel))  # it starts as the layer would alone
    v, g = values(5, 3), np.array([1, 2, -3], "float32")
    layer.layer.kernel.assign(v)
    layer.g.assign(g)
    expected = np.stack([x @ (g[unit] * v[:, unit] / np.linalg.norm(v[:, unit])) for unit in range(3)], axis=1)
    close(layer(x), expected)
    close(layer.layer.kernel, v)  # the call leaves it


def test_weight_normalization_of_a_convolution() -> None:
    x, layer = values(2, 8, 8, 2), made("weight_normalization", {"layer": {"conv2d": {"filters": 3, "kernel_size": 3}}})
    before = layer(x)
    layer.layer.kernel.assign(5 * array(layer.layer.kernel))
    close(layer(x), before)
    layer.g.assign(2 * array(layer.g))
    close(layer(x), 2 * array(before), 1e-4)


def test_weight_normalization_learns_both_parts() -> None:
    # Salimans & Kingma, equation 3: the gradient of v is orthogonal to v.
    layer = made("weight_normalization", {"layer": {"dense": {"units": 3, "activation": "tanh"}}})
    x = values(4, 5)
    layer(x)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(x) ** 2)
    kernel = layer.layer.kernel
    by_length, by_direction = tape.gradient(loss, [layer.g.value, kernel.value])
    assert np.abs(by_length).max() > 1e-3 and np.abs(by_direction).max() > 1e-3
    close((array(by_direction) * array(kernel)).sum(0), np.zeros(3), 1e-4)


def test_weight_normalization_trains_in_a_model() -> None:
    keras.utils.set_random_seed(0)  # an unlucky start needs more than 20 epochs
    x = np.random.default_rng(0).normal(size=(64, 5)).astype("float32")
    model = keras.Sequential([keras.Input((5,)), made("weight_normalization", {"layer": {"dense": 1}})])
    model.compile("adam", "mse")
    model.optimizer.learning_rate = 0.05
    start = model.get_weights()
    history = model.fit(x, x[:, :1] - x[:, 1:2], epochs=20, verbose=0).history["loss"]
    assert history[-1] < history[0] / 5
    assert all(np.abs(a - b).max() > 0 for a, b in zip(start, model.get_weights(), strict=True))


# --- autoencoders ----------------------------------------------------------------------------------------------------


def test_gaussian_sampling() -> None:
    layer = made("gaussian_sampling", {"kl_weight": 2.0, "seed": 1})
    mean, log_variance = values(3, 4), values(3, 4)
    assert np.array_equal(layer(mean, log_variance), mean)
    # KL(N(m, s²) || N(0, 1)) = log(1 / s) + (s² + m²) / 2 - 1 / 2
    deviation = np.exp(log_variance / 2)
    divergence = -np.log(deviation) + (deviation**2 + mean**2) / 2 - 0.5
    (loss,) = layer.losses
    close(loss, 2 * divergence.sum(1).mean())
    many = np.full((20000, 1), 3, "float32")
    drawn = array(layer(many, np.full_like(many, math.log(4)), training=True))
    assert abs(drawn.mean() - 3) < 0.06 and abs(drawn.std() - 2) < 0.06


def test_gaussian_sampling_of_a_standard_normal_costs_nothing() -> None:
    layer = made("gaussian_sampling")
    layer(np.zeros((3, 4), "float32"), np.zeros((3, 4), "float32"))
    close(layer.losses[0], 0)


def test_kl_sparsity() -> None:
    layer, x = made("kl_sparsity", {"sparsity": 0.1, "kl_weight": 3}), random.uniform(size=(7, 4)).astype("float32")
    assert np.array_equal(layer(x), x)
    expected = sum(0.1 * math.log(0.1 / q) + 0.9 * math.log(0.9 / (1 - q)) for q in x.mean(0))
    close(layer.losses[0], 3 * expected)
    layer(np.full((5, 4), 0.1, "float32"))
    close(layer.losses[0], 0)
    assert np.isfinite(layer(np.zeros((5, 4), "float32"))).all() and np.isfinite(layer.losses[0])


def test_penalties_enter_the_loss_of_a_model() -> None:
    inputs = keras.Input((4,))
    model = keras.Model(inputs, made("kl_sparsity")(keras.layers.Dense(3, "sigmoid")(inputs)))
    model.compile("sgd", "mse")
    x, y = values(8, 4), np.zeros((8, 3), "float32")
    predicted = array(model(x))
    penalty = sum(0.05 * math.log(0.05 / q) + 0.95 * math.log(0.95 / (1 - q)) for q in predicted.mean(0))
    close(model.evaluate(x, y, verbose=0, batch_size=8), (predicted**2).mean() + penalty, 1e-4)


# --- others ----------------------------------------------------------------------------------------------------------


def test_maxout() -> None:
    layer, x = made("maxout", {"units": 3, "pieces": 4, "bias_initializer": "normal"}), values(2, 5, 6)
    found = array(layer(x))
    kernel, bias = array(layer.kernel).reshape(6, 3, 4), array(layer.bias).reshape(3, 4)
    for unit in range(3):
        pieces = [x @ kernel[:, unit, piece] + bias[unit, piece] for piece in range(4)]
        close(found[..., unit], np.max(pieces, axis=0))


def test_reservoir() -> None:
    options = {"units": 50, "leak_rate": 0.3, "spectral_radius": 0.8, "input_scaling": 0.5, "return_sequences": True}
    layer, x = made("reservoir", options), values(2, 30, 3)
    found = array(layer(x))
    kernel, recurrent = (array(weight) for weight in layer.weights)
    state = np.zeros((2, 50))
    for step in range(30):
        state = 0.7 * state + 0.3 * np.tanh(x[:, step] @ kernel + state @ recurrent)
        close(found[:, step], state, 1e-4)
    assert layer.trainable_weights == []
    assert abs(np.abs(np.linalg.eigvals(recurrent.astype("float64"))).max() - 0.8) < 1e-4
    assert 0.05 < (recurrent != 0).mean() < 0.15
    assert 0.4 < np.abs(kernel).max() <= 0.5


def test_reservoir_forgets_how_it_started() -> None:
    layer, x = made("reservoir", 40), values(1, 200, 2)
    ends = [array(layer(x, initial_state=[values(1, 40)])) for _ in range(2)]
    close(ends[0], ends[1], 1e-4)
    assert np.abs(ends[0] - array(layer(values(1, 200, 2)))).max() > 0.1


def test_reservoir_of_a_seed_is_always_the_same() -> None:
    first, second, other = (made("reservoir", {"units": 20, "seed": seed}) for seed in (1, 1, 2))
    for layer in (first, second, other):
        layer.build((None, None, 3))
    assert np.array_equal(first.weights[1], second.weights[1])
    assert not np.array_equal(first.weights[1], other.weights[1])


@pytest.mark.parametrize("units", [1, 2, 3])
def test_small_reservoirs_are_finite(units: int) -> None:
    for seed in range(10):
        layer = made("reservoir", {"units": units, "seed": seed})
        layer.build((None, None, 2))
        assert all(np.isfinite(array(weight)).all() for weight in layer.weights)
