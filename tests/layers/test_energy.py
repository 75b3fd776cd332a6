"""Boltzmann machines against their formulas, by NumPy alone; and losses of layers that are given by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlspec.keras_layers import DeepBoltzmann, GaussianSampling, KLSparsity, RestrictedBoltzmann


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-np.asarray(x, np.float64)))


def bits(*shape: int) -> Any:
    return (np.random.default_rng(0).uniform(size=shape) > 0.6).astype("float32")


def gradients(layer: Any, x: Any, place: int = 1) -> list[Any]:
    """Of the mean of one of the divergences of a layer."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(layer(x, training=True)[place])
    return [np.asarray(one, np.float64) for one in tape.gradient(loss, [v.value for v in layer.trainable_variables])]


@pytest.mark.parametrize(("visible", "hidden", "batch"), [(3, 2, 5), (16, 8, 20), (64, 128, 20)])
def test_a_step_of_sgd_is_the_update_of_contrastive_divergence(visible: int, hidden: int, batch: int) -> None:
    import keras

    layer = RestrictedBoltzmann(hidden, return_loss=True, seed=3, kernel_initializer="glorot_normal")
    v = bits(batch, visible)
    layer(v, training=True)
    kernel, bias, visible_bias = (np.asarray(one, np.float64) for one in layer.get_weights())
    state = layer.seed_generator.state.numpy().astype("int32")
    after = np.asarray(layer.walk(v, 1, state), np.float64)
    assert set(np.unique(after)) <= {0.0, 1.0} and (after != v).any()
    optimizer = keras.optimizers.SGD(0.1)
    found = gradients(layer, v)
    optimizer.apply(found, layer.trainable_variables)
    first, second = sigmoid(v @ kernel + bias), sigmoid(after @ kernel + bias)
    wanted = [
        kernel + 0.1 * (v.T @ first - after.T @ second) / batch,
        bias + 0.1 * (first - second).mean(axis=0),
        visible_bias + 0.1 * (v - after).mean(axis=0),
    ]
    for one, other in zip(layer.trainable_variables, wanted, strict=True):
        np.testing.assert_allclose(one.numpy(), other, atol=1e-5)


def test_gaussian_visible_units() -> None:
    layer = RestrictedBoltzmann(5, visible="gaussian", return_loss=True, seed=1, kernel_initializer="glorot_normal")
    v = np.random.default_rng(0).normal(size=(4000, 3)).astype("float32")
    hidden, divergence = layer(v)
    kernel, bias, visible_bias = (np.asarray(one, np.float64) for one in layer.get_weights())
    after = np.asarray(layer.walk(v, 1, layer.seed_of(training=False)), np.float64)
    free = [0.5 * ((x - visible_bias) ** 2).sum(1) - np.logaddexp(0, x @ kernel + bias).sum(1) for x in (v, after)]
    np.testing.assert_allclose(divergence, free[0] - free[1], atol=1e-4)
    np.testing.assert_allclose(hidden, sigmoid(v @ kernel + bias), atol=1e-6)
    chances = sigmoid(v @ kernel + bias)
    spread = 1 + (chances * (1 - chances)).mean(axis=0) @ (kernel**2).T  # that of the hidden units comes to their own
    np.testing.assert_allclose(np.var(after - chances @ kernel.T, axis=0), spread, rtol=0.1)


def test_chains_go_on_and_are_saved(tmp_path: Path) -> None:
    import keras

    x = keras.Input((6,))
    layer = RestrictedBoltzmann(4, persistent=True, chains=7, steps=2, return_loss=True, seed=2)
    model = keras.Model(x, layer(x))
    v, began = bits(9, 6), layer.particles.numpy()
    model(v)
    assert (layer.particles.numpy() == began).all(), "in use they rest"
    model(v, training=True)
    once = layer.particles.numpy()
    assert (once != began).any()
    free = layer.free_energy(v).numpy() - layer.free_energy(once).numpy().mean()
    np.testing.assert_allclose(model(v)[1], free, atol=1e-6)
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    for one, other in zip(model(v, training=True), again(v, training=True), strict=True):
        assert one.numpy().shape == other.numpy().shape
    assert again.layers[1].seed == layer.seed


def states(count: int) -> Any:
    """All states of so many binary units."""
    return np.array([[number >> place & 1 for place in range(count)] for number in range(2**count)], np.float64)


def test_a_walk_draws_what_the_energy_says() -> None:
    """Frequencies of all states of four visible units after Gibbs steps, against exp(−F) / Z."""
    layer = RestrictedBoltzmann(3, seed=5, kernel_initializer="glorot_normal")
    layer.build((None, 4))
    layer.set_weights([1.5 * weight + 0.3 for weight in layer.get_weights()])
    drawn = np.asarray(layer.walk(bits(20000, 4), 12, np.array([1, 2], "int32")))
    share = np.bincount((drawn @ [1, 2, 4, 8]).astype(int), minlength=16) / len(drawn)
    chance = np.exp(-layer.free_energy(states(4).astype("float32")).numpy())
    np.testing.assert_allclose(share, chance / chance.sum(), atol=0.015)


def deep(x: Any, *, training: bool = True) -> tuple[Any, list[Any], list[Any]]:
    layer = DeepBoltzmann([3, 2], chains=6, steps=2, mean_field=50, return_loss=True, layer_losses=True, seed=4)
    layer.build((None, 4))
    random = np.random.default_rng(1)
    layer.set_weights(
        [*(random.normal(size=w.shape, scale=0.7) for w in layer.get_weights()[:5]), *layer.get_weights()[5:]]
    )
    found = gradients(layer, x)
    return layer, found, [np.asarray(one, np.float64) for one in layer.get_weights()]


