"""Generated projects: their data are those of ``dlspec train``, and their text is sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dlspec import registry, resources
from dlspec.emit.formatting import formatted
from tests.emit.project_cases import CASES
from tests.emit.projects import data_of, emitted

TEMPLATES = resources.folder("templates") / "python"


@pytest.mark.parametrize(("kind", "folder"), [("source", "sources"), ("splitter", "splitters")])
def test_everything_has_a_template(kind: str, folder: str) -> None:
    names = set(registry.names(kind))
    assert names == {path.name.removesuffix(".py.jinja") for path in (TEMPLATES / folder).iterdir()}


@pytest.mark.parametrize("name", CASES)
def test_the_same_data(name: str, tmp_path: Path) -> None:
    """Inputs and targets of every part, and the batches of two epochs, bit for bit."""
    path = tmp_path / "spec.yaml"
    path.write_text(CASES[name](tmp_path), encoding="utf-8")
    state, files = emitted(path, tmp_path / "project", allow_code=True)
    for file, text in files.items():
        if file in ("data.py", "train.py"):
            assert text == formatted(text)
    ours, theirs = data_of(state, tmp_path / "project")
    assert ours.keys() == theirs.keys()
    for part, arrays in ours.items():
        assert len(arrays) == len(theirs[part])
        for one, other in zip(arrays, theirs[part], strict=True):
            np.testing.assert_array_equal(one, other, err_msg=part)
