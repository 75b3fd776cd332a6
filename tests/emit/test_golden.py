"""Generated modules as files, to be read: would an engineer commit them? `make golden` writes them anew."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dlspec.export.python.module import emit_model
from dlspec.passes import compile_spec
from tests.golden import MODULES, module_of
from tests.support import ROOT, SPECS


@pytest.mark.parametrize("spec", MODULES)
def test_a_module_is_as_it_was_reviewed(spec: str) -> None:
    assert module_of(spec).read_text(encoding="utf-8") == emit_model(compile_spec(ROOT / "specs" / spec))


def test_resnet50_is_short() -> None:
    assert len(module_of("cnn/resnet50.yaml").read_text(encoding="utf-8").splitlines()) <= 90


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The modules of the whole gallery."""
    folder = tmp_path_factory.mktemp("modules")
    for path in SPECS:
        state = compile_spec(ROOT / path)
        (folder / f"{Path(path).stem}.py").write_text(emit_model(state), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "command", [["ruff", "format", "--isolated", "--check", "."], ["ruff", "check", "--isolated", "."]]
)
def test_ruff_has_nothing_to_say(command: list[str], folder: Path) -> None:
    check(command, folder)


@pytest.mark.slow
def test_mypy_has_nothing_to_say(folder: Path) -> None:
    check(
        ["mypy", "--ignore-missing-imports", "--config-file=", *(path.name for path in sorted(folder.glob("*.py")))],
        folder,
    )


def check(command: list[str], folder: Path) -> None:
    done = subprocess.run([sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
