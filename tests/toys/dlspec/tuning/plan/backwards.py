"""See the algorithm ``backwards``."""

from __future__ import annotations

from typing import Any

from keras_tuner.engine import oracle


class BackwardsOracle(oracle.Oracle):
    """Proposal n has the n-th value from the end, of every parameter."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        number = len(self.start_order)
        values = {one.name: list(one.values)[-1 - number % len(list(one.values))] for one in self.hyperparameters.space}
        return {"status": "RUNNING", "values": values}
