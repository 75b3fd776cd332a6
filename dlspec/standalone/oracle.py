"""Keras Tuner's Bayesian search where a space is small, and where the seed is 0."""

from typing import Any

import keras_tuner
import numpy as np


class Oracle(keras_tuner.oracles.BayesianOptimizationOracle):
    """Proposes nothing that was tried, as Keras Tuner's own does in small spaces."""

    def __init__(self, seed: int, **options: Any) -> None:
        super().__init__(seed=seed, **options)
        # Keras Tuner takes seed 0 for none.
        self.seed = self._seed_state = seed
        self._random_state = np.random.RandomState(seed)
        self.gpr = self._make_gpr()

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The next values by the model of what was measured; by chance where those were tried."""
        proposal = super().populate_space(trial_id)
        tried = [trial.hyperparameters.values for trial in self.trials.values()]
        if proposal["status"] != "RUNNING" or proposal["values"] not in tried:
            return proposal
        values = self._random_values()
        return {"status": "RUNNING", "values": values} if values else {"status": "STOPPED"}
