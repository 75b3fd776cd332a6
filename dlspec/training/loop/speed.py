"""``speed: auto``: some steps with and without XLA are timed, and the choice is kept in the run folder.

The steps that are timed leave nothing behind: the training that follows is, bit for bit, the one with the same choice
written as ``jit``. How many steps run in one call changes no result and is found out while training; the number of
threads cannot change any more once TensorFlow has started, and is left as it is.
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
from dlspec.training.loop.backend import Feed
from dlspec.training.loop.compiling import trainer
from dlspec.training.loop.distribution import ONE_DEVICE
from dlspec.training.loop.trainer import Job

SPEED_FILE = "speed.json"
# Rounds in which the candidates take turns, so that a slow moment of the machine meets all of them.
_ROUNDS = 5
# Seconds of one turn, and its greatest number of steps.
_TURN, _MOST = 0.1, 256
# XLA must be faster by this factor: it compiles anew for every size of a batch, and changes the last bits.
_WORTH = 1.1


@dataclass(frozen=True, slots=True)
class Choice:
    """Whether XLA compiles the steps, and the measured speeds behind that choice."""

    jit: bool
    plain: float
    xla: float | None

    def __str__(self) -> str:
        shown = "not possible" if self.xla is None else f"{self.xla:,.0f} examples/s"
        taken = "with" if self.jit else "without"
        return f"speed: {taken} XLA (without it {self.plain:,.0f} examples/s, with it {shown})"

    def facts(self) -> Speed:
        """The choice as plain data."""
        return {"jit": self.jit, "plain": self.plain, "xla": self.xla}

    def text(self) -> str:
        """The choice as JSON text for the run folder."""
        return json.dumps(self.facts(), indent=2) + "\n"


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


def choose(job: Job, method: Supervised, optimizer: Optimizer | Sequence[Optimizer], feed: Feed) -> Choice:
    """Times some steps of each candidate on what `job` trains, whose state is afterwards what it was.

    Args:
        method: How to train in the first phase.
        optimizer: Of the first phase, or of each learner in it.
        feed: The training examples.
    """
    with _untouched(job.whole):
        plain, xla = _Candidate(job, method, optimizer, feed, jit=False), None
        if plain.works():
            xla = _Candidate(job, method, optimizer, feed, jit=True)
        racing = [candidate for candidate in (plain, xla) if candidate is not None and candidate.works()]
        for _ in range(_ROUNDS):
            for candidate in racing:
                candidate.turn()
    with_xla = xla.rate if xla is not None and xla in racing else None
    return Choice(with_xla is not None and with_xla > _WORTH * plain.rate, round(plain.rate, 1), with_xla)


class _Candidate:
    """One way to compute the steps, with an optimizer and metrics of its own."""

    def __init__(
        self, job: Job, method: Supervised, optimizer: Optimizer | Sequence[Optimizer], feed: Feed, *, jit: bool
    ) -> None:
        chosen = with_jit(method, jit)
        model = trainer(
            job.whole, chosen, optimizer, job.outputs, examples=feed.count, units=job.units, weighed=job.weighed
        )
        feed.set_position(0, 0)
        batch_size = job.data.batch_size
        self._steps, self._feed = job.backend.steps(model, feed, ONE_DEVICE), feed
        # Whole batches only: XLA would compile once more for the rest.
        self._whole = max(1, feed.count // batch_size)
        self._left, self._batches = self._whole, feed.batches()
        self._size = min(batch_size, feed.count)
        self._count = 1
        self._fastest = float("inf")

    def works(self) -> bool:
        """Takes the first steps, which compile; whether that is possible."""
        import tensorflow as tf

        try:
            return all(self._take(1)[1] for _ in range(2))
        except tf.errors.OpError:
            return False

    def turn(self) -> None:
        """Takes some steps and notes the time of one; the next turn is as long as it should be."""
        start = time.perf_counter()
        done, _ = self._take(self._count)
        each = (time.perf_counter() - start) / max(done, 1)
        self._fastest = min(self._fastest, each)
        self._count = max(1, min(_MOST, round(_TURN / each)))

    def _take(self, count: int) -> tuple[int, bool]:
        """Takes up to `count` steps; after those of an epoch its first ones again."""
        if not self._left:
            self._left, self._batches = self._whole, self._feed.batches()
        done, finite = self._steps.train(self._batches, min(count, self._left))
        self._left -= done
        return done, finite

    @property
    def rate(self) -> float:
        """Examples per second in its fastest turn."""
        return self._size / self._fastest if self._fastest < float("inf") else 0.0


@contextmanager
def _untouched(core: Any) -> Iterator[None]:
    """Afterwards weights, statistics, seeds and what draws them are what they were."""
    import numpy as np

    values = [(variable, variable.value.numpy()) for variable in core.variables]
    drawing, drawn = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        for variable, value in values:
            variable.assign(value)
        random.setstate(drawing)
        np.random.set_state(drawn)
