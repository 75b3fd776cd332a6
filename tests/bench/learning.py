"""Learners that take turns, against a ``train_step`` written by hand; and drawing examples from a trained generator."""

from __future__ import annotations

import itertools
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench.measuring import ROOT, paired, process, report

SPEC = ROOT / "specs/generative/gan.yaml"
STEPS_TOGETHER = 32
EPOCHS = 8  # of one timed training


def adversarial_speed() -> bool:
    """Processor time of a step of both learners against a ``train_step`` by hand, plain and with XLA."""
    good = []
    for jit in (False, True):
        ours, count = _ours(jit)
        hand = min((_by_hand(other) for other in (False, True)), key=lambda step: _best(step))
        mine, theirs, ratio = paired(ours, hand, 7)
        steps = f"{mine / count * 1e6:.0f} µs / by hand {theirs / count * 1e6:.0f} µs"
        good.append(report(f"adversarial step{', jit' if jit else ''}: {steps}", ratio, 1.0))
    return all(good)


def _best(step: Any) -> float:
    step()
    return min(step() for _ in range(3))


def _ours(jit: bool) -> tuple[Any, int]:
    """What takes the steps of some epochs and says how long that took, and how many steps those are."""
    from dlspec.backends.keras.build import build, saved_part
    from dlspec.backends.keras.seeding import set_seed
    from dlspec.data.binding.signature import of_graph
    from dlspec.data.feeding.pipeline import prepare
    from dlspec.passes import compile_spec
    from dlspec.passes.state import Checked
    from dlspec.training.loop.adapting import Adapting
    from dlspec.training.loop.compiling import trainer
    from dlspec.training.loop.steps import Steps
    from dlspec.training.loop.trainer import Job
    from dlspec.training.supervised import SupervisedTrainer

    state = compile_spec(SPEC, ("data.split=null", f"train.jit={str(jit).lower()}"))
    assert isinstance(state, Checked)
    state = state.trainable()
    method: Any = state.method
    set_seed(0)
    whole = build(state.training_graph)
    prepared = prepare(state.data_section, state.folder, of_graph(state.training_graph), method)
    model, adapting = saved_part(whole, state.graph), Adapting(method, whole)
    job = Job(model, prepared, state.data_section, method, ["fake"], Path(), adapting, whole=whole)
    feed = SupervisedTrainer(job).feed
    model = trainer(whole, method, list(method.optimizers), ["fake"])
    steps = Steps(model, feed.batch_type)

    def taken() -> float:
        start = time.process_time()
        for epoch in range(EPOCHS):
            feed.set_position(epoch, 0)
            batches, left = feed.batches(), feed.steps
            while left:
                left -= steps.train(batches, min(STEPS_TOGETHER, left))[0]
        return time.process_time() - start

    return taken, EPOCHS * feed.steps


def _networks() -> tuple[Any, Any]:
    """Generator and discriminator, as one writes them with Keras."""
    import keras

    def layers(end: list[Any]) -> list[Any]:
        hidden = [[keras.layers.Dense(128), keras.layers.LeakyReLU(0.2)] for _ in range(2)]
        return [*hidden[0], *hidden[1], *end]

    picture = [keras.layers.Dense(64, activation="sigmoid"), keras.layers.Reshape((8, 8, 1))]
    generator = keras.Sequential([keras.Input((32,)), *layers(picture)])
    judging = layers([keras.layers.Dense(1)])
    return generator, keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), *judging])


