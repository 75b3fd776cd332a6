"""Where a component is declared decides nothing: with every module of components renamed, all commands say the same."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.support import ROOT

FOLDERS = ("layers", "ops", "training", "sections", "methods")
CHECKED = (
    *(f"specs/start/{name}.yaml" for name in ("diabetes", "digit_images", "listing", "masks", "topics", "waves")),
    *(
        f"tests/bad/{name}.yaml"
        for name in ("e207_prepare", "e207_augmentation", "e616_mixed_labels", "w502_no_softmax")
    ),
)
DRAWN = ("specs/start/zones.yaml", "specs/start/waves.yaml", "specs/segmentation/unet.yaml")
# An activation that stands on the line of the layer before it, one with weights, and operations.
SMALL = """
inputs: {x: [8, 8, 3]}
layers:
  - conv2d: {filters: 4, kernel_size: 3}
  - batch_normalization
  - leaky_re_lu: 0.1
  - conv2d: {filters: 4, kernel_size: 3}
  - p_re_lu
  - ops.mean: {axis: [1, 2]}
  - dense: 2
  - activation: relu
  - softmax
"""
RUN = """
import sys
import dlspec
from dlspec.cli.main import run
print(dlspec.__file__, file=sys.stderr)
for line in sys.stdin.read().splitlines():
    print(line, flush=True)
    print(run(line.split()), flush=True)
sys.exit("tensorflow" in sys.modules)
"""


def _renamed(folder: Path) -> Path:
    """A copy of dlspec in which every module of components has another name."""
    for name in ("schemas", "templates", "dlspec"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for part in FOLDERS:
        for path in (folder / "dlspec/components" / part).glob("*.py"):
            if path.stem != "__init__":
                path.rename(path.with_name(f"renamed_{path.name}"))
    package = rf"dlspec\.components\.(?:{'|'.join(FOLDERS)})"
    for path in (folder / "dlspec").rglob("*.py"):  # imports alone: a name inside a text would be a fault
        text = path.read_text(encoding="utf-8")
        text = re.sub(rf"^(\s*(?:from|import) {package}\.)(\w+)", r"\1renamed_\2", text, flags=re.M)
        text = re.sub(rf"^(\s*from {package} import )(\w+) as", r"\1renamed_\2 as", text, flags=re.M)
        path.write_text(text, encoding="utf-8")
    index = folder / "schemas/index.json"
    index.write_text(re.sub(rf"({package}\.)", r"\1renamed_", index.read_text(encoding="utf-8")), encoding="utf-8")
    return folder


def _said(package: Path, commands: Sequence[str]) -> str:
    """What the commands print and return, one after another in one process, with the dlspec of a folder."""
    result = subprocess.run(
        [sys.executable, "-c", RUN],
        input="\n".join(commands),
        cwd=ROOT / "tests",
        env={**os.environ, "PYTHONPATH": str(package), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stderr.startswith(str(package / "dlspec")), result.stderr
    return result.stdout + result.stderr.partition("\n")[2]


def test_renaming_modules_of_components_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(SMALL, encoding="utf-8")
    drawn = [str(tmp_path / "small.yaml"), *(str(ROOT / path) for path in DRAWN)]
    commands = [f"check {ROOT / path}" for path in CHECKED]
    commands += [f"show {path}" for path in drawn] + [f"show --dump-ir {path}" for path in drawn]
    said, pictures = [], []
    for package in (ROOT, _renamed(tmp_path / "renamed")):
        files = [tmp_path / f"{place}.svg" for place in range(len(drawn))]
        drawing = [f"show {path} --svg {file}" for path, file in zip(drawn, files, strict=True)]
        said.append(_said(package, [*commands, *drawing]))
        pictures.append([file.read_text(encoding="utf-8") for file in files])
    assert said[0] == said[1]
    assert pictures[0] == pictures[1]
    assert "`dense` does not prepare data" in said[0]
    assert "specs/start/diabetes.yaml: ok" in said[0]
