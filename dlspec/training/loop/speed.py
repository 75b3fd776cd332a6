"""``speed: auto``: some steps of each way to compute them are timed, and the choice is kept in the run folder.

The ways are steps without XLA, which may be as fast as any; and a loop over steps that XLA compiles as a whole where
that is possible, steps that it compiles one by one where it is not. XLA takes seconds to compile: a run that is too
short to earn them back does not try.

The steps that are timed leave nothing behind: the training that follows is, bit for bit, the one that makes the same
choice without them. It goes on with what was compiled. How many steps run in one call changes no result and is found
out while training; the number of threads cannot change any more once TensorFlow has started, and is left as it is.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlspec.components.methods.supervised import Supervised
from dlspec.components.training.update_rules import Optimizer
from dlspec.core.documents.report import Speed
from dlspec.core.errors import Problem
from dlspec.core.files import read_json, write_atomically
from dlspec.training.loop.backend import Feed, Steps
from dlspec.training.loop.compiling import trainer
from dlspec.training.loop.trainer import Job
from dlspec.training.loop.training_state import capture, restore

SPEED_FILE = "speed.json"
# Rounds in which the candidates take turns, so that a slow moment of the machine meets all of them.
_ROUNDS = 5
# Seconds of one turn, and its greatest number of steps.
_TURN, _MOST = 0.1, 256
# XLA must be faster by this factor: it compiles anew for every size of a batch, and changes the last bits.
_WORTH = 1.1
# XLA is tried where the run without it takes so many times what tracing its first step took. XLA compiles for four
# times as long: a run of this length that gains nothing from it loses less than half of its time.
_PATIENCE = 10


@dataclass(frozen=True, slots=True)
class Choice:
    """How steps are computed, and the measured speeds behind that choice.

    Attributes:
        jit: Whether XLA compiles.
        plain: Examples per second without it.
        xla: Examples per second where it compiles the step; None where that was not timed.
        looped: Whether it compiles the loop over steps as a whole.
        loop: Examples per second of that loop; None where it was not timed.
        reason: Why some way was not timed; "" where there is nothing to say.
    """

    jit: bool
    plain: float
    xla: float | None = None
    looped: bool = False
    loop: float | None = None
    reason: str = ""

    def __str__(self) -> str:
        taken = "with" if self.jit else "without"
        shown = [f"without it {self.plain:,.0f} examples/s"]
        if self.loop is not None:
            shown.append(f"with many steps in one function {self.loop:,.0f} examples/s")
        if self.xla is not None:
            shown.append(f"with it {self.xla:,.0f} examples/s")
        if len(shown) == 1:
            shown.append("not tried" if self.reason == SHORT else "with it not possible")
        return f"speed: {taken} XLA ({', '.join(shown)})"

    def facts(self) -> Speed:
        """The choice as plain data."""
        return {
            "jit": self.jit,
            "plain": self.plain,
            "xla": self.xla,
            "looped": self.looped,
            "loop": self.loop,
            "reason": self.reason,
        }

    def text(self) -> str:
        """The choice as JSON text for the run folder."""
        return json.dumps(self.facts(), indent=2) + "\n"


SHORT = "the run is too short to earn back what XLA takes to compile"


def read(folder: Path, *, begun: bool) -> Choice | None:
    """The choice of a run; None where it has not chosen yet.

    Args:
        folder: The run folder.
        begun: Whether it has a checkpoint, and so must have chosen.

    Raises:
        Problem: E512, the file is missing or damaged.
    """
    try:
        return Choice(**read_json(folder / SPEED_FILE))
    except (OSError, ValueError, TypeError) as error:
        if not begun:
            return None
        message = f"`{folder / SPEED_FILE}`, which says how the run computes, cannot be read"
        raise Problem("E512", message, "put it back, or start another run with `--new`") from error


def with_jit(method: Supervised, jit: bool) -> Supervised:
    """A copy of the method with the choice written as its option `jit`."""
    changed = method.changed(speed="plain", jit=jit)
    assert isinstance(changed, Supervised)
    return changed


def keep(folder: Path, choice: Choice) -> None:
    """Writes the choice into the run folder."""
    write_atomically(folder / SPEED_FILE, lambda path: path.write_text(choice.text(), encoding="utf-8"))


def no_loop(job: Job, method: Supervised, optimizer: Optimizer | Sequence[Optimizer], feed: Feed) -> str:
    """Why XLA cannot compile the loop over the steps of a phase, or is known to be slower so; "" for neither.

    Args:
        method: How to train in the phase.
        optimizer: Of the phase, or of each learner in it.
        feed: Its training examples.
    """
    if not isinstance(optimizer, Optimizer):
        return "learners take turns"
    if any(callback.every_step for callback in method.callbacks):
        return "a callback follows each step"
    if not method.seconds_between_checkpoints:
        return "each step is saved"
    if optimizer.rule.given.get("gradient_accumulation_steps"):
        return "gradients are accumulated over steps"
    return job.backend.no_loop(job.whole, feed)


def choose(
    job: Job, method: Supervised, optimizer: Optimizer | Sequence[Optimizer], feed: Feed, steps: int
) -> tuple[Choice, Candidate]:
    """Times some steps of each candidate on what `job` trains, whose state is afterwards what it was.

    Args:
        method: How to train in the first phase.
        optimizer: Of the first phase, or of each learner in it.
        feed: The training examples.
        steps: Those of the whole run.

    Returns:
        The choice, and the candidate that was chosen, as if it had not taken a step.
    """
    raced, reason = None, ""
    with _untouched(job.whole):
        plain = Candidate(job, method, optimizer, feed)
        if plain.works():
            reason = SHORT if plain.seconds(steps) < _PATIENCE * plain.tracing else ""
            if not reason:
                reason = no_loop(job, method, optimizer, feed)
                raced = _raced(plain, Candidate(job, method, optimizer, feed, jit=True, looped=not reason))
        chosen = raced if raced is not None and raced.rate > _WORTH * plain.rate else plain
        chosen.begin_again()
    xla, loop = (raced.rate if raced is not None and raced.looped is looped else None for looped in (False, True))
    return Choice(chosen is not plain, plain.rate, xla, chosen.looped, loop, reason), chosen


def _raced(plain: Candidate, other: Candidate) -> Candidate | None:
    """The other one, after both were timed in turns; None where it does not work."""
    if not other.works():
        return None
    for _ in range(_ROUNDS):
        plain.turn()
        other.turn()
    return other


class Candidate:
    """One way to compute the steps, with an optimizer and metrics of its own.

    Attributes:
        model: The compiled model.
        steps: Its training and test steps.
        looped: Whether XLA compiles the loop over steps as a whole.
        tracing: Seconds of the first step.
    """

    def __init__(
        self,
        job: Job,
        method: Supervised,
        optimizer: Optimizer | Sequence[Optimizer],
        feed: Feed,
        *,
        jit: bool = False,
        looped: bool = False,
    ) -> None:
        with _same_draws():
            self.model, self.steps = compiled(job, with_jit(method, jit), optimizer, feed, looped=looped)
        self.looped, self.tracing = looped, 0.0
        self._whole_model, self._feed = job.whole, feed
        self._beginning = capture(job.whole, self.model, ())
        feed.set_position(0, 0)
        batch_size = job.data.batch_size
        # Whole batches only: XLA would compile once more for the rest.
        self._whole = max(1, feed.count // batch_size)
        self._left, self._batches = self._whole, feed.batches()
        self._size = min(batch_size, feed.count)
        self._count = 1
        self._fastest = float("inf")

    def works(self) -> bool:
        """Takes the first steps, which compile; whether that is possible."""
        import tensorflow as tf

        start = time.perf_counter()
        try:
            finite = self._take(1)[1]
            self.tracing = time.perf_counter() - start
            return finite and self._take(1)[1]
        except tf.errors.OpError:
            return False

    def turn(self) -> None:
        """Takes some steps and notes the time of one; the next turn is as long as it should be."""
        start = time.perf_counter()
        done, _ = self._take(self._count)
        each = (time.perf_counter() - start) / max(done, 1)
        self._fastest = min(self._fastest, each)
        self._count = max(1, min(_MOST, round(_TURN / each)))

    def seconds(self, steps: int) -> float:
        """What so many steps take, by a turn of one step and one of many."""
        self.turn()
        self.turn()
        return steps * self._fastest

    def begin_again(self) -> None:
        """Gives weights, optimizer and metrics the values that they had when the candidate was made."""
        restore(self._beginning, self._whole_model, self.model, ())

    def _take(self, count: int) -> tuple[int, bool]:
        """Takes up to `count` steps; after those of an epoch its first ones again."""
        if not self._left:
            self._left, self._batches = self._whole, self._feed.batches()
        done, finite = self.steps.train(self._batches, min(count, self._left))
        self._left -= done
        return done, finite

    @property
    def rate(self) -> float:
        """Examples per second in its fastest turn."""
        return round(self._size / self._fastest, 1) if self._fastest < float("inf") else 0.0


def compiled(
    job: Job,
    method: Supervised,
    optimizer: Optimizer | Sequence[Optimizer],
    feed: Feed,
    *,
    looped: bool = False,
) -> tuple[Any, Steps]:
    """The compiled model of a phase, and its steps.

    Args:
        method: How to train in the phase.
        optimizer: Of the phase, or of each learner in it.
        feed: The training examples.
        looped: Whether XLA compiles the loop over steps as a whole.
    """
    model = trainer(
        job.whole,
        method,
        optimizer,
        job.outputs,
        job.distribution,
        job.most_examples,
        job.units,
        weighed=job.weighed,
    )
    return model, job.backend.steps(model, feed, job.distribution, looped=looped)


@contextmanager
def _untouched(core: Any) -> Iterator[None]:
    """Afterwards weights, statistics, seeds and what draws them are what they were."""
    values = [(variable, variable.value.numpy()) for variable in core.variables]
    with _same_draws():
        try:
            yield
        finally:
            for variable, value in values:
                variable.assign(value)


@contextmanager
def _same_draws() -> Iterator[None]:
    """Afterwards what draws seeds is where it was."""
    import numpy as np

    drawing, drawn = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(drawing)
        np.random.set_state(drawn)
