"""New components are new files: a method, a distribution, a source, a layer with a loss and a search algorithm.

The first three are the examples of CONTRIBUTING.md, the others stand in ``tests/toys``. They are written into a copy of
dlspec, in which no other file is touched but the generated schemas, and every command runs on them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.support import ROOT

GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
# Runs command lines (a JSON list of lists on the standard input) one after another in one process.
RUN = """
import json, sys
from dlspec.cli.main import run
for words in json.load(sys.stdin):
    print("$", *words, flush=True)
    print("exit code", run(words), flush=True)
"""
# Prices are a linear function of rooms and area.
HOUSES = "".join(
    json.dumps({"rooms": n % 5 / 5, "area": n % 7 / 7, "price": 2 * (n % 5 / 5) - n % 7 / 7 + 0.5}) + "\n"
    for n in range(60)
)
DATA = """
data:
  source: {plain_lines: houses.jsonl}
  inputs: {house: {columns: [rooms, area]}}
  targets: {price: {column: price}}
  split: {validation: 0.2, test: 0.2}
  batch_size: 8
"""
RULE = f"""
name: rule
params: {{rate: {{choice: [0.5, 0.2, 0.1]}}}}
layers: [{{dense: {{units: 1, name: price}}}}]
{DATA}
train: {{method: delta_rule, rate: $rate, epochs: 40, checkpoint: 0}}
tune: {{algorithm: backwards, trials: 3, epochs: 2, objective: val_loss}}
"""
FREE = """
name: free
params: {size: {choice: [0.5, 0.1, 0.05]}}
layers: [{dense: {units: 1, use_bias: false, name: score}}]
data: {source: {plain_lines: houses.jsonl}, inputs: {house: {columns: [rooms, area]}}, split: {validation: 0.2}}
train: {method: oja, step_size: $size, epochs: 40, checkpoint: 0}
tune: {algorithm: backwards, trials: 3, epochs: 2, objective: val_energy}
"""
PARTS = f"""
name: parts
params: {{units: {{int: [2, 4]}}}}
layers: [dense: $units, shrink: 0.01, {{dense: {{units: 1, name: price}}}}]
{DATA}
train: {{loss: mse, metrics: [mae], epochs: 40, checkpoint: 0, distribute: pinned}}
tune: {{algorithm: backwards, trials: 3, epochs: 2, objective: val_mae}}
"""


def guide(language: str, heading: str) -> list[tuple[str, str]]:
    """Blocks below a heading of the guide that are whole files: the file that the text before names, and its text."""
    (section,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", GUIDE, re.MULTILINE | re.DOTALL)
    name = r"`(dlspec/[\w./]+\.py|\w+\.py\.jinja)`"
    found, before = [], ""
    for part in re.split(r"(^ *```\w*\n.*?^ *```\n)", section, flags=re.MULTILINE | re.DOTALL):
        text = dedent(part)
        if text.startswith(f"```{language}\n") and (names := re.findall(name, before)):
            found.append((names[-1], text.split("\n", 1)[1].rpartition("```")[0]))
        before = part
    return found


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of dlspec with the toys, and a folder `work` with the specs."""
    folder: Path = tmp_path_factory.mktemp("toys")
    for name in ("schemas", "templates", "dlspec"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    before = {path: path.read_bytes() for path in folder.rglob("*.py")}
    shutil.copytree(ROOT / "tests/toys/dlspec", folder / "dlspec", dirs_exist_ok=True)
    files = [one for what in ("method", "distribution", "data source") for one in guide("python", f"Adding a {what}")]
    files += [(f"templates/python/sources/{name}", text) for name, text in guide("jinja", "Adding a data source")]
    assert [name for name, _ in files] == [
        "dlspec/components/methods/delta_rule.py",
        "dlspec/training/delta_rule.py",
        "dlspec/components/training/pinned.py",
        "dlspec/training/loop/pinned.py",
        "dlspec/data/sources/plain_lines.py",
        "templates/python/sources/plain_lines.py.jinja",
    ]
    for name, text in files:
        assert not (folder / name).exists()
        (folder / name).write_text(text, encoding="utf-8")
    generate = [sys.executable, "-m", "dlspec.semantics.schema.generate", "schemas"]
    subprocess.run(generate, cwd=folder, env=environment(folder), check=True)
    assert all(path.read_bytes() == text for path, text in before.items())
    (folder / "work").mkdir()
    for name, text in {"houses.jsonl": HOUSES, "rule.yaml": RULE, "free.yaml": FREE, "parts.yaml": PARTS}.items():
        (folder / "work" / name).write_text(text, encoding="utf-8")
    return folder


def environment(package: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(package), "PYTHONDONTWRITEBYTECODE": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}


def begun(package: Path, *commands: str) -> subprocess.Popen[str]:
    """A process that runs commands in the folder `work`; their output goes to ``said.txt``."""
    with (package / "work/said.txt").open("w", encoding="utf-8") as stream:
        process = subprocess.Popen(
            [sys.executable, "-c", RUN], stdin=subprocess.PIPE, stdout=stream, stderr=subprocess.STDOUT, text=True,
            cwd=package / "work", env=environment(package),
        )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(json.dumps([command.split() for command in commands]))
    process.stdin.close()
    return process


def said(package: Path, *commands: str) -> list[str]:
    """What each command printed, its exit code last."""
    begun(package, *commands).wait(timeout=300)
    text = (package / "work/said.txt").read_text(encoding="utf-8")
    parts = re.split(r"^\$ .*\n", text, flags=re.MULTILINE)[1:]
    assert len(parts) == len(commands), text
    return parts


def killed(package: Path, run: str, *commands: str) -> None:
    """Runs commands, and kills the process as soon as the training in the folder `run` has saved a checkpoint."""
    process = begun(package, *commands)
    end = time.monotonic() + 240
    while not list((package / "work" / run / "checkpoints").glob("0*.checkpoint")):
        assert process.poll() is None and time.monotonic() < end, (package / "work/said.txt").read_text("utf-8")
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def report(package: Path, run: str) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((package / "work" / run / "report.json").read_text(encoding="utf-8"))
    return facts


def curve(package: Path, run: str) -> str:
    return (package / "work" / run / "metrics.csv").read_text(encoding="utf-8")


def test_what_cannot_be_is_said_before_anything_starts(package: Path) -> None:
    unknown, other, without, shown, data, listed = said(
        package,
        "check rule.yaml --set train.optimizer=adam",
        "check rule.yaml --set layers.0.dense.activation=relu",
        "check rule.yaml --set tune.seed=3",
        "show parts.yaml",
        "data rule.yaml",
        "layers delta_rule",
    )
    assert "E501" in unknown and "training by `delta_rule` has no option `optimizer`" in unknown
    assert "E207" in other and "trains a single layer `dense`" in other
    assert "E207" in without and "`seed` has no effect" in without
    assert "shrink" in shown and shown.endswith("exit code 0\n")
    assert "60 examples" in data and data.endswith("exit code 0\n")
    assert "rate" in listed and listed.endswith("exit code 0\n")


@pytest.mark.slow
def test_every_command_works_on_new_components(package: Path) -> None:
    both = ("rule", "parts")
    killed(
        package,
        "killed-rule",
        *(f"check {name}.yaml" for name in both),
        *(f"train {name}.yaml --run whole-{name} -q" for name in both),
        "train rule.yaml --run killed-rule -q",
    )
    killed(package, "killed-parts", "train rule.yaml --run killed-rule -q", "train parts.yaml --run killed-parts -q")
    results = said(
        package,
        "train parts.yaml --run killed-parts -q",
        *(f"tune {name}.yaml --search search-{name} -q" for name in both),
        *(f"evaluate killed-{name}" for name in both),
        *(f"predict killed-{name} houses.jsonl" for name in both),
        *(f"export killed-{name} --to keras -o {name}.keras" for name in both),
        *(f"export {name}.yaml --to python -o {name}.py --set train.epochs=3" for name in both),
        "export parts.yaml --project project --set train.distribute=null --set tune=null",
        "check free.yaml",
        "train free.yaml --run free -q",
        "tune free.yaml --search search-free -q",
        "predict free houses.jsonl",
        "evaluate free",
    )
    codes = [part.splitlines()[-1] for part in results]
    assert codes == ["exit code 0"] * (len(results) - 1) + ["exit code 1"], "\n".join(results)
    assert "E522" in results[-1] and "compares no output with a target" in results[-1]
    measured = report(package, "free")["metrics"]
    # The largest eigenvalue of E[x xᵀ] over all rows, of which the split takes some.
    assert measured["train"]["energy"] == pytest.approx(0.4125, abs=0.04)
    length = report(package, "free")["method_facts"]["kernel_length"]
    assert length["value"] == pytest.approx(1, abs=0.02)
    assert "<dt>length of the kernel</dt><dd>" in (package / "work/free/report.html").read_text(encoding="utf-8")
    assert sum("length of the kernel: " in part for part in results) == 1
    for name in both:
        assert curve(package, f"killed-{name}") == curve(package, f"whole-{name}")
        facts = report(package, f"killed-{name}")
        assert facts["status"] == "finished" and facts["metrics"] == report(package, f"whole-{name}")["metrics"]
        assert (package / "work" / f"killed-{name}" / "report.html").is_file()
        search = json.loads((package / "work" / f"search-{name}" / "search.json").read_text(encoding="utf-8"))
        assert [trial["status"] for trial in search["trials"]] == ["completed"] * 3
    assert report(package, "killed-rule")["metrics"]["test"]["loss"] < 0.01
    assert "CPU:0" in json.dumps(report(package, "killed-parts")["devices"])
    assert "def read" in (package / "work/project/data.py").read_text(encoding="utf-8")


@pytest.mark.slow
def test_what_has_no_words_in_a_project_is_refused(package: Path) -> None:
    method, distribution, algorithm, device = said(
        package,
        "export rule.yaml --project no-1",
        "export parts.yaml --project no-2 --set tune=null",
        "export parts.yaml --project no-3 --set train.distribute=null",
        "train parts.yaml --run no-4 --set train.distribute.pinned=TPU:7 -q",
    )
    assert "E705" in method and "training by `delta_rule`" in method
    assert "E705" in distribution and "`distribute: pinned`" in distribution
    assert "E705" in algorithm and "the algorithm `backwards`" in algorithm
    assert "E518" in device and "there is no device `TPU:7`" in device
    assert not [path for path in (package / "work").iterdir() if path.name.startswith("no-")]
