"""Commands that a daemon runs: as by themselves, only sooner."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from tests.support import ROOT, dlspec

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="a daemon needs Linux"),
    pytest.mark.slow,
    pytest.mark.xdist_group("daemon"),
]
COMMAND = [sys.executable, "-m", "dlspec"]
DIGITS = str(ROOT / "specs/start/digits.yaml")
LONG = ["train", DIGITS, "--set", "train.epochs=400", "--set", "train.callbacks=[]"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a daemon that runs."""
    folder = tmp_path_factory.mktemp("daemon", numbered=False)
    started = dlspec("daemon", "start", "--idle", "90", DLSPEC_DAEMON=str(folder))
    assert started.stdout == (
        "ready: commands of this environment start at once; it ends after 90 minutes without one\n"
    ), started.stderr
    yield folder
    assert dlspec("daemon", "stop", DLSPEC_DAEMON=str(folder)).stdout == "1 ended\n"


def served(folder: Path, **environment: str) -> tuple[int, int, str]:
    """How many commands the daemon has run and runs, and whether it is of use."""
    shown = dlspec("daemon", DLSPEC_DAEMON=str(folder), **environment).stdout.splitlines()
    assert shown[0].split() == ["process", "since", "commands", "running", "of", "use", "here"]
    match = re.fullmatch(r" *\d+  \d+ min +(\d+) +(\d)  (.*)", shown[1])
    assert match, shown
    return int(match[1]), int(match[2]), match[3]


