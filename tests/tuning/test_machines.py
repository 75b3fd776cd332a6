"""What is found out about machines before a trial is given to them; no cluster is begun here."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from dlspec.core.errors import Problem
from dlspec.passes import compile_spec
from dlspec.syntax.dumping import dump
from dlspec.tuning.workers import machines
from tests.tuning.machines import free_port

IRIS = Path(__file__).parent / "iris.yaml"
SPEC = """
params: {units: {int: [1, 60]}}
inputs: {x: [2]}
layers: [{dense: {units: $units}}, {dense: 1}]
data:
  source: {csv: data.csv}
  inputs: {x: {columns: [a, b]}}
  targets: {y: {column: y}}
  split: {validation: 0.3}
train: {loss: mse}
tune: {trials: 2}
"""


def tune(*arguments: str, before: str = "") -> tuple[int, str]:
    """Exit code and stderr of a search of which nothing but the address is looked at."""
    code = (
        f"import sys\n{before}\nfrom dlspec.cli.main import run\ncode = run(sys.argv[1:])\n"
        "assert not {'tensorflow', 'keras', 'keras_tuner'} & set(sys.modules)\nsys.exit(code)"
    )
    words = [sys.executable, "-c", code, "tune", str(IRIS), *arguments]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def test_ray_is_not_installed(tmp_path: Path) -> None:
    code, error = tune("--runs", str(tmp_path), "--cluster", "127.0.0.1:6379", before="sys.modules['ray'] = None")
    assert code == 1
    assert error.startswith("error[E533]: `--cluster` needs Ray, which is not installed\n")
    assert "help: pip install 'dlspec[ray]'" in error
    assert not list(tmp_path.iterdir())


def test_nothing_listens(tmp_path: Path) -> None:
    address, begun = f"127.0.0.1:{free_port()}", time.monotonic()
    code, error = tune("--runs", str(tmp_path), "--cluster", address)
    assert code == 1
    assert error.startswith(f"error[E533]: no Ray cluster answers at `{address}`: Connection refused\n")
    assert "ray start --head --port=" in error
    assert time.monotonic() - begun < 20
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("address", ["here", "here:", ":6379", "here:port", "here:0", "here:70000"])
def test_no_address(address: str, tmp_path: Path) -> None:
    code, error = tune("--runs", str(tmp_path), "--cluster", address)
    assert code == 1
    assert error.startswith(f"error[E533]: `{address}` is not HOST:PORT\n")


def test_a_search_without_a_cluster_knows_nothing_of_ray() -> None:
    code = "import sys, dlspec.tuning.workers.workers, dlspec.cli.commands.tune; print({'ray'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize(
    ("there", "wanted", "expected"),
    [
        ([(4, 0), (4, 0)], None, (2, 4, 0)),  # one on each machine
        ([(4, 0), (4, 0)], 3, (3, 2, 0)),
        ([(4, 0), (8, 0)], 3, (3, 4, 0)),
        ([(0, 0), (8, 0)], None, (1, 8, 0)),  # one that only says what the others do
        ([(8, 2), (8, 2)], None, (4, 4, 1)),  # one on each GPU
        ([(8, 2), (64, 0)], None, (2, 4, 1)),
        ([(8, 2), (8, 2)], 2, (2, 8, 1)),
        ([(1, 1), (1, 4)], None, (2, 1, 1)),  # no core for three of the GPUs
    ],
)
def test_machines_are_divided(there: list[tuple[int, int]], wanted: int, expected: tuple[int, int, int]) -> None:
    assert machines.shares(there, wanted) == expected


@pytest.mark.parametrize(
    ("there", "wanted", "text"),
    [
        ([(2, 0), (1, 0)], 4, "has room for 3 trials at a time with a core each, not for 4"),
        ([(8, 2), (64, 0)], 3, "has room for 2 trials at a time with a GPU and a core each, not for 3"),
        ([(1, 0)], 2, "has room for 1 trial at a time with a core each, not for 2"),
        ([(0, 0)], None, "has room for 0 trials at a time with a core each, not for 1"),
    ],
)
def test_no_room(there: list[tuple[int, int]], wanted: int | None, text: str) -> None:
    with pytest.raises(Problem, match=re.escape(text)) as found:
        machines.shares(there, wanted)
    assert found.value.code == "E533"


def job(folder: Path) -> machines.Job:
    """What a search of a small spec asks, without a token."""
    (folder / "data.csv").write_text("a,b,y\n" + "1,2,3\n" * 8, encoding="utf-8")
    (folder / "spec.yaml").write_text(SPEC, encoding="utf-8")
    (folder / "s" / "trials").mkdir(parents=True)
    state = compile_spec(folder / "spec.yaml")
    assert state.data is not None and not state.diagnostics.errors
    return machines.job_of(state, dump(state.data), folder / "s")


def wrong(job: machines.Job) -> str:
    """What is wrong with this machine."""
    with pytest.raises(Problem) as found:
        machines.check(job, "two")
    assert found.value.code == "E534" and found.value.help
    return found.value.message


def test_a_machine_that_fits(tmp_path: Path) -> None:
    wanted = job(tmp_path)
    with machines.offered(wanted.folder) as token:
        machines.check(replace(wanted, token=token), "two")
    assert [path.name for path in (tmp_path / "s" / "trials").iterdir()] == []


def test_other_versions(tmp_path: Path) -> None:
    wanted = job(tmp_path)
    ours = wanted.versions["keras"]
    text = wrong(replace(wanted, versions={**wanted.versions, "keras": "3.0", "dlspec": "0.2"}))
    assert text == f"`two` has dlspec {wanted.versions['dlspec']} instead of 0.2, keras {ours} instead of 3.0"


def test_folders_that_are_not_shared(tmp_path: Path) -> None:
    wanted = job(tmp_path)
    assert wrong(wanted) == f"`two` cannot use the search's folder `{tmp_path / 's'}`: No such file or directory"
    with machines.offered(wanted.folder):
        assert wrong(wanted) == f"`two` sees another folder under `{tmp_path / 's'}`"


def test_locks_that_are_not_shared(tmp_path: Path) -> None:
    wanted = job(tmp_path)
    with machines.offered(wanted.folder) as token:
        pass  # nobody holds it any more
    expected = f"`two` does not see locks on files of `{tmp_path / 's'}` that another machine holds"
    assert wrong(replace(wanted, token=token)) == expected


def test_another_search_of_the_folder(tmp_path: Path) -> None:
    wanted = job(tmp_path)
    with (
        machines.offered(wanted.folder),
        pytest.raises(Problem, match=r"^another machine searches in `.*`, or"),
        machines.offered(wanted.folder),
    ):
        pass


def test_other_files(tmp_path: Path) -> None:
    wanted = job(tmp_path)
    with machines.offered(wanted.folder) as token:
        wanted = replace(wanted, token=token)
        (tmp_path / "data.csv").write_text("a,b,y\n" + "1,2,4\n" * 9, encoding="utf-8")
        assert wrong(wanted) == "`two` sees other data: `data.csv` is not the same there"
        (tmp_path / "data.csv").unlink()
        assert wrong(wanted).startswith("on `two` the spec has an error, E601: ")
        (tmp_path / "spec.yaml").write_text(SPEC.replace("60", "61"), encoding="utf-8")
        (tmp_path / "data.csv").write_text("a,b,y\n" + "1,2,3\n" * 8, encoding="utf-8")
        assert wrong(wanted) == f"`two` sees another spec under `{tmp_path / 'spec.yaml'}`"
        (tmp_path / "spec.yaml").unlink()
        assert wrong(wanted).startswith("on `two` the spec has an error, Y001: ")
