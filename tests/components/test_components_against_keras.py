"""Every declared component against the Keras class or function that it stands for."""

from __future__ import annotations

import inspect
from typing import Any

import keras
import numpy as np
import pytest
from written import COMPONENTS, KINDS, component, label, load, of, of_example

from dlspec.components.registry import MISSING, Component, Example, Field, load_attribute

# Keras's own conversion of variables, seen with NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

OWNERS = [owner for owner in COMPONENTS if owner.keras]
EXAMPLES = [(owner, example) for owner in OWNERS for example in owner.examples]
IDS = [f"{label(owner)} {example.value}" for owner, example in EXAMPLES]

# Public classes and functions of Keras that no spec can name, and why.
REFUSED = {
    "activation": {
        "deserialize": "no activation",
        "get": "no activation",
        "serialize": "no activation",
        "glu": "halves the last axis, which an activation of a layer must not; `ops.glu` is a step",
        "threshold": "needs options, and no Keras layer can carry them",
    },
    "initializer": {"Initializer": "base class"},
    "regularizer": {"Regularizer": "base class"},
    "constraint": {"Constraint": "base class"},
    "loss": {"Loss": "base class"},
    "metric": {
        "Metric": "base class",
        "MeanMetricWrapper": "takes a function",
        "Sum": "of values, not of targets and outputs: cannot be compiled",
        "Accuracy": "compares outputs with class numbers; the word `accuracy` is Keras's choice by the shapes",
    },
    "optimizer": {
        "Optimizer": "base class",
        "MultiOptimizer": "needs names of variables",
        "OptimizerMap": "needs names of variables",
    },
    "schedule": {"LearningRateSchedule": "base class"},
    "callback": {
        "Callback": "base class",
        "CallbackList": "container",
        "BackupAndRestore": "the runner resumes",
        "History": "the runner keeps the history",
        "LambdaCallback": "takes functions",
        "LearningRateScheduler": "takes a function; `learning_rate` takes schedules",
        "OrbaxCheckpoint": "the runner writes checkpoints; a package of its own",
        "ProgbarLogger": "the runner reports",
        "RemoteMonitor": "sends the numbers over the network",
    },
}
# Options of Keras that are left out on purpose, and why.
LEFT_OUT = {
    "name": "a label without effect on training",
    "verbose": "the runner reports",
    "kwargs": "no options",
    "args": "no options",
    "axis of IoU": "any but the last fails in Keras when the result is computed",
    "label_weights": "Keras cannot load a saved model whose AUC has them",
}
# Options whose default is another one, and why.
OTHER_DEFAULT = {
    ("metric", "name"): "settled by the name in the spec",
    ("metric", "average"): "without one, F scores are lists, and a metric is one number",
}
# Options of functions that only a layer can carry.
FUNCTION_OPTIONS = {
    "axis": "a layer of its own",
    "approximate": "no Keras layer carries it; `ops.gelu` is a step",
    "alpha": "no Keras layer carries it",
    "threshold": "no Keras layer carries it",
    "b": "no Keras layer carries it",
}
# Identifiers that Keras knows elsewhere than in `get`, and where.
OTHER_ALIAS = {
    ("metric", "acc"): "compile",
    ("loss", "ce"): "compile",
    ("regularizer", "l1_l2"): "keras.regularizers.l1_l2",
    (
        "callback",
        "terminate_on_nan",
    ): "callbacks have no identifiers; the snake case of TerminateOnNaN is terminate_on_na_n",
    ("callback", "tensorboard"): "callbacks have no identifiers; the snake case of TensorBoard is tensor_board",
}


def test_there_are_components() -> None:
    counts = {kind: len(of(kind)) for kind in KINDS}
    assert counts == {
        "activation": 28, "initializer": 16, "regularizer": 4, "constraint": 4, "loss": 35, "metric": 47,
        "optimizer": 15, "schedule": 8, "callback": 7,
    }  # fmt: skip


@pytest.mark.parametrize("owner", COMPONENTS, ids=label)
def test_has_examples_and_documentation(owner: type[Component]) -> None:
    assert owner.examples
    lines = (owner.__doc__ or "").split("\n")
    assert len(lines) == 1 and lines[0].endswith(".")
    for name, field in owner.fields.items():
        assert field.doc, name


@pytest.mark.parametrize(("owner", "example"), EXAMPLES, ids=IDS)
def test_options_reach_keras(owner: type[Component], example: Example) -> None:
    written = of_example(owner, example)
    made = written.make()
    if owner.kind == "activation" and not written.given:
        assert made is load_attribute(owner.keras)
        return
    config = vars(made) if owner.kind == "callback" else made.get_config() | getattr(made, "_fn_kwargs", {})
    for name, value in written.keras_arguments().items():
        stored = STORED_AS.get(name, lambda made, name=name: config[name] if name in config else getattr(made, name))
        found = stored(made)
        assert _plain(found) == _plain(STORED_VALUE.get(value, value) if isinstance(value, str) else value), name