def warm(folder: Path, *arguments: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command of which the daemon has run one more afterwards."""
    before = served(folder)[0]
    done = dlspec(*arguments, cwd=cwd, DLSPEC_DAEMON=str(folder), **environment)
    assert served(folder)[0] == before + 1
    return done


def without_times(text: str) -> str:
    """What a training prints, without seconds, speed and folder."""
    return re.sub(r"\d+\.\d s|\d+ examples/s|/\S*/runs/\S*|(?m:^epoch.*\n)", "", text)


def test_a_training_is_the_same(folder: Path, tmp_path: Path) -> None:
    """Figures, model, report and what is printed; the spec is named from another folder."""
    arguments = ["train", "digits.yaml", "--set", "train.epochs=2", "--run"]
    by_daemon = warm(folder, *arguments, str(tmp_path / "a"), cwd=ROOT / "specs/start")
    alone = dlspec(*arguments, str(tmp_path / "b"), cwd=ROOT / "specs/start", DLSPEC_DAEMON="0")
    assert (by_daemon.returncode, alone.returncode) == (0, 0), by_daemon.stderr
    for text, other in ((by_daemon.stdout, alone.stdout), (by_daemon.stderr, alone.stderr)):
        assert without_times(text).replace("/a\n", "/b\n") == without_times(other).replace(str(tmp_path / "a"), "")
    facts = [json.loads((tmp_path / name / "report.json").read_text()) for name in "ab"]
    assert facts[0]["metrics"] == facts[1]["metrics"]
    assert facts[0]["command"] == facts[1]["command"].replace(str(tmp_path / "b"), str(tmp_path / "a"))
    weights = [_weights(tmp_path / name / "model.keras") for name in "ab"]
    assert all(np.array_equal(a, b) for a, b in zip(*weights, strict=True))


def _weights(path: Path) -> list[np.ndarray]:
    import keras

    return [weight.numpy() for weight in keras.saving.load_model(path).weights]


def test_outcomes_reach_the_shell(folder: Path, tmp_path: Path) -> None:
    """Exit codes and messages of bad specs and wrong usage."""
    spec = tmp_path / "bad.yaml"
    spec.write_text("layers: [{dens: 3}]\n")
    for arguments in (["train", str(spec)], ["train", "--no-such-option"], ["predict", "no-such-run", "x.csv"]):
        by_daemon = warm(folder, *arguments, cwd=tmp_path)
        alone = dlspec(*arguments, cwd=tmp_path, DLSPEC_DAEMON="0")
        assert by_daemon.returncode == alone.returncode > 0
        assert (by_daemon.stdout, by_daemon.stderr) == (alone.stdout, alone.stderr)


def test_draws_without_a_seed_differ(folder: Path, tmp_path: Path) -> None:
    """Copies of one process begin with its random numbers unless they are drawn anew."""
    spec = tmp_path / "draws.yaml"
    spec.write_text("extensions: [parts.py]\ninputs: {x: [4]}\nlayers: [shown, {dense: 1}]\n")
    (tmp_path / "parts.py").write_text(
        "import random, keras, numpy\n\n\nclass Shown(keras.layers.Layer):\n"
        "    def __init__(self, **options):\n        super().__init__(**options)\n"
        "        with open('drawn.txt', 'a') as stream:\n"
        "            print(random.random(), numpy.random.random(), file=stream)\n\n"
        "    def call(self, inputs):\n        return inputs\n\n"
        "    def compute_output_shape(self, input_shape):\n        return input_shape\n"
    )
    first = []
    for _ in range(2):
        done = warm(folder, "build", str(spec), "--allow-code", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        first.append((tmp_path / "drawn.txt").read_text().split()[:2])
        (tmp_path / "drawn.txt").unlink()
    assert first[0][0] != first[1][0]
    assert first[0][1] != first[1][1]


def test_what_is_fixed_at_a_start_is_heeded(folder: Path, tmp_path: Path) -> None:
    """Another environment, other packages or other limits: the command starts by itself, and the list says why."""
    before = served(folder)[0]
    other = {"OMP_NUM_THREADS": "1", "DLSPEC_DAEMON": str(folder)}
    assert served(folder, OMP_NUM_THREADS="1")[2] == "no: variable OMP_NUM_THREADS"
    assert dlspec("build", DIGITS, **other).returncode == 0
    packages = tmp_path / "packages"
    packages.mkdir()
    assert served(folder, PYTHONPATH=f"{ROOT}{os.pathsep}{packages}")[2] == "no: packages, variable PYTHONPATH"
    limited = ["sh", "-c", 'umask 027; ulimit -n 512; exec "$@"', "-", *COMMAND, "daemon"]
    shown = subprocess.run(limited, env=_variables(folder), cwd=ROOT, capture_output=True, text=True)
    assert shown.stdout.splitlines()[1].endswith("no: limits, umask")
    assert served(folder)[0] == before


def _variables(folder: Path) -> dict[str, str]:
    variables = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "DLSPEC_DAEMON": str(folder)}
    variables.pop("DLSPEC_TRACEBACK", None)
    return variables


def _long(folder: Path, run: Path) -> subprocess.Popen[str]:
    """A training that runs, in its second epoch at least."""
    pipe = subprocess.PIPE
    arguments = [*COMMAND, *LONG, "--run", str(run)]
    process = subprocess.Popen(arguments, cwd=ROOT, env=_variables(folder), stdout=pipe, stderr=pipe, text=True)
    _wait_for(lambda: (run / "metrics.csv").is_file() and len((run / "metrics.csv").read_text().splitlines()) > 2)
    return process


def _wait_for(condition: object) -> None:
    assert callable(condition)
    until = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def _goes_on(folder: Path, run: Path) -> None:
    """The run goes on where it was, to an end."""
    arguments = ["train", DIGITS, "--set", "train.epochs=3", "--set", "train.callbacks=[]", "--force"]
    done = dlspec(*arguments, "--run", str(run), DLSPEC_DAEMON=str(folder))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_reach_the_command(folder: Path, tmp_path: Path, number: signal.Signals) -> None:
    """It ends after its step with a checkpoint, and says how to go on."""
    process = _long(folder, tmp_path / "run")
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    alone = 128 + number
    assert process.returncode == alone, errors
    assert "goes on" in errors or "go on" in errors, errors
    assert served(folder)[1] == 0


def test_a_killed_command_leaves_nothing_behind(folder: Path, tmp_path: Path) -> None:
    """Who is killed by SIGKILL takes along what was done for it; the run goes on later."""
    process = _long(folder, tmp_path / "run")
    process.kill()
    process.communicate()
    _wait_for(lambda: served(folder)[1] == 0)
    lines = (tmp_path / "run/metrics.csv").read_text()
    time.sleep(1)
    assert (tmp_path / "run/metrics.csv").read_text() == lines
    _goes_on(folder, tmp_path / "run")


def test_a_copy_that_is_killed_ends_its_command_so(folder: Path, tmp_path: Path) -> None:
    """As where the system is short of memory."""
    process = _long(folder, tmp_path / "run")
    daemon = json.loads(next(folder.glob("*.json")).read_text())["process"]
    copies = Path(f"/proc/{daemon}/task/{daemon}/children").read_text().split()
    os.kill(int(copies[-1]), signal.SIGKILL)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL


def test_in_a_terminal(folder: Path, tmp_path: Path) -> None:
    """Progress is drawn, and Ctrl-C typed ends the training."""
    before = served(folder)[0]
    number, terminal = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *LONG, "--run", str(tmp_path / "run")],
        cwd=ROOT, env=_variables(folder), stdin=terminal, stdout=terminal, stderr=terminal,
        preexec_fn=_own_terminal, close_fds=True,
    )  # fmt: skip
    os.close(terminal)
    text = b""
    typed = False
    while process.poll() is None or text[-1:] != b"":
        try:
            part = os.read(number, 1 << 16)
        except OSError:
            break
        text += part
        if not typed and b"epoch" in text and b"3/400" in text:
            os.write(number, b"\x03")
            typed = True
    os.close(number)
    assert process.wait(timeout=60) == 130
    assert b"\r" in text
    assert served(folder)[0] == before + 1


def _own_terminal() -> None:
    import fcntl
    import termios

    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_a_search_with_workers(folder: Path, tmp_path: Path) -> None:
    """Its workers are processes of the copy."""
    text = (ROOT / "specs/start/digits.yaml").read_text().replace("dropout: 0.3", "dropout: $rate")
    spec = tmp_path / "search.yaml"
    spec.write_text(f"{text}\nparams: {{rate: {{choice: [0.1, 0.3]}}}}\ntune: {{algorithm: grid, trials: 2}}\n")
    arguments = ["tune", str(spec), "--set", "train.epochs=1", "--workers", "2", "-o", str(tmp_path / "best.yaml")]
    done = warm(folder, *arguments, "--runs", str(tmp_path / "runs"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "best.yaml").is_file()


def test_a_folder_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    """Whoever could put a socket there would get the user's files."""
    tmp_path.chmod(0o755)
    refused = dlspec("daemon", "start", DLSPEC_DAEMON=str(tmp_path))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        f"Error: `{tmp_path}` must be a folder of yours that nobody else can enter: chmod 700, or name another one in "
        "DLSPEC_DAEMON\n"
    )
    (tmp_path / "0123456789abcdef.sock").touch()
    assert dlspec("daemon", DLSPEC_DAEMON=str(tmp_path)).stdout == "no daemon; `dlspec daemon start` starts one\n"


