"""What checking reads of the data is there for training, which reads on while TensorFlow is imported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dlspec.data.feeding.content import row_keys
from dlspec.data.feeding.reading import BackgroundRead, read
from dlspec.data.sources.base import DataProblem
from dlspec.passes import Compilation, Reading, Workspace, compile_spec

SPEC = """
inputs: {x: [3]}
layers: [dense: 1]
data:
  source: {SOURCE}
  targets: {y: {column: y}}
train: {loss: mse}
"""
CODE = """
import numpy as np
def made():
    return {"x": np.random.normal(size=(9, 3)), "y": np.arange(9.0)}
"""


def compiled(folder: Path, source: str = "npz: task.npz", more: str = "") -> Compilation:
    np.savez(folder / "task.npz", x=np.arange(27.0).reshape(9, 3), y=np.arange(9.0))
    path = folder / "task.yaml"
    path.write_text(SPEC.replace("SOURCE", source) + more)
    state = compile_spec(path, workspace=Workspace(allow_code=True), reading=Reading(keeps=True))
    assert not state.diagnostics.errors
    return state


def test_numbers_that_were_checked_are_not_read_again(tmp_path: Path) -> None:
    state = compiled(tmp_path)
    assert state.binding is not None and state.data_section is not None
    (tmp_path / "task.npz").unlink()
    found = BackgroundRead(state.data_section, state.binding).reading()
    state.binding.table.forget()
    with pytest.raises(DataProblem):
        read(state.data_section, state.binding)
    again = compiled(tmp_path)
    assert again.binding is not None and again.data_section is not None
    assert found.content == read(again.data_section, again.binding).content
    assert sum(map(len, found.parts)) == 9


def test_what_goes_wrong_in_the_thread_is_raised_where_it_is_waited_for(tmp_path: Path) -> None:
    state = compiled(tmp_path)
    assert state.binding is not None and state.data_section is not None
    state.binding.table.forget()
    (tmp_path / "task.npz").unlink()
    background = BackgroundRead(state.data_section, state.binding)
    with pytest.raises(DataProblem, match=r"task\.npz"):
        background.reading()


def test_code_of_the_user_runs_again_after_the_seed_is_set(tmp_path: Path) -> None:
    (tmp_path / "made_for_reading.py").write_text(CODE)
    state = compiled(tmp_path, "python: made_for_reading:made", "extensions: [made_for_reading.py]\n")
    assert state.binding is None


def test_nothing_is_kept_unless_it_is_asked_for(tmp_path: Path) -> None:
    compiled(tmp_path)
    assert compile_spec(tmp_path / "task.yaml").binding is None


@pytest.mark.parametrize("width", [1, 7, 784, 70_000])
def test_keys_of_wide_rows_tell_rows_apart(width: int) -> None:
    rows = np.zeros((12, width), np.float32)
    rows[np.arange(10), np.arange(10) % width] = np.arange(1, 11)
    rows[11, -1] = -0.0  # another sign is another value
    keys = row_keys([rows])
    assert len(set(keys.tolist())) == 12
    assert row_keys([rows[5:6]]) == keys[5]


def test_rows_that_differ_in_signs_alone_have_other_keys() -> None:
    signs = np.array([[1 - 2 * (number >> bit & 1) for bit in range(12)] for number in range(4096)], np.float32)
    assert len(set(row_keys([signs]).tolist())) == 4096
