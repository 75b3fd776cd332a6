"""Rare classes: weights of examples by their class, and repetition of examples."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from dlspec.components.methods.base import Method
from dlspec.components.sections.data import Data
from dlspec.components.training.losses import Loss
from dlspec.core.errors import Problem, did_you_mean
from dlspec.data.binding.findings import Findings
from dlspec.data.binding.missing import IGNORE
from dlspec.data.binding.targets import BINARY, CLASSES, Output
from dlspec.data.binding.values import encoded
from dlspec.data.sources.base import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    Array = np.ndarray[Any, Any]


def check_weights(data: Data, outputs: Sequence[Output], method: Method | None, findings: Findings) -> None:
    """Weights and repetition are for targets with classes, and weights name classes (E616)."""
    for output in outputs:
        with findings.at("data", "targets", output.target):
            weights = data.targets[output.target].class_weights
            _check(weights, output)
            if weights is not None:
                _check_loss(output, method.loss_of(output.name) if method is not None else None)
    with findings.at("data"):
        repeated_target(data, outputs)


def _check(weights: Any, output: Output) -> None:
    if weights is None:
        return
    if not output.labelled:
        message = f"target `{output.target}` has no classes that could weigh differently"
        raise Problem("E616", message, "leave `class_weights` out", "class_weights")
    known = [str(name) for name in output.classes] or [str(number) for number in range(output.units)]
    for name in weights if isinstance(weights, dict) and known else ():
        if str(name) not in known:
            message = f"`{name}` is no class of target `{output.target}`"
            raise Problem("E616", message, did_you_mean(str(name), known), "class_weights")


def _check_loss(output: Output, loss: Loss | None) -> None:
    """Refuses weights for a loss without values of its own: means over the last axis, or one value for all."""
    if loss is not None and loss.whole:
        message = f"`{loss.name}` is one loss for all that an example holds: its classes cannot weigh differently"
        raise Problem("E616", message, "leave `class_weights` out, or take another loss", "class_weights")
    shape = output.tensor.shape
    if output.encoding == BINARY and shape and shape[-1] != 1:
        message = f"the {shape[-1]} values of target `{output.target}` have one mean loss, and cannot weigh differently"
        sizes = ", ".join("-1" if size is None else str(size) for size in (*shape, 1))
        help = f"give each a loss of its own: end the model in `reshape: [{sizes}]`"
        raise Problem("E616", message, help, "class_weights")


def repeated_target(data: Data, outputs: Sequence[Output]) -> Output | None:
    """The target whose classes become equally frequent, or None.

    Raises:
        Problem: E616, there is no or no single one.
    """
    if data.oversample is False:
        return None
    if any(output.missing == IGNORE for output in outputs):
        message = "`oversample` repeats rare classes, and of some examples the class is not known (`missing: ignore`)"
        raise Problem("E616", message, "leave `oversample` out", "oversample")
    labelled = {output.target: output for output in outputs if output.labelled and _one_label(output)}
    if isinstance(data.oversample, str):
        if data.oversample in labelled:
            return labelled[data.oversample]
        known = did_you_mean(data.oversample, labelled)
        raise Problem("E616", f"`{data.oversample}` is no target with classes", known, "oversample")
    if len(labelled) != 1:
        names = ", ".join(f"`{name}`" for name in labelled) or "none"
        help = f"write `oversample: {next(iter(labelled))}`" if labelled else "leave `oversample` out"
        message = f"`oversample` needs one target with classes, and there {'are' if labelled else 'is'} {names}"
        raise Problem("E616", message, help, "oversample")
    return next(iter(labelled.values()))


def most_examples(data: Data, outputs: Sequence[Output], table: Table, count: int) -> int:
    """Largest number of examples in an epoch, of `count` in all; those of rare classes may repeat."""
    target = repeated_target(data, outputs)
    if target is None:
        return count
    counts = table.labels(target.column).counts
    return max(count, len(counts) * max(counts))


def _one_label(output: Output) -> bool:
    """Whether an example has one label, not one for each of its pixels or steps."""
    shape = output.tensor.shape[:-1] if output.expand else output.tensor.shape
    return shape in ((), (1,))


def classes_of(output: Output, table: Table, numbers: Array) -> Array:
    """The class number of each of some examples; of a mask, of each of its pixels."""
    import numpy as np

    arrays = {name: table.read([name])[name][numbers] for name in output.columns}
    targets = encoded(output, arrays)
    if output.expand:
        return np.asarray(targets.argmax(axis=-1))
    return np.rint(targets).astype(np.int64)


def class_weights(data: Data, outputs: Sequence[Output], table: Table, train: Array) -> dict[str, Array]:
    """The weight of each class, by output; balanced ones from the training split alone.

    A balanced weight is examples / (classes · examples of the class), so that the mean over all examples is 1.
    """
    import numpy as np

    from dlspec.standalone.orders import balanced

    weights: dict[str, Array] = {}
    for output in outputs:
        given = data.targets[output.target].class_weights
        if given is None:
            continue
        numbers = classes_of(output, table, train)
        numbers = numbers[numbers >= 0]
        size = max(output.units, int(numbers.max()) + 1)
        if isinstance(given, dict):
            names = [str(name) for name in output.classes] or [str(number) for number in range(size)]
            table_ = {str(name): weight for name, weight in given.items()}
            weights[output.name] = np.array([table_.get(name, 1.0) for name in names], np.float32)
        else:
            weights[output.name] = balanced(numbers, size)
    return weights


def divided_by_weights(method: Any, outputs: Iterable[Output]) -> frozenset[str]:
    """Outputs whose loss is divided by the sum of the weights: Keras adds them as given, not as often as they count."""
    losses = {output.name: method.loss_of(output.name) for output in outputs} if method is not None else {}
    return frozenset(
        name for name, loss in losses.items() if loss is not None and loss.reduction == "mean_with_sample_weight"
    )


def numbered(output: Output) -> bool:
    """Whether a target is the number of a class, of an axis less than the output has."""
    return output.encoding == CLASSES and not output.expand


def weighted(weights: Array, output: Output, target: Any) -> Any:
    """The weight of each example of a batch, as TensorFlow operations on encoded targets."""
    import tensorflow as tf

    table = tf.constant(weights)
    if output.expand:
        return tf.linalg.matvec(target, table)  # a mixture of classes weighs like the mixture of their weights
    if output.encoding == BINARY:
        target = target[..., 0] if output.tensor.shape[-1:] == (1,) else target
        return table[0] + (table[1] - table[0]) * target
    target = tf.cast(target, tf.int64)
    if output.tensor.shape == (1,):
        target = tf.reshape(target, tf.shape(target)[:1])
    inside = (target >= 0) & (target < len(weights))  # `ignore_class` may name a number that is no class
    return tf.where(inside, tf.gather(table, tf.where(inside, target, 0)), 1.0)


def repeated(classes: Array, seed: int) -> Array:
    """Positions of examples, ascending, so that each class is as frequent as the largest one.

    Every example comes at least once; which of them come once more is a function of the seed.
    """
    from dlspec.standalone.orders import oversampled

    return oversampled(classes, seed)