def test_a_start_that_cannot_be_says_why(folder: Path, tmp_path: Path) -> None:
    """Each in a line; a start beside a daemon of the same environment is none."""
    again = dlspec("daemon", "start", DLSPEC_DAEMON=str(folder))
    assert (again.returncode, again.stdout) == (0, "a daemon for this environment runs already\n")
    off = dlspec("daemon", "start", DLSPEC_DAEMON="0")
    assert (off.returncode, off.stderr) == (1, "Error: DLSPEC_DAEMON=0 says that no daemon is to be used\n")
    (tmp_path / "file").touch()
    below = str(tmp_path / "file" / "daemon")
    refused = dlspec("daemon", "start", DLSPEC_DAEMON=below)
    assert refused.returncode == 1
    assert refused.stderr == f"Error: cannot make the folder of daemons `{below}`: Not a directory\n"
    package = tmp_path / "packages/tensorflow"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('no kernel for this machine')\n")
    path = f"{ROOT}{os.pathsep}{package.parent}"
    failed = dlspec("daemon", "start", DLSPEC_DAEMON=str(tmp_path / "broken"), PYTHONPATH=path)
    assert failed.returncode == 1
    assert failed.stderr.startswith("Error: the daemon did not start\n")
    assert failed.stderr.endswith("no kernel for this machine\n")


def test_a_daemon_that_is_killed_meanwhile(tmp_path: Path) -> None:
    """What became of the command is unknown then, and the command says so."""
    tmp_path.chmod(0o700)
    assert dlspec("daemon", "start", DLSPEC_DAEMON=str(tmp_path)).returncode == 0
    process = _long(tmp_path, tmp_path / "run")
    daemon = json.loads(next(tmp_path.glob("*.json")).read_text())["process"]
    copies = [int(number) for number in Path(f"/proc/{daemon}/task/{daemon}/children").read_text().split()]
    os.kill(daemon, signal.SIGKILL)
    for number in copies:  # as a system does that ends all of a session
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 3
    assert errors.endswith(
        "the daemon was ended: what became of the command is unknown; `dlspec runs` lists what there is\n"
    )


def test_it_ends_by_itself(tmp_path: Path) -> None:
    """Without a command for a while; and one that is killed is no hindrance."""
    tmp_path.chmod(0o700)
    for idle, ends in (("0.02", True), ("5", False)):
        assert dlspec("daemon", "start", "--idle", idle, DLSPEC_DAEMON=str(tmp_path)).returncode == 0
        process = json.loads(next(tmp_path.glob("*.json")).read_text())["process"]
        if ends:
            _wait_for(lambda: not list(tmp_path.glob("*.sock")))
            continue
        os.kill(process, signal.SIGKILL)
        assert dlspec("build", DIGITS, DLSPEC_DAEMON=str(tmp_path)).returncode == 0
        assert not list(tmp_path.glob("*.sock"))


def test_who_starts_tensorflow_is_known() -> None:
    """The names of commands that are handed over are those whose modules start it."""
    from dlspec.cli.main import STARTING_TENSORFLOW

    modules = (ROOT / "dlspec/cli/commands").glob("*.py")
    starting = {
        path.stem for path in modules if re.search(r"\bstarting\.start\(|(train_study|study_of)\(", path.read_text())
    }
    assert starting == STARTING_TENSORFLOW
