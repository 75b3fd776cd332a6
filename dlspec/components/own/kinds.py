"""The kinds of components that a Python file of a spec may declare, each tried on zeros before anything is trained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from dlspec.components.layers.base import Layer
from dlspec.components.own.base import Own, Tried
from dlspec.components.registry import load_attribute
from dlspec.components.training.callbacks import Callback
from dlspec.components.training.constraints import Constraint
from dlspec.components.training.initializers import Initializer
from dlspec.components.training.losses import Loss
from dlspec.components.training.metrics import Metric
from dlspec.components.training.regularizers import Regularizer
from dlspec.components.training.schedules import Schedule
from dlspec.components.training.update_rules import Optimizer
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor, UnknownSize, Weight

# Functions that run the code of a spec; only building and checking such specs imports them, since they load Keras.
_HOME = "dlspec.backends.keras.own"
_CALL, _COMPARE, _CHANGE = f"{_HOME}.call", f"{_HOME}.compare", f"{_HOME}.change"
_RATE, _PENALIZE, _FILL = f"{_HOME}.rate", f"{_HOME}.penalize", f"{_HOME}.fill"


class Called(NamedTuple):
    """Facts of one symbolic call of a layer.

    Attributes:
        masked: Whether the first output carries a mask.
        takes_masks: Whether the layer looks at masks, or hands them on.
    """

    outputs: tuple[Tensor, ...]
    weights: tuple[Weight, ...]
    masked: bool
    takes_masks: bool


class OwnLayer(Own, Layer, abstract=True):
    """A layer whose shapes, weights and masks are those of a symbolic call of the class itself."""

    holds_layers = True

    def facts(self, inputs: tuple[Any, ...], named: Mapping[str, Any]) -> Called:
        """Facts of a call with these inputs, computed once for each combination of types.

        Raises:
            Problem: E111, the class fails.
        """
        known: dict[Any, Called] = self.__dict__.setdefault("_called", {})
        key = (_frozen(inputs), _frozen(sorted(named.items())))
        if key not in known:
            known[key] = self.running(lambda: load_attribute(_CALL)(self, inputs, named))
        return known[key]

    def infer(self, *inputs: Any, **named: Any) -> tuple[Tensor, ...]:
        """Types of the outputs of the call."""
        return self.facts(inputs, named).outputs

    def weights(self, *inputs: Any, **named: Any) -> Iterable[Weight]:
        """Variables that the call made."""
        return self.facts(inputs, named).weights

    def flops(self, output: Tensor, *inputs: Any, **named: Any) -> int:
        """Raises ``UnknownSize``: the operations of code in a spec are not known."""
        raise UnknownSize

    def mask(self, *inputs: Any, **named: Any) -> bool:
        """Whether the output of the call carries a mask."""
        return self.facts(inputs, named).masked

    def padding_counts(self, *inputs: Any, **named: Any) -> str:
        """The answer of the base class; "" where the layer's call takes a mask."""
        return "" if self.facts(inputs, named).takes_masks else super().padding_counts(*inputs, **named)


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) and not isinstance(value, Tensor) else value


class OwnLoss(Tried, Loss, abstract=True):
    """A loss; `targets` of the class says what its target holds, as for losses of dlspec."""

    def problem(self, target: Tensor, output: Tensor) -> None:
        """Compares zeros of the two types."""
        if self.usable:
            self.running(lambda: load_attribute(_COMPARE)(self, target, output))


class OwnMetric(Tried, Metric, abstract=True):
    """A metric; `direction` of the class says which of its values are good: ``up``, ``down`` or neither."""

    def problem(self, target: Tensor, output: Tensor) -> None:
        """Measures zeros of the two types."""
        if self.usable:
            self.running(lambda: load_attribute(_COMPARE)(self, target, output))


class OwnOptimizer(Own, Optimizer, abstract=True):
    """An optimizer."""

    @property
    def copies(self) -> int:
        """Arrays per weight as for Adam, since the true number is not known."""
        return 2

    def validate(self) -> None:
        """Changes a variable of two zeros once.

        Raises:
            Problem: E111, it fails.
        """
        super().validate()
        if self.usable:
            self.running(lambda: load_attribute(_CHANGE)(self))


class OwnSchedule(Own, Schedule, abstract=True):
    """A schedule of the learning rate."""

    def validate(self) -> None:
        """Asks for the rate of the first step.

        Raises:
            Problem: E111, it fails.
        """
        super().validate()
        if self.usable:
            self.running(lambda: load_attribute(_RATE)(self))


class OwnRegularizer(Tried, Regularizer, abstract=True):
    """A regularizer."""

    plain_name = False

    def problem(self, shape: tuple[int | None, ...]) -> None:
        """Asks for the penalty on zeros."""
        if self.usable:
            self.running(lambda: load_attribute(_PENALIZE)(self, shape))


class OwnInitializer(Tried, Initializer, abstract=True):
    """An initializer."""

    plain_name = False

    def problem(self, shape: tuple[int, ...]) -> None:
        """Fills a weight of this shape."""
        if self.usable:
            self.running(lambda: load_attribute(_FILL)(self, shape))


class OwnConstraint(Tried, Constraint, abstract=True):
    """A constraint."""

    plain_name = False


class OwnCallback(Tried, Callback, abstract=True):
    """A callback; `state` of the class names its attributes that a checkpoint must hold."""


KINDS: Mapping[str, type[Own]] = {
    owner.kind: owner
    for owner in (
        OwnLayer, OwnLoss, OwnMetric, OwnOptimizer, OwnSchedule, OwnRegularizer, OwnInitializer, OwnConstraint,
        OwnCallback,
    )
}  # fmt: skip


class OwnFact(NamedTuple):
    """A class attribute by which a file tells a fact of its component.

    Attributes:
        values: What it may be; () for a list of names.
    """

    values: tuple[Any, ...]


# What a class may tell of itself, by kind; other attributes of the class are its own affair.
OWN_FACTS: Mapping[str, Mapping[str, OwnFact]] = {
    "layer": {"takes_list": OwnFact((True, False))},
    "loss": {"targets": OwnFact(("values", "classes", "one_hot", "binary"))},
    "metric": {
        "targets": OwnFact(("values", "classes", "one_hot", "binary")),
        "direction": OwnFact(("up", "down", "")),
    },
    "callback": {"state": OwnFact(())},
}


def checked_fact(kind: str, name: str, value: Any) -> Any:
    """A fact as a component of dlspec would declare it.

    Raises:
        Problem: E111, the value is none that the fact may have.
    """
    values = OWN_FACTS[kind][name].values
    if values and value in values:
        return value
    if not values and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    wanted = " or ".join(f"`{item!r}`" for item in values) or "a list of names"
    raise Problem("E111", f"`{name} = {value!r}`: it tells dlspec what the {kind} is, and may be {wanted}", "")
