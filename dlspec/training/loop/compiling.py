"""The model that is trained: the outputs with a loss, compiled with losses, optimizer and metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import MappingProxyType
from typing import Any

from dlspec.backends.keras.internals import flatten_layers, moving_averages, rule_of
from dlspec.backends.keras.structure import only_or_all, outputs_by_name
from dlspec.components.methods.base import Method
from dlspec.components.methods.supervised import SUMMED_ROWS, Supervised
from dlspec.components.registry import load_attribute
from dlspec.components.training.callbacks import Callback
from dlspec.components.training.update_rules import Optimizer
from dlspec.training.loop.distribution import ONE_DEVICE, Distribution

# No target is prepared.
NO_UNITS: Mapping[str, Any] = MappingProxyType({})


def trainer(
    core: Any,
    method: Supervised,
    optimizer: Optimizer | Sequence[Optimizer],
    outputs: Sequence[str],
    distribution: Distribution = ONE_DEVICE,
    examples: int | None = None,
    units: Mapping[str, Any] = NO_UNITS,
    *,
    weighed: bool = False,
) -> Any:
    """As :func:`measuring`, with an optimizer as the method wants it, or with one for each learner."""

    def made(model: Any) -> Any:
        if isinstance(optimizer, Optimizer):
            return made_optimizer(optimizer, method, model, distribution)
        return [made_optimizer(rule, method, model, distribution) for rule in optimizer]

    return measuring(core, method, outputs, distribution, examples, made, units, weighed=weighed)


def made_optimizer(
    optimizer: Optimizer, method: Supervised, model: Any, distribution: Distribution = ONE_DEVICE
) -> Any:
    """The optimizer of a compiled model, as `method` wants it: see its ``precision`` and ``embedding_gradients``."""
    import keras

    def make() -> Any:
        made = optimizer.make()
        if method.precision == "mixed_float16" and not isinstance(made, keras.optimizers.LossScaleOptimizer):
            made = keras.optimizers.LossScaleOptimizer(made, name="loss_scale_optimizer")
        if optimizer.rule.groups:
            from dlspec.training.loop.grouping import with_groups  # few trainings need it

            made = with_groups(made, optimizer, method, model)
        return load_attribute(SUMMED_ROWS)(made, model) if method.sums_rows(optimizer) else made

    return distribution.optimizer(make, model.trainable_variables)


def measuring(
    core: Any,
    method: Method,
    outputs: Sequence[str],
    distribution: Distribution = ONE_DEVICE,
    examples: int | None = None,
    optimizer: Callable[[Any], Any] | None = None,
    units: Mapping[str, Any] = NO_UNITS,
    *,
    weighed: bool = False,
) -> Any:
    """A compiled model around the layers of `core`, whose weights it shares.

    Its outputs are those with a loss: the only one, or a dict by name, so that measures are called ``sold_loss``,
    ``sold_auc`` whatever the layers behind them are called.

    Args:
        core: A functional Keras model.
        outputs: Names of its outputs in their order.
        distribution: The devices on which the variables of `core` stand.
        examples: How many are measured together at most; some metrics keep the answers to all of them.
        optimizer: Makes the optimizer for the model around `core`, or that of each learner; without one, it can be
            measured only.
        units: Of the targets that are prepared, by output: see :class:`dlspec.standalone.units.Units`.
        weighed: Whether batches hold the weights of their examples, in the loss and in metrics.
    """
    import keras

    losses = {name: method.loss_of(name) for name in method.trained(outputs)}
    metrics = {
        name: [metric.make() for metric in method.metrics_of(name, examples, weighed=weighed)] for name in losses
    }
    compared = {name: loss.make() for name, loss in losses.items()}
    _compare_in(units, compared, metrics, {name: loss.answer for name, loss in losses.items()})
    if method.turns:
        from dlspec.training.loop.learners import takes_turns  # few trainings need it

        turns = takes_turns(core, method, outputs, compared, metrics)
        optimizers = optimizer(turns) if optimizer else [keras.optimizers.SGD() for _ in turns.learners]
        turns.compile(optimizers, jit_compile=distribution.compiled(method.jit))
        return turns
    tensors = outputs_by_name(core.output, outputs)
    owner = _owner(several=len(losses) > 1, weighed=weighed, averages=bool(method.averages))
    model = owner(core.input, only_or_all({name: tensors[name] for name in losses}), name=core.name)
    if method.averages:
        from dlspec.standalone.averages import averages_of

        model.averages = averages_of(core, method.averages).of(flatten_layers(model))
    model.compile(
        optimizer="sgd" if optimizer is None else optimizer(model),
        loss=only_or_all(compared),
        loss_weights=_weights(method, list(losses)),
        **{"weighted_metrics" if weighed else "metrics": only_or_all(metrics) if any(metrics.values()) else None},
        jit_compile=distribution.compiled(method.jit),
    )
    return model


def _owner(*, several: bool, weighed: bool, averages: bool) -> Any:
    """The class of a model that is trained or measured."""
    import keras

    from dlspec.standalone.averages import Following
    from dlspec.standalone.example_means import ExampleMeans
    from dlspec.standalone.weighed import Weighed

    class WeighedMeans(Weighed, ExampleMeans):
        """Of several outputs."""

    owner = (WeighedMeans if several else Weighed) if weighed else ExampleMeans if several else keras.Model
    return type("Averaging", (Following, owner), {}) if averages else owner


def _compare_in(
    units: Mapping[str, Any], losses: dict[str, Any], metrics: dict[str, list[Any]], answers: Mapping[str, int | None]
) -> None:
    """Lets losses compare targets as they are prepared, and metrics the answers alone, in the units of the data."""
    from dlspec.standalone.units import PreparedLoss, UndoneMetric

    for name, answer in answers.items():
        if name in units:
            losses[name] = PreparedLoss(losses[name], units[name])
        if name in units or answer is not None:
            metrics[name] = [UndoneMetric(metric, units.get(name), answer) for metric in metrics[name]]


def _weights(method: Method, outputs: Sequence[str]) -> Any:
    if not method.loss_weights:
        return None
    weights = {name: float(method.loss_weights.get(name, 1.0)) for name in outputs}
    return list(weights.values()) if len(weights) == 1 else weights


@contextmanager
def precision(policy: str) -> Iterator[None]:
    """Layers made meanwhile compute in the given precision."""
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def averaging(optimizers: Sequence[Any], callbacks: Sequence[Callback]) -> Callable[[], AbstractContextManager[None]]:
    """A context in which weights have the values of their moving averages, where the optimizer keeps some.

    Keras itself does so once, after training; epochs would then be compared by other weights than those that are kept.
    Where the callback ``swap_ema_weights`` does it, nothing else may.

    Args:
        optimizers: Those of the compiled model.
        callbacks: As declared.
    """
    inner = [rule for rule in map(rule_of, optimizers) if rule.use_ema]
    if not inner or any(callback.swaps_averages for callback in callbacks):
        return nullcontext

    @contextmanager
    def averaged() -> Iterator[None]:
        pairs = [pair for rule in inner for pair in moving_averages(rule)]
        own = [variable.value.numpy() for variable, _ in pairs]
        for variable, average in pairs:
            variable.assign(average)
        try:
            yield
        finally:
            for (variable, _), value in zip(pairs, own, strict=True):
                variable.assign(value)

    return averaged
