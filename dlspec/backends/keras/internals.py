"""All private names of Keras and Keras Tuner that dlspec uses: a new release of theirs is a change of this file.

A function for each, with what it stands for in Keras's terms; ``tests/runner/test_internals.py`` says which of them a
version no longer has. What is copied into projects (:mod:`dlspec.standalone`, :mod:`dlspec.keras_layers`) cannot import
this file; the architecture test lists the few names that it needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

# --- layers and the calls that make up a model -------------------------------------------------------------------


def flatten_layers(layer: Any, *, include_self: bool = True) -> list[Any]:
    """A layer or model and every layer inside, at any depth; without itself where `include_self` is false."""
    return list(layer._flatten_layers(include_self=include_self))


def saved_variables(layer: Any) -> dict[str, Any]:
    """The variables of a layer by the places in a file where Keras writes them: ``vars/0``, ``cell/vars/1``."""
    from keras.src.saving import saving_lib

    class Recording(saving_lib.H5IOStore):  # type: ignore[misc]
        """Keeps what is written."""

        def __init__(self) -> None:
            self.written: dict[str, dict[str, Any]] = {}

        def __bool__(self) -> bool:
            return True

        def make(self, path: str, metadata: Any = None) -> dict[str, Any]:
            return self.written.setdefault(path, {})

    recording = Recording()
    saving_lib._save_state(layer, recording, None, "", set())
    return {
        f"{path}/vars/{key}".lstrip("/"): value
        for path, entries in recording.written.items()
        for key, value in entries.items()
    }


def calls_of(operation: Any) -> list[Any]:
    """The symbolic calls of a layer or operation: nodes with `input_tensors` and `output_tensors`."""
    nodes: list[Any] = operation._inbound_nodes
    return nodes


def forget_calls(layer: Any) -> None:
    """Takes a layer out of every model that calls it; it would keep their tensors in memory."""
    for inner in flatten_layers(layer):
        inner._inbound_nodes.clear()
        inner._outbound_nodes.clear()


def calls_in_order(model: Any) -> Iterator[Any]:
    """The calls of a functional model in the order in which the model runs them, inputs first."""
    for depth in sorted(model._nodes_by_depth, reverse=True):
        yield from model._nodes_by_depth[depth]


class Origin(NamedTuple):
    """Where a symbolic tensor comes from.

    Attributes:
        operation: The layer, model or operation that gave it.
        tensor_index: Its number among the tensors of that call.
    """

    operation: Any
    tensor_index: int


def origin_of(tensor: Any) -> Origin:
    """The operation that returned a symbolic tensor."""
    operation, _, tensor_index = tensor._keras_history
    return Origin(operation, tensor_index)


def rename_operation(tensor: Any, name: str) -> None:
    """Names the operation behind a symbolic tensor: Keras numbers operations by itself, and takes no name for one."""
    tensor._keras_history.operation.name = name


def own_non_trainable_variables(layer: Any) -> list[Any]:
    """Variables of a layer itself, not of layers inside, that gradients do not change, such as moving means."""
    variables: list[Any] = layer._non_trainable_variables
    return variables


def synchronized(layer: Any) -> bool:
    """Whether a layer measures over the examples of all devices together."""
    return bool(getattr(layer, "synchronized", False))


# --- what Keras hangs on tensors ---------------------------------------------------------------------------------

# Which elements count, and the numbers before the activation, from which losses compute more exactly.
_MASK, _LOGITS = "_keras_mask", "_keras_logits"


def mask_of(tensor: Any) -> Any:
    """The mask that a tensor carries; None where all of it counts."""
    return attached(tensor).get(_MASK)


def set_mask(tensor: Any, mask: Any) -> None:
    """Lets a tensor carry a mask; None for none."""
    setattr(tensor, _MASK, mask)


def attached(tensor: Any) -> dict[str, Any]:
    """The tensors that hang on an output for losses and metrics, by the names that :func:`attach` takes."""
    tensors = {name: getattr(tensor, name, None) for name in (_MASK, _LOGITS)}
    return {name: value for name, value in tensors.items() if value is not None}


def attach(tensor: Any, name: str, value: Any) -> None:
    """Hangs a tensor on an output under a name that :func:`attached` gave."""
    setattr(tensor, name, value)


# --- attention -----------------------------------------------------------------------------------------------------


class Projections(NamedTuple):
    """The layers inside an attention with several heads, and what its scores depend on.

    Attributes:
        query: Gives vectors [examples, steps, heads, features], as those of `key` and `value`.
        key: Of the keys.
        value: Of the values.
        gate: What weighs the result, made of the query; None for none.
        output: Of the result.
        repeats: How many heads of the query share one of key and value.
        scale: What the products are multiplied by.
        window: How many steps away the first step is that is not attended to; None where all are.
    """

    query: Any
    key: Any
    value: Any
    gate: Any
    output: Any
    repeats: int
    scale: float
    window: int | None


def projections_of(layer: Any) -> Projections:
    """What a multi-head or grouped-query attention computes with."""
    inner = layer._query_dense, layer._key_dense, layer._value_dense
    gate = layer._gate_dense if layer.get_config()["use_gate"] else None
    grouped = hasattr(layer, "num_repeats")
    repeats = layer.num_repeats if grouped else 1
    scale = layer._inverse_sqrt_head_dim if grouped else layer._inverse_sqrt_key_dim
    return Projections(*inner, gate, layer._output_dense, repeats, scale, layer.get_config()["sliding_window"])


def attended(layer: Any, query: Any, key: Any, value: Any, shown: Any) -> Any:
    """What an attention without heads gathers.

    Args:
        layer: `Attention` or `AdditiveAttention`.
        query: [examples, steps, features].
        key: [examples, others, features].
        value: [examples, others, features].
        shown: Which of the others each step looks at, [examples or 1, steps or 1, others]; None for all.
    """
    return layer._apply_scores(layer._calculate_scores(query, key), value, shown)[0]


# --- training ----------------------------------------------------------------------------------------------------


def make_variables(model: Any, batch: Any) -> None:
    """Makes the variables of optimizer and metrics of a compiled model, which Keras otherwise makes in the first step.

    Args:
        batch: Type of a batch, as a dataset's ``element_spec`` gives it.
    """
    model._symbolic_build(data_batch=batch)


def batch_loss(model: Any, x: Any, y: Any, outputs: Any, weights: Any) -> Any:
    """The loss of a batch in training with all that layers and weights add to it, a scalar."""
    return model._compute_loss(x=x, y=y, y_pred=outputs, sample_weight=weights, training=True)


def compiled_loss(model: Any, y: Any, outputs: Any, weights: Any) -> Any:
    """The loss of outputs alone as the model was compiled, a scalar, without what layers and weights add."""
    return model._compile_loss(y, outputs, weights)


def count_loss(model: Any, loss: Any, examples: Any) -> None:
    """Adds the loss of a batch of so many examples to the mean that the model shows as ``loss``."""
    model._loss_tracker.update_state(loss, sample_weight=examples)


def rule_of(optimizer: Any) -> Any:
    """The optimizer that changes the weights: itself, or the one inside of what scales the loss."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def moving_averages(optimizer: Any) -> list[tuple[Any, Any]]:
    """Each trained variable with the variable of its moving average, of an optimizer with ``use_ema``."""
    return list(zip(optimizer._trainable_variables, optimizer._model_variables_moving_average, strict=True))


