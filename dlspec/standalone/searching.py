"""Parts of a search with Keras Tuner: when it ends, and the values of its trials as arguments."""

import json
import math
import time
from typing import Any


class Limited:
    """A search that ends when its time is over, and after so many trials without a better one."""

    oracle: Any
    seconds: float = math.inf
    patience: float = math.inf

    def on_search_begin(self) -> None:
        """Starts the clock."""
        self.began = time.monotonic()

    def pre_create_trial(self) -> None:
        """Lets the search have no further trial where it has to end."""
        best = self.oracle.get_best_trials()
        scored = best and best[0].score is not None
        waited = len(self.oracle.trials) - int(best[0].trial_id) if scored else 0
        if time.monotonic() - self.began > self.seconds or waited > self.patience:
            self.oracle.max_trials = len(self.oracle.trials)


def chosen(values: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The values of some parameters; one that a trial does not use keeps its default."""
    return {name: value for name, value in values.items() if name in names}


def chosen_as(values: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """Values as arguments, whose names are given; one that a trial does not use keeps its default."""
    return {names[name]: value for name, value in values.items() if name in names}


def option(name: str, value: Any) -> str:
    """A parameter on the command line of `train.py`."""
    name = name.replace("_", "-")
    if isinstance(value, list):
        return f"--{name}={json.dumps(value)}"
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no-{name}"
    return f"--{name}={value}"
