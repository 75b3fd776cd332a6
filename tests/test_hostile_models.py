"""Hostile and damaged files as models of a spec: each ends in diagnostics at its line, and nothing of it runs."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dlspec.core.codes import of_spec
from dlspec.passes.state import Checked
from tests.drafting.test_import_archives import DENSE, TREES, archive, lambda_layer, layer, model
from tests.support import compile_text

SPEC = """inputs: {x: [4]}
models:
  Theirs: {file: FILE}
layers:
  - Theirs
"""
# A hook that ends the process where a file is written, code is unmarshalled, a process or a connection begins.
WATCHED = """
import sys
def watch(event, arguments):
    if event == "open" and isinstance(arguments[1], str) and set("wax+") & set(arguments[1]) or event in (
        "marshal.loads", "subprocess.Popen", "os.system", "socket.connect", "os.exec", "os.posix_spawn",
    ):
        if "importlib" not in sys._getframe(1).f_code.co_filename:
            raise SystemExit(f"{event} {arguments}")
from dlspec.cli.main import run
run(["layers", "dense"])
import h5py, numpy
sys.addaudithook(watch)
code = run(["check", "spec.yaml"])
assert code == 1, code
assert not {"tensorflow", "keras"} & set(sys.modules)
"""


def refusals(folder: Path, file: str = "m.keras") -> list[tuple[str, int]]:
    """Codes and lines of the errors of a spec with that file."""
    state = compile_text(folder, SPEC.replace("FILE", file))
    assert not isinstance(state, Checked)
    assert all(item.span is not None and item.span.file.endswith("spec.yaml") for item in state.diagnostics.errors)
    return [(item.code, item.span.line if item.span else 0) for item in state.diagnostics.errors]


@pytest.mark.parametrize("case", TREES)
def test_trees_that_are_no_models(case: str, tmp_path: Path) -> None:
    archive(tmp_path / "m.keras", TREES[case][0])
    errors = refusals(tmp_path)
    assert len(errors) == 1 and errors[0][1] == 3
    assert errors[0][0] in ("E801", "E802", "E803", "E542")


SIZES: dict[str, Any] = {
    "a large shape": model(layer("Reshape", "r", {"target_shape": [10**12]})),
    "more units than memory": model(
        layer("Dense", "dense", {"units": 10**9}), layer("Dense", "more", {"units": 10**9}, of="dense")
    ),
    "a name of the spec": model(layer("Dense", "Theirs", {"units": 3})),
    "weights that are not there": model(DENSE),
    "a file of somebody else": model(layer("StringLookup", "words", {"vocabulary": "/etc/hostname"})),
}  # fmt: skip


@pytest.mark.parametrize("case", SIZES)
def test_sizes_and_names(case: str, tmp_path: Path) -> None:
    archive(tmp_path / "m.keras", SIZES[case])
    assert {line for _, line in refusals(tmp_path)} == {3}


@pytest.mark.parametrize("seed", range(3))
def test_damaged_bytes(seed: int, tmp_path: Path) -> None:
    import keras

    inputs = keras.Input((4,), name="x")
    keras.Model(inputs, keras.layers.Dense(3, name="dense")(inputs)).save(tmp_path / "whole.keras")
    whole, path, generator = (tmp_path / "whole.keras").read_bytes(), tmp_path / "m.keras", random.Random(seed)
    refused = 0
    for _ in range(50):
        data = bytearray(whole)
        if generator.random() < 0.3:
            data = data[: generator.randrange(len(data))]
        for _ in range(generator.randint(1, 30) if data else 0):
            data[generator.randrange(len(data))] = generator.randrange(256)
        path.write_bytes(data)
        state = compile_text(tmp_path, SPEC.replace("FILE", "m.keras"))
        assert all(of_spec(item.code) or item.code[:3] in ("E80", "E54") for item in state.diagnostics.errors)
        refused += not isinstance(state, Checked)
    assert refused > 20


@pytest.mark.parametrize("kind", ["lambda", "class", "huge", "wide"])
def test_nothing_of_a_file_runs(kind: str, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    tree = {
        "lambda": model(lambda_layer(marker), layer("Dense", "kept", {"units": 2}, of="scaled")),
        "class": model(layer("Scale", "theirs", {}, module="os")),
        "huge": model(layer("Dense", "dense", {"units": 10**15})),
        "wide": model(layer("Dense", "dense", {"units": 10**8})),
    }[kind]
    archive(tmp_path / "m.keras", json.dumps(tree))
    (tmp_path / "spec.yaml").write_text(SPEC.replace("FILE", "m.keras"))
    done = subprocess.run([sys.executable, "-c", WATCHED], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "error[E" in done.stderr + done.stdout and not marker.exists()
