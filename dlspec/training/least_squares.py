"""See the method ``least_squares``: sums over one pass, and the weights that follow from them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dlspec.core.documents.report import Fact
from dlspec.training.loop.trainer import Job, NonFinite, Trainer
from dlspec.training.loop.training_state import TrainingState
from dlspec.training.run.checkpoint import Checkpoint
from dlspec.views.figures.moments import Moments

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# Seconds of one call of `step`.
_TOGETHER = 0.1


@dataclass(frozen=True)
class Solution:
    """The weights of the layer.

    Attributes:
        kernel: Shape [features, targets].
        bias: Shape [targets]; 0 without one.
        condition: Largest against smallest eigenvalue of what is solved; infinite where features follow from others.
        rank: How many directions of the features are told apart.
    """

    kernel: Array
    bias: Array
    condition: float
    rank: int


def solved(moments: Moments, features: int, l2: float, *, bias: bool) -> Solution:
    """The least squares of some examples, the shortest kernel where several have them.

    Args:
        moments: Of features and targets.
        features: How many there are.
        l2: Factor of the squares of the kernel.
        bias: Whether there is one; it is free of the penalty.
    """
    import numpy as np

    products = moments.products if bias else moments.about_zero()
    values, directions = np.linalg.eigh(products[:features, :features])
    values = np.maximum(values, 0)
    penalised = values + l2
    largest, smallest = float(penalised[-1]), float(penalised[0])
    rounding = max(features, moments.weight) * np.finfo(np.float64).eps  # of sums of so many products
    used = penalised > largest * rounding
    inverse = np.divide(1, penalised, out=np.zeros(features), where=used)
    kernel = directions @ (inverse[:, None] * (directions.T @ products[:features, features:]))
    mean_x, mean_y = moments.mean[:features], moments.mean[features:]
    offset = mean_y - mean_x @ kernel if bias else np.zeros(len(mean_y))
    condition = largest / smallest if used.all() and smallest > 0 else float("inf")
    return Solution(kernel, offset, condition, int(used.sum()))


def squared_errors(moments: Moments, features: int, solution: Solution) -> float:
    """Σ w ‖y − Wx − b‖² over the examples of some moments, which need not be those of the solution."""
    kernel = solution.kernel
    among, across = moments.products[:features, :features], moments.products[:features, features:]
    own = moments.products[features:, features:].trace()
    inner = own - 2 * (kernel * across).sum() + (kernel * (among @ kernel)).sum()
    apart = moments.mean[features:] - moments.mean[:features] @ kernel - solution.bias
    return float(inner + moments.weight * (apart @ apart))


class LeastSquaresTrainer(Trainer):
    """Adds up products of the features and targets, for each fold by itself, and solves once the pass is over."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        solver = job.method.solver
        self._penalties: Sequence[float] = solver.penalties
        self._count = solver.folds if len(self._penalties) > 1 else 1
        self._layer = job.model.get_layer(job.method.layer_names[job.outputs[0]])
        self._sizes: tuple[int, int] = tuple(self._layer.kernel.shape)
        self._folds = [Moments.none(sum(self._sizes)) for _ in range(self._count)]
        self._seen = 0
        self._entering = self._features()

    def _features(self) -> Any:
        """The part of the model that gives what enters the layer."""
        import keras

        model = self.job.model
        return keras.Model(model.input, self._layer.input, name="features")

    def epoch(self, state: TrainingState) -> None:
        """Begins where the state stands."""
        super().epoch(state)
        self._batches = iter(self.feed.dataset)

    def step(self, state: TrainingState) -> bool:
        """Adds some batches; the weights follow when there are no more."""
        end = time.monotonic() + _TOGETHER
        taken = 0
        while not taken or time.monotonic() < end:
            batch = next(self._batches, None)
            if batch is None:
                break
            self._add(state.step, *batch)
            state.step += 1
            taken += 1
        if not taken:
            self._solve()
        return taken > 0

    def _add(self, step: int, inputs: Any, targets: Any, weights: Any = None) -> None:
        import numpy as np

        features = np.asarray(self._entering(inputs, training=False), np.float64)
        values = np.hstack([features, np.asarray(targets, np.float64).reshape(len(features), -1)])
        if not np.isfinite(values).all():
            raise NonFinite(step, float("nan"))
        in_loss = weights[0] if isinstance(weights, tuple) else weights  # those of the metrics come second
        own = None if in_loss is None else np.asarray(in_loss, np.float64).reshape(len(features), -1)[:, 0]
        folds = (self._seen + np.arange(len(values))) % self._count
        for fold in range(self._count):
            chosen = folds == fold
            self._folds[fold] += Moments.of(values[chosen], None if own is None else own[chosen])
        self._seen += len(values)

    def _solve(self) -> None:
        solution = self._solution()
        self._layer.kernel.assign(solution.kernel)
        if self._layer.use_bias:
            self._layer.bias.assign(solution.bias)

    def _solution(self) -> Solution:
        return self._of(self._folds, self._chosen())

    def _of(self, folds: Sequence[Moments], l2: float) -> Solution:
        total = sum(folds, Moments.none(sum(self._sizes)))
        return solved(total, self._sizes[0], l2, bias=self._layer.use_bias)

    def _chosen(self) -> float:
        """The `l2` with the smallest squared errors of examples that a solution did not see."""
        if len(self._penalties) == 1:
            return self._penalties[0]
        return min(self._penalties, key=self._unseen_errors)

    def _unseen_errors(self, l2: float) -> float:
        errors = 0.0
        for number, fold in enumerate(self._folds):
            others = [*self._folds[:number], *self._folds[number + 1 :]]
            errors += squared_errors(fold, self._sizes[0], self._of(others, l2))
        return errors

    @property
    def facts(self) -> Mapping[str, Fact]:
        """How well the weights are determined, and which penalty was chosen."""
        chosen, features = self._chosen(), self._sizes[0]
        solution = self._of(self._folds, chosen)
        full = solution.rank == features
        value = float(f"{solution.condition:.6g}") if full else f"infinite: rank {solution.rank} of {features}"
        facts: dict[str, Fact] = {
            "condition": {"title": "condition number of the features", "value": value, "unit": ""}
        }
        if len(self._penalties) > 1:
            facts["l2"] = {"title": "l2, by cross-validation", "value": chosen, "unit": ""}
        return facts

    def state(self) -> Checkpoint:
        """The sums besides the weights."""
        before = super().state()
        sums = {
            f"sums/{number}/{name}": value
            for number, fold in enumerate(self._folds)
            for name, value in (("mean", fold.mean), ("products", fold.products))
        }
        facts = {**before.facts, "sums": {"seen": self._seen, "weights": [fold.weight for fold in self._folds]}}
        return Checkpoint({**before.arrays, **sums}, facts)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Puts back what :meth:`state` took."""
        super().restore(checkpoint)
        own = checkpoint.facts["sums"]
        self._seen = int(own["seen"])
        self._folds = [
            Moments(weight, checkpoint.arrays[f"sums/{number}/mean"], checkpoint.arrays[f"sums/{number}/products"])
            for number, weight in enumerate(own["weights"])
        ]