# Where a Keras object keeps an option under another name, or writes its value in another way.
STORED_AS = {
    "separator": lambda made: made.sep,
    "initial_value_threshold": lambda made: made.best,
    "profile_batch": lambda made: (made._start_batch, made._stop_batch),
}
STORED_VALUE = {"normal": "truncated_normal", "batch": 1}


def _plain(value: Any) -> Any:
    if isinstance(value, Component):
        return _plain(value.make())
    if isinstance(value, keras.optimizers.schedules.LearningRateSchedule):
        return _plain(keras.optimizers.schedules.serialize(value))
    if isinstance(value, keras.optimizers.Optimizer):
        return _plain(keras.optimizers.serialize(value))
    if isinstance(value, dict) and "class_name" in value:
        options = {key: item for key, item in value["config"].items() if key != "name"}
        return value["class_name"], _plain(options)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if hasattr(value, "numpy"):
        return _plain(value.numpy().tolist())
    if isinstance(value, int | float | np.number) and not isinstance(value, bool):
        return pytest.approx(float(value), rel=1e-6)
    return value


SERIALISED = [(owner, example) for owner, example in EXAMPLES if owner.kind != "callback"]


@pytest.mark.parametrize(("owner", "example"), SERIALISED, ids=[f"{label(o)} {e.value}" for o, e in SERIALISED])
def test_survives_saving(owner: type[Component], example: Example) -> None:
    made = of_example(owner, example).make()
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(made))
    if inspect.isfunction(made):
        assert again is made
    else:
        assert type(again) is type(made)
        assert _plain(again.get_config()) == _plain(made.get_config())


@pytest.mark.parametrize("owner", OWNERS, ids=label)
def test_options_and_defaults_are_keras_own(owner: type[Component]) -> None:
    target = load_attribute(owner.keras)
    function = target if inspect.isfunction(target) else target.__init__
    parameters = dict(inspect.signature(function).parameters)
    parameters.pop("x" if inspect.isfunction(target) else "self")
    left_out = LEFT_OUT | (FUNCTION_OPTIONS if inspect.isfunction(target) else {})
    if owner.registered_name.endswith("io_u"):
        left_out = left_out | {"axis": LEFT_OUT["axis of IoU"]}
    assert set(owner.fields) - {*owner.apart} <= set(parameters)
    assert set(parameters) - set(owner.fields) <= set(left_out)
    for name, field in owner.fields.items():
        if (owner.kind, name) not in OTHER_DEFAULT and name not in owner.apart:
            default = parameters[name].default
            assert _same(field, MISSING if default is inspect.Parameter.empty else default), name


def _same(field: Field[Any], default: Any) -> bool:
    if field.default is MISSING or default is MISSING:
        return field.default is default
    return bool(field.default == default)


@pytest.mark.parametrize("kind", KINDS)
def test_every_public_name_of_keras_is_declared_or_refused(kind: str) -> None:
    module = load_attribute(KINDS[kind])
    wanted = inspect.isfunction if kind == "activation" else inspect.isclass
    public = {value for name, value in vars(module).items() if wanted(value) and not name.startswith("_")}
    known = {load_attribute(owner.keras) for owner in OWNERS if owner.kind == kind}
    assert {value.__name__ for value in public - known} == set(REFUSED[kind])


@pytest.mark.parametrize(
    ("owner", "alias"),
    [(owner, alias) for owner in COMPONENTS for alias in owner.aliases],
    ids=lambda value: str(value),
)
def test_alias_is_keras_own(owner: type[Component], alias: str) -> None:
    if (owner.kind, alias) in OTHER_ALIAS:
        return
    module = load_attribute(KINDS[owner.kind])
    if owner.registered_name == "loss_scale_optimizer":
        made = of_example(owner, owner.examples[0]).make()
        config = {"class_name": alias, "config": made.get_config()}
        assert type(keras.optimizers.deserialize(config)) is type(made)
        return
    assert _stands_for(module.get(alias), load_attribute(owner.keras))


def _stands_for(found: Any, target: Any) -> bool:
    if inspect.isfunction(target):
        return found is target
    if inspect.isfunction(found):  # Keras's losses by name are functions, which the classes wrap
        return target().fn is found
    return type(found) is target


@pytest.mark.parametrize("kind", ["activation", "initializer", "regularizer", "constraint", "loss", "metric"])
def test_every_identifier_of_keras_is_known(kind: str) -> None:
    identifiers = load_attribute(KINDS[kind].replace("keras.", "keras.src.") + ".ALL_OBJECTS_DICT")
    names = {name for owner in of(kind) for name in (owner.registered_name, *owner.aliases)}
    refused = {keras.src.utils.naming.to_snake_case(name) for name in REFUSED[kind]} | {"loss_function_wrapper"}
    missing = {name for name in identifiers if name == name.lower()} - names - refused
    assert missing == set()


