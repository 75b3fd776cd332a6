"""Bad data of every source are diagnosed without TensorFlow or Keras being imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dlspec.components.registry import names

HERE = Path(__file__).parent
TESTS = sorted(HERE.glob("test_bad_*.py"), key=lambda path: path.name)


def test_every_source_has_bad_inputs() -> None:
    tested = {path.stem.removeprefix("test_bad_") for path in TESTS}
    assert set(names("source")) <= tested


@pytest.mark.slow
def test_what_is_imported(tmp_path: Path) -> None:
    modules = [path.stem for path in TESTS if path.stem != Path(__file__).stem]
    code = f"""
import sys
import pytest
modules = {[str(HERE / f"{name}.py") for name in modules]!r}
code = pytest.main(["-q", "-x", "-m", "not slow", "-k", "test_bad_files or test_mistakes", "-p", "no:cacheprovider",
                    "--basetemp", {str(tmp_path / "files")!r}, *modules])
loaded = {{"tensorflow", "keras"}} & set(sys.modules)
sys.exit(int(code) or (str(loaded) if loaded else 0))
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=HERE)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
