"""What each step of `train: {distribute: mirrored}` must hold, tried on parts of the CPU.

TensorFlow divides the CPU only before it starts: ``test_distribution.py`` runs this file in another process.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from divided import TWO, Weights, divide_cpu, regularized, same
from running import iris, linear, load, method, train

from dlspec.components.methods.supervised import Supervised
from dlspec.components.registry import Component, declared
from dlspec.components.training.losses import MeanSquaredError, SparseCategoricalCrossentropy
from dlspec.components.training.optimizers import SGD, Adam
from dlspec.core.errors import Problem
from dlspec.data.feeding.feed import Feed, in_order
from dlspec.training.loop.compiling import trainer
from dlspec.training.loop.distribution import open_distribution
from dlspec.training.loop.mirrored import MirroredDevices
from dlspec.training.loop.steps import Steps

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
EXHAUSTIVE = pytest.mark.exhaustive


@pytest.fixture(scope="module", autouse=True)
def three_devices() -> None:
    divide_cpu(3)


def weights_after(build: Callable[[], Any], how: Supervised, examples: Any, batch: int = 10) -> tuple[Weights, Any]:
    """Weights and measures after two epochs, the measures on the examples in order last."""
    import keras

    keras.utils.set_random_seed(0)
    distribution = open_distribution(how)
    core = distribution.build(build)
    model = trainer(core, how, how.chosen_optimizer, core.output_names, distribution)
    feed = Feed(examples, batch, seed=0)
    steps = Steps(model, feed.dataset.element_spec, distribution)
    for epoch in range(2):
        model.reset_metrics()
        feed.set_epoch(epoch)
        assert steps.train(iter(feed.dataset), feed.steps) == (feed.steps, True)
    learnt = {name: float(value) for name, value in model.get_metrics_result().items()}
    model.reset_metrics()
    steps.test(iter(in_order(examples, batch)), feed.steps)
    tested = {f"val_{name}": float(value) for name, value in model.get_metrics_result().items()}
    strategy = distribution.strategy if isinstance(distribution, MirroredDevices) else None
    for copy in [strategy.experimental_local_results(weight.value) for weight in core.weights] if strategy else []:
        assert all((one.numpy() == copy[0].numpy()).all() for one in copy), "all devices hold the same weights"
    return core.get_weights(), learnt | tested


def compare(build: Callable[[], Any], how: Supervised, examples: Any, batch: int = 10, tolerance: float = 1e-5) -> None:
    shared, measured = weights_after(build, Supervised(**{**how.given, "distribute": TWO}), examples, batch)
    alone, expected = weights_after(build, how, examples, batch)
    same(shared, alone, tolerance)
    assert measured == pytest.approx(expected, rel=tolerance * 10)


def numbers(count: int = 47, classes: int = 3) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(count, 4)).astype("float32"), np.arange(count) % classes


OPTIMIZERS = [owner for owner in declared() if owner.kind == "optimizer"]


# One without a state, one with, one that looks at sizes of whole matrices, one that holds another.
DIFFERENT = {"sgd", "adam", "muon", "loss_scale_optimizer"}


@pytest.mark.parametrize(
    "owner",
    [
        pytest.param(one, id=one.registered_name, marks=[] if one.registered_name in DIFFERENT else EXHAUSTIVE)
        for one in OPTIMIZERS
    ],
)
def test_every_optimizer(owner: type[Component]) -> None:
    how = method(optimizer=owner(**({"inner_optimizer": Adam()} if "inner_optimizer" in owner.fields else {})))
    compare(regularized, how, numbers())


@pytest.mark.parametrize(
    "limit", ["global_clipnorm", *(pytest.param(one, marks=EXHAUSTIVE) for one in ("clipnorm", "clipvalue"))]
)
def test_the_gradient_of_the_whole_batch_is_clipped(limit: str) -> None:
    compare(regularized, method(optimizer=SGD(learning_rate=0.5, **{limit: 0.05})), numbers())


def test_weights_of_examples() -> None:
    x, y = numbers()
    compare(regularized, method(), (x, y, np.linspace(0.1, 3, 47).astype("float32")))


def masked() -> Any:
    import keras

    words = keras.Input((6,), name="words", dtype="int32")
    hidden = keras.layers.LSTM(5, return_sequences=True)(keras.layers.Embedding(20, 4, mask_zero=True)(words))
    return keras.Model(words, keras.layers.Dense(3, activation="softmax", name="tag")(hidden))


def test_masks_count_over_the_whole_batch() -> None:
    rng = np.random.default_rng(0)
    words = rng.integers(1, 20, (47, 6)) * (np.arange(6) < rng.integers(1, 7, (47, 1)))  # of very unequal lengths
    compare(masked, method(), (words.astype("int32"), rng.integers(0, 3, (47, 6))))


def looked_up() -> Any:
    import keras

    words = keras.Input((6,), name="words", dtype="int32")
    hidden = keras.layers.Flatten()(keras.layers.Embedding(1200, 4)(words))
    return keras.Model(words, keras.layers.Dense(3, activation="softmax", name="tag")(hidden))


@pytest.mark.parametrize("optimizer", [Adam(learning_rate=0.02), SGD(learning_rate=0.1, global_clipnorm=0.1)])
def test_rows_of_the_whole_batch_are_summed(optimizer: Component) -> None:
    rng = np.random.default_rng(0)
    words = rng.integers(0, 5, (47, 6)).astype("int32")
    compare(looked_up, method(optimizer=optimizer), (words, rng.integers(0, 3, 47)))


def several() -> Any:
    import keras

    x, z = keras.Input((4,), name="x"), keras.Input((2,), name="z")
    both = keras.layers.Concatenate()([x, z])
    outputs = {
        "kind": keras.layers.Dense(3, activation="softmax", name="kind")(both),
        "sold": keras.layers.Dense(1, activation="sigmoid", name="sold")(both),
        "price": keras.layers.Dense(1, name="price")(both),
    }
    return keras.Model({"x": x, "z": z}, outputs)


def test_several_inputs_and_outputs() -> None:
    from dlspec.components.training.losses import BinaryCrossentropy

    x, y = numbers()
    inputs = {"x": x, "z": x[:, :2] * 3}
    targets = {"kind": y, "sold": (y == 1).astype("float32")[:, None], "price": x[:, :1] * 2}
    losses = {"kind": SparseCategoricalCrossentropy(), "sold": BinaryCrossentropy(), "price": MeanSquaredError()}
    how = Supervised(loss=losses, loss_weights={"price": 0.3}, optimizer=Adam(learning_rate=0.02))
    compare(several, how, (inputs, targets))


@pytest.mark.parametrize("reduction", ["sum", "mean_with_sample_weight"])
def test_reductions(reduction: str) -> None:
    x, y = numbers()
    how = method(loss=SparseCategoricalCrossentropy(reduction=reduction), optimizer=SGD(learning_rate=0.01))
    compare(regularized, how, (x, y, np.linspace(0.1, 3, 47).astype("float32")))


def normalized(synchronized: bool) -> Callable[[], Any]:
    def build() -> Any:
        import keras

        x = keras.Input((4,), name="measures")
        hidden = keras.layers.Dense(8, use_bias=False)(x)
        hidden = keras.layers.BatchNormalization(synchronized=synchronized, momentum=0.7)(hidden)
        hidden = keras.layers.Activation("relu")(hidden)
        return keras.Model(x, keras.layers.Dense(3, activation="softmax", name="species")(hidden), name="small")

    return build


def test_batch_statistics_of_all_devices() -> None:
    compare(normalized(True), method(), numbers())


def test_batch_statistics_of_each_device_are_averaged_and_differ() -> None:
    how = method(distribute=TWO)
    shared, _ = weights_after(normalized(False), how, numbers(41))  # a last batch of one example
    alone, _ = weights_after(normalized(False), method(), numbers(41))
    assert all(np.isfinite(weight).all() for weight in shared)
    with pytest.raises(AssertionError):
        same(shared, alone)


def test_statistics_of_all_devices_want_an_example_of_each(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="the last batch holds 1 of 90 examples, fewer than the 2 devices") as caught:
        train(tmp_path, iris(batch_size=89), method(distribute=TWO), normalized(True))
    assert caught.value.code == "E518" and not list((tmp_path / "runs").glob("*/*"))
    with pytest.raises(Problem, match="a batch of 1 cannot be divided among 2 devices"):
        train(tmp_path, iris(batch_size=1), method(distribute=TWO))


def tanh() -> Any:
    import keras

    x = keras.Input((4,), name="measures")
    hidden = keras.layers.Dense(8, activation="tanh")(x)
    return keras.Model(x, keras.layers.Dense(3, activation="softmax", name="species")(hidden), name="small")


@pytest.mark.parametrize("policy", ["mixed_float16", pytest.param("mixed_bfloat16", marks=EXHAUSTIVE)])
def test_precision(tmp_path: Path, policy: str) -> None:
    # Adam would make a whole step of the sign of a rounding error.
    how = {"precision": policy, "optimizer": SGD(learning_rate=0.1)}
    shared = train(tmp_path, iris(batch_size=25), method(distribute=TWO, **how), tanh)
    alone = train(tmp_path, iris(batch_size=25), method(**how), tanh)
    same(load(shared.folder / "model.keras").get_weights(), load(alone.folder / "model.keras").get_weights(), 2e-2)


def test_a_loss_that_is_not_finite_changes_no_weight(tmp_path: Path) -> None:
    import keras

    x, y = numbers(40)
    x[25] = np.inf
    how = method(distribute=TWO)
    distribution = open_distribution(how)
    core = distribution.build(tanh)
    model = trainer(core, how, how.chosen_optimizer, core.output_names, distribution)
    feed = Feed((x, y), 10, seed=0, shuffle=False)
    assert Steps(model, feed.dataset.element_spec, distribution).train(iter(feed.dataset), 4) == (3, False)
    assert all(np.isfinite(weight).all() for weight in core.get_weights())
    keras.backend.clear_session()
    exploding = method(distribute=TWO, optimizer=SGD(learning_rate=1e18), loss=MeanSquaredError(), metrics=(), epochs=2)
    with pytest.raises(Problem, match=r"the loss became (nan|inf) in step \d+ of epoch \d+"):
        train(tmp_path, iris(batch_size=4), exploding, linear)


def test_random_layers_draw_other_numbers_on_each_device() -> None:
    import tensorflow as tf

    how = method(distribute=TWO)
    distribution = open_distribution(how)
    assert distribution is not None

    def dropping() -> Any:
        import keras

        x = keras.Input((50,))
        return keras.Model(x, keras.layers.Dropout(0.5)(x))

    core = distribution.build(dropping)
    distribution.agree(core)
    drawn = tf.function(lambda: distribution.strategy.run(lambda: core(tf.ones((1, 50)), training=True)))()
    one, other = (value.numpy() for value in distribution.strategy.experimental_local_results(drawn))
    assert (one != other).any() and {*one.ravel()} == {*other.ravel()} == {0.0, 2.0}
