"""Random specs of two learners, and the same training written by hand with a ``GradientTape`` for each of them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np

from dlspec.backends.keras.build import build
from dlspec.backends.keras.seeding import set_seed
from dlspec.passes import compile_spec
from dlspec.passes.state import Lowered
from dlspec.training.loop.compiling import trainer
from dlspec.training.loop.steps import Steps

STEPS, BATCH = 5, 6
# Which models each objective depends on.
NEEDS = {"energy": "AB", "gap": "AC", "size": "C", "code": "A"}
INNER = (
    "dense: {units: 4, activation: tanh, kernel_regularizer: {l2: 0.01}}",
    "dense: {units: 4, activity_regularizer: {l1: 0.01}}",
    "batch_normalization: {momentum: 0.5}",
    "spectral_normalization: {layer: {dense: 4}}",
    "dropout: 0.2",
    "layer_normalization: {}",
    "gaussian_noise: 0.1",
)
# A large `epsilon`: where a gradient is 0 but for rounding, as behind batch normalization, its size decides nothing.
OPTIMIZERS = (
    "{sgd: {learning_rate: 0.1, momentum: 0.9}}",
    "{adam: {learning_rate: 0.01, epsilon: 0.01, beta_1: 0.5}}",
    "{adam: {learning_rate: 0.01, epsilon: 0.01, clipnorm: 0.1}}",
    "{rmsprop: {learning_rate: 0.01, epsilon: 0.01, global_clipnorm: 0.5}}",
    "{sgd: {learning_rate: 0.1, gradient_accumulation_steps: 2}}",
    "{sgd: {learning_rate: {exponential_decay: {initial_learning_rate: 0.1, decay_steps: 2, decay_rate: 0.5}}}}",
    "{adamw: {learning_rate: 0.01, epsilon: 0.01, use_ema: true, ema_overwrite_frequency: 2, ema_momentum: 0.5}}",
)


class Case:
    """One spec: what each learner minimises, trains, and when; `text` is the spec."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.learners = [self.learner(), self.learner()]
        self.text = "\n".join(self.lines(seed))

    def learner(self) -> dict[str, Any]:
        pick = self.chance
        minimised = pick.sample(sorted(NEEDS), pick.randint(1, 3))
        weights = {name: pick.choice([1, 1, 0.5, -0.2]) for name in minimised}
        return {
            "minimize": weights,
            "loss": pick.random() < 0.3,
            "trains": pick.choice([None, pick.sample("ABC", pick.randint(1, 3))]),
            "every": pick.choice([1, 1, 2, 3]),
            "optimizer": pick.choice(OPTIMIZERS),
        }

    def lines(self, seed: int) -> list[str]:
        pick = self.chance

        def model(name: str, entering: int, leaving: int) -> str:
            steps = [*(f"{{{step}}}" for step in pick.sample(INNER, pick.randint(0, 2))), f"{{dense: {leaving}}}"]
            return f"  {name}: {{inputs: {{e: [{entering}]}}, layers: [{', '.join(steps)}]}}"

        found = ["inputs: {x: [5]}", "models:", model("A", 5, 4), model("B", 4, 3), model("C", 5, 4), "layers:"]
        found += ["  - A: {from: x, name: h}", "  - B: {from: h, name: y}", "  - C: {from: x, name: s}"]
        found += ["  - ops.square: {from: y, name: energy}", "  - losses.mse: {from: [h, s], name: gap}"]
        found += ["  - ops.abs: {from: s, name: size}", "  - ops.square: {from: h, name: code}"]
        found += ["outputs: [y, s, energy, gap, size, code]", "train:", f"  seed: {seed}", "  learners:"]
        for number, one in enumerate(self.learners):
            loss = ", loss: {y: mse}, loss_weights: {y: 0.5}" if one["loss"] else ""
            trains = f", trains: [{', '.join(one['trains'])}]" if one["trains"] else ""
            shown = ", ".join(f"{name}: {weight}" for name, weight in one["minimize"].items())
            optimizer = f"optimizer: {one['optimizer']}, every: {one['every']}"
            found.append(f"    l{number}: {{minimize: {{{shown}}}, {optimizer}{loss}{trains}}}")
        return found


