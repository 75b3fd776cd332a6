"""The state of a training, as a checkpoint and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from dlspec.backends.keras.internals import callback_counters
from dlspec.components.training.callbacks import Callback
from dlspec.core.errors import Problem
from dlspec.training.loop.watch import Best
from dlspec.training.run.checkpoint import Checkpoint

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

Running = Sequence[tuple[Callback, Any]]


@dataclass(slots=True)
class TrainingState:
    """The position of a training and what it has measured.

    Attributes:
        phase: The phase that runs, from 0.
        began: The epoch at which it began.
        epoch: The epoch that runs, from 0 over all phases.
        step: Its steps that are done.
        ended: Whether a callback has ended the phase.
        rollbacks: How often a loss that was not finite has sent the training back.
        history: Measures of every finished epoch.
        seconds: Time of every finished epoch; that of an interrupted one counts from where it went on.
    """

    phase: int = 0
    began: int = 0
    epoch: int = 0
    step: int = 0
    ended: bool = False
    rollbacks: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        return f"epoch {self.epoch + 1}" + (f", step {self.step + 1}" if self.step else "")

    def become(self, other: TrainingState) -> None:
        """Takes over everything from `other`."""
        for name in self.__slots__:
            setattr(self, name, getattr(other, name))


def training_state_of(checkpoint: Checkpoint) -> TrainingState:
    """The position and history that a checkpoint holds."""
    return TrainingState(**checkpoint.facts["course"])


def capture(core: Any, trainer: Any, running: Running) -> Checkpoint:
    """A checkpoint with the whole state of a phase of Keras, without its position.

    Args:
        core: The model.
        trainer: The compiled model around it, whose metrics and optimizer have their variables.
        running: Callbacks as declared and as Keras has them.
    """
    arrays = {
        f"{group}/{number}": variable.value.numpy()
        for group, variables in _variables(core, trainer).items()
        for number, variable in enumerate(variables)
    }
    states = []
    for number, (declared, callback) in enumerate(running):
        states.append({name: _plain(getattr(callback, name)) for name in _counters(declared, callback)})
        for name in declared.weights:
            for position, array in enumerate(getattr(callback, name) or ()):
                arrays[f"callback/{number}/{name}/{position}"] = array
    return Checkpoint(arrays, {"callbacks": states})


def restore(checkpoint: Checkpoint, core: Any, trainer: Any, running: Running) -> None:
    """Puts back what :func:`capture` took.

    Raises:
        Problem: E514, it is of another model or way of training.
    """
    for group, variables in _variables(core, trainer).items():
        assign(checkpoint, group, variables)
    for number, ((declared, callback), state) in enumerate(zip(running, checkpoint.facts["callbacks"], strict=True)):
        for name in _counters(declared, callback):
            setattr(callback, name, state[name])
        for name in declared.weights:
            setattr(callback, name, _group(checkpoint.arrays, f"callback/{number}/{name}/") or None)


def assign(checkpoint: Checkpoint, group: str, variables: Sequence[Any]) -> None:
    """Gives variables the values that stand in a checkpoint as ``group/0``, ``group/1`` …

    Raises:
        Problem: E514, they are others, or have other shapes.
    """
    arrays = _group(checkpoint.arrays, f"{group}/")
    if len(arrays) != len(variables) or any(
        array.shape != tuple(variable.shape) for array, variable in zip(arrays, variables, strict=True)
    ):
        raise Problem("E514", f"the checkpoint does not fit the {group} of this spec", "`--new` starts a new run")
    for array, variable in zip(arrays, variables, strict=True):
        variable.assign(array)


def whole(own: Checkpoint, state: TrainingState, best: Best | None) -> Checkpoint:
    """A checkpoint of a whole training.

    Args:
        own: What the trainer has captured: model, optimizer, metrics, counts of callbacks.
        state: The position of the training, and its history.
        best: The best epoch so far; None where only the last one is kept.
    """
    facts: dict[str, Any] = {"course": asdict(state), **own.facts}
    if best is None:
        return Checkpoint(own.arrays, facts)
    facts["best"] = {"epoch": best.epoch, "value": best.value}
    return Checkpoint({**own.arrays, **{f"best/{number}": array for number, array in enumerate(best.weights)}}, facts)


def restore_best(checkpoint: Checkpoint, best: Best | None) -> None:
    """Gives `best` the epoch, value and weights that :func:`whole` put into a checkpoint; None for nothing to do."""
    if best is not None:
        best.epoch, best.value = checkpoint.facts["best"]["epoch"], checkpoint.facts["best"]["value"]
        best.weights = _group(checkpoint.arrays, "best/")


def _counters(declared: Callback, callback: Any) -> tuple[str, ...]:
    """Names of the attributes of a Keras callback that training goes on with."""
    return (*declared.state, *callback_counters(callback))


def _variables(core: Any, trainer: Any) -> dict[str, list[Any]]:
    """Every variable of a training once, in an order that building it again repeats."""
    model = _unique([*core.variables, *trainer.variables, *trainer.metrics_variables])
    return {"model": model, "optimizer": _unique(trainer.optimizer.variables)}


def _unique(variables: Iterable[Any]) -> list[Any]:
    return list({id(variable): variable for variable in variables}.values())


def _group(arrays: Mapping[str, Array], prefix: str) -> list[Array]:
    return [array for name, array in arrays.items() if name.startswith(prefix)]


def _plain(value: Any) -> Any:
    """A callback's field as JSON takes it; Keras keeps some as NumPy or tensor scalars."""
    return value if value is None or isinstance(value, bool | int | float | str) else float(value)
