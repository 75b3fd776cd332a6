"""The plan of a search: spaces, objective and length of trials, all known before TensorFlow loads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dlspec.components.sections.tune import Limits, Tune
from dlspec.data.checks.measures import smaller_is_better
from dlspec.graph.lower.space import Space
from dlspec.passes.state import Searchable
from dlspec.tuning.plan.spaces import Conditions, size
from dlspec.tuning.plan.usage import Usage


@dataclass(frozen=True)
class Plan:
    """A checked search.

    Attributes:
        usage: Tells which parameters make a difference.
        trials: Trials at most, no more than there are combinations; None for as many as Hyperband's rounds take.
        smaller: Whether small values of the objective are good.
        epochs: Epochs of a trial at most.
    """

    tune: Tune
    usage: Usage
    trials: int | None
    smaller: bool
    epochs: int

    @property
    def spaces(self) -> Mapping[str, Space]:
        """Search spaces by name; a parameter that is drawn at each use has one for every use."""
        return self.usage.spaces

    @property
    def conditions(self) -> Conditions:
        """Conditions of the parameters that are used only sometimes: their parents, and the parents' values."""
        return self.usage.conditions

    def full(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values for all spaces: defaults where the oracle left a parameter out, since these values do not use it."""
        return {name: values.get(name, space.default) for name, space in self.spaces.items()}

    def written(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The section `params` of a spec with these values."""
        return self.usage.written(self.full(values))

    @property
    def combinations(self) -> float:
        """Number of combinations at most; infinite for continuous ranges."""
        return size(self.spaces)

    @property
    def limits(self) -> dict[str, float | None]:
        """Upper limits of a model's cost; None for no limit."""
        limits = self.tune.limits or Limits()
        return {name: getattr(limits, name) for name in Limits.fields}

    def key(self, values: Mapping[str, Any]) -> str:
        """A key that is equal for values between which the spec makes no difference."""
        full = self.full(values)
        return json.dumps({name: full[name] for name in self.usage.used(full)}, sort_keys=True)


def plan_of(state: Searchable) -> Plan:
    """The search of a spec.

    Raises:
        Problem: E509, training does not measure the objective, or neither small nor large is good.
    """
    tune, method = state.tune, state.method
    outputs = [name for name, _ in state.graph.outputs]
    smaller = tune.direction == "min"
    if tune.direction == "auto":
        smaller = smaller_is_better(method, outputs, tune.objective)
    usage = Usage(state)
    trials = int(min(tune.trials, size(usage.spaces))) if tune.counted else None
    epochs = tune.epochs or method.total_epochs
    return Plan(tune, usage, trials, smaller, epochs)