def test_the_gradient_of_a_deep_machine_is_data_less_chains() -> None:
    v = bits(8, 4)
    _layer, found, (first, second, _low, middle, high, *chains) = deep(v)
    one, two = sigmoid(2 * v @ first + middle), None
    two = sigmoid(one @ second + high)
    for _ in range(50):
        one = sigmoid(v @ first + two @ second.T + middle)
        two = sigmoid(one @ second + high)
    count, going = len(v), len(chains[0])
    wanted = [
        chains[0].T @ chains[1] / going - v.T @ one / count,
        chains[1].T @ chains[2] / going - one.T @ two / count,
        chains[0].mean(0) - v.mean(0), chains[1].mean(0) - one.mean(0), chains[2].mean(0) - two.mean(0),
    ]  # fmt: skip
    for got, want in zip(found, wanted, strict=True):
        np.testing.assert_allclose(got, want, atol=1e-5)
    assert all(set(np.unique(chain)) <= {0.0, 1.0} for chain in chains)


def test_the_bound_of_a_deep_machine_is_never_above_its_log_likelihood() -> None:
    """By all states of all units; the divergence is minus the bound, but for a number that all examples share."""
    v = states(4).astype("float32")
    layer, _, (first, second, low, middle, high, *_) = deep(v)
    ones, twos = states(3), states(2)
    minus = v @ first @ ones.T + ones @ middle
    energy = (minus + (v @ low)[:, None])[:, :, None] + (ones @ second @ twos.T)[None] + (twos @ high)[None, None]
    exact = np.log(np.exp(energy).sum(axis=(1, 2)))
    log_z = np.log(np.exp(exact).sum())
    bound = -layer(v)[1].numpy() - np.mean(layer.energy([w.value for w in layer.particles])) - log_z
    assert (bound <= exact - log_z + 1e-5).all()
    assert (exact - log_z - bound).mean() < 0.2


def test_a_layer_of_a_deep_machine_learns_by_itself() -> None:
    v = bits(8, 4)
    layer, _, _ = deep(v)
    for place, moved in ((2, [0, 2, 3]), (3, [1, 3, 4])):
        with_gradient = [number for number, one in enumerate(given(layer, v, place)) if one is not None]
        assert with_gradient == moved


def given(layer: Any, x: Any, place: int) -> list[Any]:
    import tensorflow as tf

    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(layer(x, training=True)[place])
    found: list[Any] = tape.gradient(loss, [v.value for v in layer.trainable_variables])
    return found


@pytest.mark.parametrize("owner", [RestrictedBoltzmann, DeepBoltzmann])
def test_samples_are_those_of_the_chances_of_the_pixels(owner: Any) -> None:
    """Of a machine without connections: whatever enters, the pixels become as likely as their biases say."""
    layer = owner(4, samples=3, seed=1) if owner is RestrictedBoltzmann else owner([4, 3], samples=3, seed=1)
    layer.build((None, 2))
    bias = layer.visible_bias if owner is RestrictedBoltzmann else layer.biases[0]
    kernels = [layer.kernel] if owner is RestrictedBoltzmann else layer.kernels
    for kernel in kernels:
        kernel.assign(np.zeros(kernel.shape))
    bias.assign([1.0, -2.0])
    drawn = layer(bits(3, 2))[-1]
    np.testing.assert_allclose(drawn, np.tile(sigmoid([1.0, -2.0]), (3, 1)), atol=1e-6)


@pytest.mark.parametrize("owner", [RestrictedBoltzmann, DeepBoltzmann])
def test_samples_that_nobody_asks_for_are_not_computed(owner: Any) -> None:
    """A graph computes operations with a state whether needed or not: those of the samples are not among them."""
    import tensorflow as tf

    layer = owner(4, samples=3, return_loss=True) if owner is RestrictedBoltzmann else owner([4, 3], samples=3)
    layer(bits(3, 2))
    graph = tf.function(lambda x: layer(x)[0]).get_concrete_function(tf.TensorSpec((None, 2))).graph
    stateful = {operation.type for operation in graph.get_operations() if operation.op_def.is_stateful}
    assert stateful == {"ReadVariableOp"}
    assert any("sampled" in function for function in graph._functions)


def test_layers_give_their_losses_by_name_and_add_nothing() -> None:
    random = np.random.default_rng(0)
    mean, log_variance = (random.normal(size=(5, 3)).astype("float32") for _ in range(2))
    layer = GaussianSampling(return_loss=True)
    drawn, divergence = layer(mean, log_variance)
    wanted = 0.5 * (mean**2 + np.exp(log_variance) - log_variance - 1).sum(axis=1)
    np.testing.assert_allclose(divergence, wanted, rtol=1e-5)
    np.testing.assert_allclose(drawn, mean)
    sparse, x = KLSparsity(0.1, return_loss=True), random.uniform(size=(7, 4)).astype("float32")
    same, penalty = sparse(x)
    rates = x.mean(axis=0)
    once = (0.1 * np.log(0.1 / rates) + 0.9 * np.log(0.9 / (1 - rates))).sum()
    np.testing.assert_allclose(penalty, np.full(7, once), rtol=1e-5)
    np.testing.assert_allclose(same, x)
    assert layer.losses == sparse.losses == []
    adding = RestrictedBoltzmann(3)
    adding(bits(4, 5))
    assert len(adding.losses) == 1