def compiled(case: Case, folder: Path) -> Lowered | None:
    """The checked spec; None where dlspec finds something wrong, such as a learner that moves nothing."""
    path = folder / "spec.yaml"
    path.write_text(case.text)
    state = compile_spec(path)
    assert all(item.code == "E520" for item in state.diagnostics.errors), state.diagnostics.errors
    return None if state.diagnostics.errors or not isinstance(state, Lowered) else state


def valid(seeds: Any, folder: Path, count: int) -> list[tuple[Case, Lowered]]:
    """The first so many cases without mistakes."""
    found = []
    for seed in seeds:
        case = Case(seed)
        state = compiled(case, folder)
        if state is not None:
            found.append((case, state))
        if len(found) == count:
            break
    return found


def batches(seed: int) -> tuple[Any, Any]:
    chance = np.random.default_rng(seed)
    return (
        chance.normal(size=(STEPS, BATCH, 5)).astype("float32"),
        chance.normal(size=(STEPS, BATCH, 3)).astype("float32"),
    )


def whole_of(state: Lowered) -> Any:
    set_seed(state.method.seed)
    return build(state.training_graph)


def trained_by_us(state: Lowered, x: Any, y: Any, *, jit: bool = False) -> Any:
    """The graph after the batches, and the model that trained it."""
    import tensorflow as tf

    whole, method = whole_of(state), state.method.changed(jit=jit)
    model = trainer(whole, method, list(method.optimizers), [name for name, _ in state.graph.outputs])
    targets = {} if not method.trained(["y"]) else y.reshape(-1, 3)
    feed = tf.data.Dataset.from_tensor_slices((x.reshape(-1, 5), targets)).batch(BATCH)
    steps = Steps(model, feed.element_spec)
    assert steps.train(iter(feed), len(x)) == (len(x), True)
    return whole, model


def trained_by_hand(case: Case, state: Lowered, x: Any, y: Any, *, bits: int | None = None) -> Any:
    """The same with Keras alone.

    Args:
        bits: Draws weights whose last bit is changed before training; None for none.
    """
    import tensorflow as tf
    from keras import ops

    whole = whole_of(state)
    if bits is not None:
        chance = np.random.default_rng(bits)
        for variable in whole.trainable_variables:
            value = variable.numpy()
            variable.assign(np.where(chance.random(value.shape) < 0.5, np.nextafter(value, np.float32(9)), value))
    models = {name: whole.get_layer(name) for name in "ABC"}
    moved = [_moved(one, models) for one in case.learners]
    optimizers = [one.make() for one in state.method.optimizers]
    parts = [_part(whole, one) for one in case.learners]
    for number in range(1, len(x) + 1):
        for place, (one, mine, optimizer, part) in enumerate(zip(case.learners, moved, optimizers, parts, strict=True)):
            if number % one["every"]:
                continue
            kept = [(variable, variable.numpy()) for variable in _changed(models, mine, moved[1 - place])]
            with tf.GradientTape() as tape:
                outputs = part(x[number - 1], training=True)
                loss = sum(weight * ops.mean(outputs[name]) for name, weight in one["minimize"].items())
                if one["loss"]:
                    loss += 0.5 * ops.mean((outputs["y"] - y[number - 1]) ** 2)
                loss += sum(ops.sum(term) for name in mine for term in models[name].losses)
            for variable, value in kept:
                variable.assign(value)
            variables = [variable for name in mine for variable in models[name].trainable_variables]
            optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
    return whole


def _part(whole: Any, one: dict[str, Any]) -> Any:
    import keras

    wanted = [*one["minimize"], *(["y"] if one["loss"] else [])]
    return keras.Model(whole.input, {name: whole.output[name] for name in wanted})


def _moved(one: dict[str, Any], models: dict[str, Any]) -> list[str]:
    """The models that a learner moves: those that it names, as far as its objectives depend on them."""
    needed = {model for name in one["minimize"] for model in NEEDS[name]} | set("AB" if one["loss"] else "")
    return [name for name in models if name in needed and (one["trains"] is None or name in one["trains"])]


def _changed(models: dict[str, Any], mine: list[str], theirs: list[str]) -> list[Any]:
    """What a pass through models that a learner does not train changes, and should not."""
    found = []
    for name, model in models.items():
        draws = {id(one) for one in model.variables} - {id(one) for one in model.weights}
        if name not in mine:
            found += [one for one in model.variables if id(one) not in draws or name in theirs]
    return found
