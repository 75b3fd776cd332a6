"""The package as others install it: wheel, and wheel from sdist, run from a folder that knows nothing of this one."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support import ROOT

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    variables = {**os.environ, **environment}
    result = subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.parametrize("route", ["--wheel", "--sdist --wheel"])
def test_wheel(route: str, tmp_path: Path) -> None:
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", tmp_path, *_route(route), ROOT, cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "dlspec/_data/schemas/spec.json" in names
    assert not any(name.startswith(("tests/", "specs/")) for name in names)
    site = tmp_path / "site"
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", site, wheel, cwd=tmp_path)
    spec = tmp_path / "spec.yaml"
    spec.write_text("inputs: {x: [4]}\nlayers:\n  - dense: 3\n")
    # -P and PYTHONPATH: the installed copy is found first, not the checkout behind the editable install.
    output = run(sys.executable, "-m", "dlspec", "check", "spec.yaml", cwd=tmp_path, PYTHONPATH=str(site))
    assert output == "spec.yaml: ok, 1 layer, 15 parameters, 27 FLOPs\n"
    where = run(sys.executable, "-c", "import dlspec; print(dlspec.__file__)", cwd=tmp_path, PYTHONPATH=str(site))
    assert where.strip() == str(site / "dlspec" / "__init__.py")


def _route(route: str) -> list[str]:
    # `python -m build` without a choice makes the wheel from the sdist; with --wheel from the tree.
    return [] if "--sdist" in route else ["--wheel"]