def test_every_identifier_of_an_optimizer_is_known() -> None:
    identifiers = set(keras.src.optimizers.ALL_OBJECTS_DICT) - {name.lower() for name in REFUSED["optimizer"]}
    assert identifiers <= {name for owner in of("optimizer") for name in (owner.registered_name, *owner.aliases)}


def test_l1_l2_is_keras_own() -> None:
    assert keras.regularizers.l1_l2 is load_attribute(component("regularizer", {"l1_l2": {"l1": 1.0}}).keras)


@pytest.mark.parametrize("owner", of("metric"), ids=label)
def test_direction_is_keras_own(owner: Any) -> None:
    made = of_example(owner, owner.examples[0]).make()
    metric = keras.metrics.BinaryAccuracy() if made == "accuracy" else made
    assert getattr(metric, "_direction", "") == owner.direction


def test_words_that_keras_resolves_itself() -> None:
    assert component("metric", "accuracy").make() == "accuracy"
    assert component("metric", {"accuracy": {"name": "acc"}}).make() == "acc"
    assert component("loss", "crossentropy").make() == "crossentropy"


@pytest.mark.parametrize(
    ("written", "name"), [("auc", "auc"), ({"auc": {"name": "area"}}, "area"), ("mse", "mean_squared_error")]
)
def test_metric_has_the_same_name_in_every_model(written: Any, name: str) -> None:
    metrics = [component("metric", written) for _ in range(2)]
    assert [metric.make().name for metric in metrics] == [name, name]
    assert metrics[0].name == name


@pytest.mark.parametrize("written", [{"relu": {"max_value": 6.0}}, {"leaky_relu": 0.1}, {"elu": 0.5}], ids=str)
@pytest.mark.parametrize("layer", ["Dense", "LSTM", "Activation"])
def test_activation_with_options_is_saved_in_a_model(written: Any, layer: str, tmp_path: Any) -> None:
    activation = component("activation", written).make()
    inputs = keras.Input((5, 3))
    make = getattr(keras.layers, layer)
    outputs = make(activation) if layer == "Activation" else make(4, activation=activation)
    model = keras.Model(inputs, outputs(inputs))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    x = np.linspace(-3, 9, 30, dtype="float32").reshape(2, 5, 3)
    assert np.array_equal(model(x), again(x))


@pytest.mark.parametrize(("written", "function"), [
    ({"relu": {"max_value": 6.0, "threshold": 0.5, "negative_slope": 0.1}}, "relu"),
    ({"leaky_relu": 0.1}, "leaky_relu"), ({"elu": 0.5}, "elu"),
], ids=str)  # fmt: skip
def test_activation_with_options_is_the_function(written: Any, function: str) -> None:
    made = component("activation", written)
    x = np.linspace(-3, 9, 30, dtype="float32")
    assert np.allclose(made.make()(x), getattr(keras.activations, function)(x, **made.given), atol=1e-6)


OPTIMIZERS = [(owner, example) for owner, example in EXAMPLES if owner.kind == "optimizer"]


@pytest.mark.parametrize(
    ("owner", "example"), OPTIMIZERS, ids=[f"{o.registered_name} {e.value}" for o, e in OPTIMIZERS]
)
def test_optimizer_changes_weights(owner: type[Component], example: Example) -> None:
    optimizer = of_example(owner, example).make()
    weight = keras.Variable(np.arange(1, 7, dtype="float32").reshape(2, 3))
    before = weight.numpy()
    for _ in range(4):  # an accumulated gradient is applied at the fourth step
        optimizer.apply([keras.ops.ones((2, 3))], [weight])
    assert np.isfinite(weight.numpy()).all()
    assert not np.array_equal(weight.numpy(), before)


@pytest.mark.parametrize("owner", of("schedule"), ids=label)
def test_schedule_gives_learning_rates(owner: type[Component]) -> None:
    for example in owner.examples:
        schedule = of_example(owner, example).make()
        rates = [float(schedule(step)) for step in (0, 1, 100, 5000)]
        assert all(0 <= rate < 1 for rate in rates) and max(rates) > 0


@pytest.mark.parametrize("owner", of("initializer"), ids=label)
def test_initializer_fills_a_weight(owner: Any) -> None:
    least = max(owner.ranks[0], 2)
    for example in owner.examples:
        values = np.asarray(of_example(owner, example).make()((4, 1, 3) if least == 3 else (4, 3)))
        assert np.isfinite(values).all()


def test_numbers_of_yaml() -> None:
    assert load("{a: 1e-3, b: [x, 2]}") == {"a": 0.001, "b": ["x", 2]}