def _by_hand(jit: bool) -> Any:
    """The same training as one writes it with Keras."""
    import keras
    import tensorflow as tf
    from sklearn.datasets import load_digits

    images = (load_digits().images[..., None] / 16).astype("float32")

    generator, discriminator = _networks()

    class GAN(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.generator, self.discriminator = generator, discriminator
            self.seeds = keras.random.SeedGenerator(0)
            self.loss_fn = keras.losses.BinaryCrossentropy(from_logits=True)
            self.shown = {name: keras.metrics.Mean(name) for name in ("d_loss", "g_loss")}
            self.built = True

        def compile(self, first: Any, second: Any, **how: Any) -> None:
            super().compile(**how)
            self.first, self.second = first, second

        @property
        def metrics(self) -> list[Any]:
            return list(self.shown.values())

        def train_step(self, real: Any) -> dict[str, Any]:
            count = tf.shape(real)[0]
            z = keras.random.normal((count, 32), seed=self.seeds)
            with tf.GradientTape() as tape:
                on_real = self.discriminator(real, training=True)
                on_fake = self.discriminator(self.generator(z, training=True), training=True)
                judged = self.loss_fn(tf.ones_like(on_real), on_real) + self.loss_fn(tf.zeros_like(on_fake), on_fake)
            weights = self.discriminator.trainable_weights
            self.first.apply_gradients(zip(tape.gradient(judged, weights), weights, strict=True))
            z = keras.random.normal((count, 32), seed=self.seeds)
            with tf.GradientTape() as tape:
                on_fake = self.discriminator(self.generator(z, training=True), training=True)
                fooled = self.loss_fn(tf.ones_like(on_fake), on_fake)
            weights = self.generator.trainable_weights
            self.second.apply_gradients(zip(tape.gradient(fooled, weights), weights, strict=True))
            self.shown["d_loss"].update_state(judged)
            self.shown["g_loss"].update_state(fooled)
            return {name: metric.result() for name, metric in self.shown.items()}

    keras.utils.set_random_seed(0)
    model = GAN()
    optimizers = [keras.optimizers.Adam(5e-4, beta_1=0.5) for _ in range(2)]
    model.compile(*optimizers, jit_compile=jit)
    for optimizer, part in zip(optimizers, (discriminator, generator), strict=True):
        optimizer.build(part.trainable_weights)

    def taken() -> float:
        start = time.process_time()
        model.fit(images, batch_size=64, epochs=EPOCHS, verbose=0)
        return time.process_time() - start

    return taken


def sampling_speed() -> bool:
    """Seconds of ``dlspec generate`` for 10,000 digits in one call, against importing TensorFlow."""
    with tempfile.TemporaryDirectory() as name:
        runs = Path(name, "runs")
        process(["-m", "dlspec", "train", str(SPEC), "--runs", str(runs), "--new", "--set", "train.epochs=1"])
        run = str(next(runs.glob("*/*/report.json")).parent)
        numbers = itertools.count()

        def drawn() -> float:
            target = str(Path(name, f"digits{next(numbers)}"))
            return process(["-m", "dlspec", "generate", run, "--count", "10000", "-o", target])

        ours, base, ratio = paired(drawn, lambda: process(["-c", "import tensorflow"]), 3)
    return report(f"10,000 digits drawn ({ours:.1f} s) / import tensorflow ({base:.1f} s)", ratio, 4.0)


def tree_speed() -> bool:
    """Processor time of the loss of a hierarchical softmax and its gradients at 100,000 classes, against 1,000.

    The nodes on a way are 1.7 times as many. Softmax over all classes takes more than 100 times as long.
    """
    ours, theirs, ratio = paired(_tree(100_000), _tree(1_000), 7)
    steps = f"{ours / _STEPS * 1e3:.1f} ms of 100,000 / {theirs / _STEPS * 1e3:.1f} ms of 1,000 classes"
    return report(f"hierarchical softmax: {steps}", ratio, 3.0)


_STEPS = 20  # of one timed tree


def _tree(classes: int) -> Any:
    import keras
    import numpy as np
    import tensorflow as tf

    from dlspec.keras_layers import HierarchicalSoftmax

    random = np.random.default_rng(0)
    layer = HierarchicalSoftmax(classes, return_loss=True)
    x = tf.constant(random.normal(size=(256, 64)).astype("float32"))
    labels = tf.constant(random.integers(0, classes, 256))
    entering = keras.Input((64,)), keras.Input((), dtype="int64")
    model = keras.Model(entering, layer(*entering)[1])

    @tf.function(autograph=False)
    def step() -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model([x, labels]))
        return [rows.values for rows in tape.gradient(loss, [variable.value for variable in layer.trainable_variables])]

    def taken() -> float:
        start = time.process_time()
        for _ in range(_STEPS):
            step()
        return time.process_time() - start

    return taken