# Callbacks that count what no public attribute tells; `callback_counters` finds those that one has.
_COUNTERS = (
    "_batches_seen_since_last_saving",  # ModelCheckpoint
    "_last_batch_seen",
    "_ema_weights_in_model",  # SwapEMAWeights
    "_global_train_batch",  # TensorBoard
    "_global_test_batch",
)


def callback_counters(callback: Any) -> tuple[str, ...]:
    """Names of the attributes in which a callback of Keras counts what it goes on with after an interruption."""
    return tuple(name for name in _COUNTERS if hasattr(callback, name))


# --- several devices ---------------------------------------------------------------------------------------------


def forget_strategy(model: Any) -> None:
    """Lets a model whose variables stand on several devices predict, adapt and save on one."""
    model._distribute_strategy = None


def take_sums_as_given(optimizer: Any) -> None:
    """Lets an optimizer apply gradients as they are: Keras would add up over devices what is a sum already."""
    rule_of(optimizer)._all_reduce_sum_gradients = _as_they_are


def _as_they_are(pairs: Any) -> Any:
    return pairs


# --- Keras Tuner -------------------------------------------------------------------------------------------------


def trial_status() -> Any:
    """Keras Tuner's names of what became of a trial: ``RUNNING``, ``COMPLETED``, ``FAILED``."""
    from keras_tuner.engine import trial

    return trial.TrialStatus


def keep_in_memory(oracle: Any) -> None:
    """Lets an oracle write no files."""
    oracle.save = oracle._save_trial = _write_nothing


def _write_nothing(*arguments: Any, **more: Any) -> None:
    pass


def seed_oracle(oracle: Any, seed: int) -> None:
    """Gives an oracle a seed after it was made: its constructor takes 0 for none."""
    oracle.seed = oracle._seed_state = seed


def traced_in_silence(function: Any) -> Any:
    """A function of TensorFlow that is made anew for each phase and split, which TensorFlow takes for a mistake."""
    function._omit_frequent_tracing_warning = True
    return function
