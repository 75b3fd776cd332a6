"""The kind of question that an output of a model answers, and how to read predictions and targets as answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from dlspec.components.training.heads import Head
from dlspec.components.training.losses import Loss
from dlspec.core.ir import Shape
from dlspec.core.pictures import is_map
from dlspec.data.binding.targets import BINARY, CLASSES, ONE_HOT, VALUES, Output

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# One class per example; yes or no; several independent yes or no; a class per step of a sequence, or per pixel; a
# sequence of labels that is as long as it likes; numbers; numbers per step; arrays of numbers.
CHOICE, YES_NO, TAGS, STEPS, PIXELS, TRANSCRIPT = "choice", "yes_no", "tags", "steps", "pixels", "transcript"
NUMBERS, SERIES, ARRAYS = "numbers", "series", "arrays"


@dataclass(frozen=True, slots=True)
class Task:
    """One output of the model as a question.

    Attributes:
        name: The output.
        kind: One of the constants above.
        names: Of the classes, or of the numbers of a vector.
        logits: Whether predictions are taken before sigmoid or softmax.
        threshold: Above which a prediction, as the model gives it, means yes.
        margin: Whether predictions lie around 0, between -1 and 1 where it is sure.
        chosen: Whether the threshold was chosen on the validation split.
        ignored: A class number that does not count, or None.
        likelihood: Whether the loss is the crossentropy of the classes, which perplexity is made of.
        quantiles: The share of targets below each number of a prediction; () where all of them are answers.
        array: Whether the numbers are those of one array, which share a unit, and not of several columns.
    """

    name: str
    kind: str
    names: tuple[str, ...]
    logits: bool = False
    threshold: float = 0.5
    margin: bool = False
    chosen: bool = False
    ignored: int | None = None
    likelihood: bool = False
    array: bool = False
    quantiles: tuple[float, ...] = ()

    @property
    def classifies(self) -> bool:
        """Whether each answer is one class of several."""
        return self.kind in (CHOICE, YES_NO, STEPS, PIXELS)

    @property
    def numeric(self) -> bool:
        """Whether answers are numbers."""
        return self.kind in (NUMBERS, SERIES, ARRAYS)


class Answers(NamedTuple):
    """Class numbers of shape [examples, …], and the probabilities of each class, [examples, …, classes]."""

    true: Array
    guess: Array
    probabilities: Array


def task_of(output: Output, head: Head, shape: Shape) -> Task | None:
    """The question that an output answers, or None where it is none of those that can be judged.

    Args:
        output: The output, bound to its target.
        head: Its loss and last activation.
        shape: Of one prediction; None where an axis has no fixed size.
    """
    loss = head.loss
    if loss is None or not loss.labels_in_head or shape[-1:] == (None,):
        return None
    if loss.aligns:
        return Task(output.name, TRANSCRIPT, _class_names(output, int(shape[-1] or 0)))
    if output.encoding in (CLASSES, ONE_HOT) and shape and shape[-1] != 1:
        return _exclusive(output, loss, shape)
    if output.encoding == BINARY and not output.graded:
        return _binary(output, head, loss, shape)
    if output.encoding in (BINARY, VALUES):
        return _numbers(output, head, loss, shape)
    return None


def _exclusive(output: Output, loss: Loss, shape: Shape) -> Task | None:
    target = output.tensor.shape
    labels = target[:-1] if output.encoding == ONE_HOT else target
    labels = labels[:-1] if len(labels) == len(shape) else labels
    if loss.axis != -1 or len(labels) != len(shape) - 1:
        return None
    return Task(
        output.name,
        _placed(len(labels), CHOICE),
        _class_names(output, int(shape[-1] or 0)),
        loss.from_logits,
        ignored=loss.ignore_class,
        likelihood=loss.likelihood,
    )


def _binary(output: Output, head: Head, loss: Loss, shape: Shape) -> Task:
    margin = head.middle == 0 and not loss.from_logits
    task = Task(output.name, YES_NO, _two(output), loss.from_logits, head.threshold, margin, head.chosen is not None)
    if len(shape) > 1 and (shape[-1] == 1 or (len(shape) == 2 and is_map(shape) and not head.features)):
        axes = len(shape) - (shape[-1] == 1)
        return replace(task, kind=_placed(axes), likelihood=loss.likelihood)
    if len(shape) <= 1 and shape in ((), (1,)):
        return replace(task, likelihood=loss.likelihood)
    return replace(task, kind=TAGS, names=_class_names(output, int(shape[-1] or 0)))


def _numbers(output: Output, head: Head, loss: Loss, shape: Shape) -> Task:
    """Numbers: those of an example, of each step of a sequence, or of a whole array such as a picture."""
    if loss.quantiles:
        return Task(output.name, NUMBERS, (output.target,), quantiles=tuple(map(float, loss.quantiles)))
    logits, several = loss.from_logits, len(output.columns) == 1 and shape[-1:] not in ((), (1,))
    if len(shape) <= 1 or all(size == 1 for size in shape):
        return Task(output.name, NUMBERS, _numbered(output, int(shape[-1] or 1) if shape else 1), logits, array=several)
    if len(shape) == 2 and (head.features or not is_map(shape)):
        return Task(output.name, SERIES, _numbered(output, int(shape[-1] or 1)), logits, array=several)
    return Task(output.name, ARRAYS, (), logits, array=True)


def _placed(axes: int, single: str = PIXELS) -> str:
    """The kind of a class for each position: a step of a sequence, or a pixel."""
    return {0: single, 1: STEPS}.get(axes, PIXELS)


def _two(output: Output) -> tuple[str, ...]:
    return tuple(map(str, output.classes)) or ("0", "1")


def _class_names(output: Output, count: int) -> tuple[str, ...]:
    return tuple(
        str(output.classes[number]) if number < len(output.classes) else str(number) for number in range(count)
    )


def _numbered(output: Output, count: int) -> tuple[str, ...]:
    if len(output.columns) == count:
        return output.columns if count > 1 else (output.target,)
    return (output.target,) if count == 1 else tuple(f"{output.target}[{number}]" for number in range(count))


def counted(mask: Array | None, shape: tuple[int, ...]) -> Array:
    """Mask of the positions that count, booleans of `shape`: all, or those that the prediction's mask leaves.

    Args:
        mask: As Keras carries it: [examples, steps], or with fewer or more axes than `shape`.
        shape: Examples and positions: the shape of the predictions without their last axis.
    """
    import numpy as np

    if mask is None:
        return np.ones(shape, bool)
    if mask.ndim > len(shape):
        return np.asarray(mask.reshape(*shape, -1).any(axis=-1))
    return np.broadcast_to(mask.reshape(mask.shape + (1,) * (len(shape) - mask.ndim)), shape)


def spread(weights: Array | None, valid: Array) -> Array | None:
    """The weight of each position that counts; None where all count alike.

    Args:
        weights: Of the examples, or None.
        valid: Which positions count, booleans of shape [examples, …].
    """
    import numpy as np

    if weights is None:
        return None
    each: Array = np.broadcast_to(weights.reshape(-1, *[1] * (valid.ndim - 1)).astype(np.float64), valid.shape)[valid]
    return each


def answers(task: Task, predicted: Array, target: Array) -> Answers:
    """Predictions and targets of a task that classifies, as class numbers.

    Args:
        predicted: Shape [examples, …] as the model gives it.
        target: Shape [examples, …] as the loss receives it.
    """
    guess = guesses(task, predicted)
    return Answers(true_classes(task, target, guess.shape), guess, probabilities(task, predicted))


def guesses(task: Task, predicted: Array) -> Array:
    """The class that each prediction stands for: the likeliest, or yes above the threshold."""
    import numpy as np

    if is_two(task, predicted):
        return (_single(predicted) > task.threshold).astype(np.int64)
    likeliest: Array = predicted.argmax(axis=-1)
    return likeliest


def true_classes(task: Task, target: Array, shape: tuple[int, ...]) -> Array:
    """The class numbers that the loss receives, one-hot rows, or yes and no, in the given shape."""
    import numpy as np

    classes = len(task.names)
    if target.dtype.kind == "f" and target.ndim == len(shape) + 1 and target.shape[-1] == classes:
        return np.asarray(target.argmax(axis=-1), np.int64)
    if target.dtype.kind == "f" and classes == 2:
        target = target > 0.5
    return target.reshape(shape).astype(np.int64)


def is_two(task: Task, predicted: Array) -> bool:
    """Whether one number says yes or no, and not one for each class."""
    return len(task.names) == 2 and (predicted.ndim < 2 or predicted.shape[-1] != 2)


def _single(predicted: Array) -> Array:
    return predicted[..., 0] if predicted.ndim > 1 and predicted.shape[-1] == 1 else predicted


def probabilities(task: Task, predicted: Array) -> Array:
    """Probability of each class in the last axis; a margin is squeezed into 0 to 1."""
    import numpy as np

    values = predicted.astype(np.float64)
    if is_two(task, predicted):
        yes = yes_share(task, _single(values))
        return np.stack([1 - yes, yes], axis=-1)
    if not task.logits:
        return values
    values = np.exp(values - values.max(axis=-1, keepdims=True))
    share: Array = values / values.sum(axis=-1, keepdims=True)
    return share


def yes_share(task: Task, values: Array) -> Array:
    """The probability of yes."""
    import numpy as np

    if task.logits:
        shares: Array = 0.5 * (1 + np.tanh(values / 2))  # the logistic function, without overflow
        return shares
    return np.clip((values + 1) / 2, 0, 1) if task.margin else values


def numbers(task: Task, values: Array) -> Array:
    """Answers as float64: shares where the model gives them before sigmoid; of quantiles the median."""
    import numpy as np

    if task.quantiles:
        values = values[..., [task.quantiles.index(0.5)]]
    return yes_share(task, values.astype(np.float64)) if task.logits else values.astype(np.float64)
