"""What an output of a model decides: the kind of question, and how predictions and targets are read as answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from dlspec.data.targets import BINARY, CLASSES, ONE_HOT, VALUES, Output
from dlspec.ir import Shape

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# One class per example; yes or no; several independent yes or no; a class per position; numbers; arrays of numbers.
CHOICE, YES_NO, TAGS, PIXELS, NUMBERS, ARRAYS = "choice", "yes_no", "tags", "pixels", "numbers", "arrays"
_SIGNED = ("hinge", "squared_hinge")
_UNJUDGED = ("ctc", "circle")
_SMALLEST_MAP = 4


@dataclass(frozen=True, slots=True)
class Task:
    """One output of the model as a question.

    Attributes:
        name: The output.
        kind: One of the constants above.
        names: Of the classes, or of the numbers of a vector.
        logits: Whether predictions are taken before sigmoid or softmax.
        threshold: Above which a prediction means yes.
        ignored: A class number that does not count, or None.
    """

    name: str
    kind: str
    names: tuple[str, ...]
    logits: bool = False
    threshold: float = 0.5
    ignored: int | None = None

    @property
    def classifies(self) -> bool:
        """Whether each answer is one class of several."""
        return self.kind in (CHOICE, YES_NO, PIXELS)


class Answers(NamedTuple):
    """Class numbers of shape [examples, …], and the probabilities of each class, [examples, …, classes]."""

    true: Array
    guess: Array
    probabilities: Array


def task_of(output: Output, loss: Any, shape: Shape) -> Task | None:
    """The question that an output answers, or None where it is none of those that can be judged.

    Args:
        output: The output, bound to its target.
        loss: Its loss.
        shape: Of one prediction.
    """
    if getattr(loss, "name", "") in _UNJUDGED or any(size is None for size in shape):
        return None
    logits = bool(getattr(loss, "from_logits", False))
    ignored = getattr(loss, "ignore_class", None)
    target = output.tensor.shape
    if output.encoding in (CLASSES, ONE_HOT) and shape and shape[-1] != 1:
        labels = target[:-1] if output.encoding == ONE_HOT else target
        labels = labels[:-1] if len(labels) == len(shape) else labels
        if getattr(loss, "axis", -1) != -1 or len(labels) != len(shape) - 1:
            return None
        names = _class_names(output, int(shape[-1] or 0))
        return Task(output.name, PIXELS if labels else CHOICE, names, logits, ignored=ignored)
    if output.encoding == BINARY:
        return _binary(output, loss, shape, logits)
    if output.encoding == VALUES:
        flat = [size for size in shape if size != 1]
        if len(shape) <= 1 or not flat:
            return Task(output.name, NUMBERS, _numbered(output, int(shape[-1] or 1) if shape else 1))
        return Task(output.name, ARRAYS, ())
    return None


def _binary(output: Output, loss: Any, shape: Shape, logits: bool) -> Task:
    threshold = 0.0 if getattr(loss, "name", "") in _SIGNED else 0.5
    if len(shape) <= 1 and (not shape or shape[-1] == 1):
        return Task(output.name, YES_NO, _two(output), logits, threshold)
    if len(shape) == 1:
        return Task(output.name, TAGS, _class_names(output, int(shape[0] or 0)), logits, threshold)
    if shape[-1] == 1 or is_map(shape):
        return Task(output.name, PIXELS, _two(output), logits, threshold)
    return Task(output.name, TAGS, (), logits, threshold)


def _two(output: Output) -> tuple[str, ...]:
    return tuple(map(str, output.classes)) or ("0", "1")


def _class_names(output: Output, count: int) -> tuple[str, ...]:
    return tuple(
        str(output.classes[number]) if number < len(output.classes) else str(number) for number in range(count)
    )


def _numbered(output: Output, count: int) -> tuple[str, ...]:
    return (output.target,) if count == 1 else tuple(f"{output.target}[{number}]" for number in range(count))


def is_map(shape: Shape) -> bool:
    """Whether an array of this shape can be looked at as a picture: [height, width] with or without channels."""
    sides = shape[:2]
    if len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] not in (1, 3, 4)):
        return False
    if any(side is None or side < _SMALLEST_MAP for side in sides):
        return False
    height, width = (int(side or 0) for side in sides)
    return max(height, width) <= 4 * min(height, width)


def answers(task: Task, predicted: Array, target: Array) -> Answers:
    """Predictions and targets of a task that classifies, as class numbers.

    Args:
        predicted: Shape [examples, …] as the model gives it.
        target: Shape [examples, …] as the loss receives it.
    """
    import numpy as np

    share = probabilities(task, predicted)
    guess = share.argmax(axis=-1)
    if len(task.names) == 2 and predicted.shape[-1:] != (2,):
        true = target.reshape(guess.shape) > 0.5
    elif target.ndim == share.ndim and target.shape[-1] == share.shape[-1]:
        true = target.argmax(axis=-1)
    else:
        true = target.reshape(guess.shape)
    return Answers(np.asarray(true, np.int64), guess, share)


def probabilities(task: Task, predicted: Array) -> Array:
    """What the model gives to each class, in the last axis; a margin is squeezed into 0 to 1."""
    import numpy as np

    values = predicted.astype(np.float64)
    if len(task.names) == 2 and (predicted.ndim < 2 or predicted.shape[-1] != 2):
        values = values[..., 0] if predicted.ndim > 1 and predicted.shape[-1] == 1 else values
        yes = yes_share(task, values)
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
    return np.clip((values + 1) / 2, 0, 1) if task.threshold == 0 else values
