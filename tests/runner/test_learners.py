"""Several learners of one graph: each moves its own part, as a training loop written by hand does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from random_learners import Case, batches, trained_by_hand, trained_by_us, valid

pytestmark = pytest.mark.filterwarnings("ignore:Gradients do not exist:UserWarning")


def agree(case: Case, state: Any) -> None:
    x, y = batches(state.method.seed)
    ours, model = trained_by_us(state, x, y)
    hand = trained_by_hand(case, state, x, y)
    for one, other in zip(ours.variables, hand.variables, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), atol=1e-6, err_msg=f"{one.path}\n{case.text}")
    optimizers = [learner.optimizer for learner in model.learners]
    assert optimizers[0] is not optimizers[1]
    assert not {id(one) for one in optimizers[0].variables} & {id(one) for one in optimizers[1].variables}


def test_weights_are_those_of_tapes_written_by_hand(tmp_path: Path) -> None:
    for case, state in valid(range(1000), tmp_path, 5):
        agree(case, state)


@pytest.mark.exhaustive
@pytest.mark.parametrize("part", range(20))
def test_weights_of_two_hundred_specs_are_those_of_tapes_written_by_hand(part: int, tmp_path: Path) -> None:
    for case, state in valid(range(1000 * part, 1000 * part + 1000), tmp_path, 10):
        agree(case, state)
