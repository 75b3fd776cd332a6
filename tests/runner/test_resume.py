"""Runs that are interrupted go on, and end as if nothing had happened."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from running import iris, method, small, train

from dlspec.components.layers.powers import Log1p
from dlspec.components.layers.preprocessing import Normalization
from dlspec.components.methods.supervised import Supervised
from dlspec.components.sections.data import Feature, Split, Target
from dlspec.components.sections.training import Checkpoint, Learner, Phase
from dlspec.components.training.accuracy_metrics import Accuracy
from dlspec.components.training.callbacks import Callback, CSVLogger, EarlyStopping, ReduceLROnPlateau
from dlspec.components.training.losses import MeanSquaredError, SparseCategoricalCrossentropy
from dlspec.components.training.metrics import MeanAbsoluteError
from dlspec.components.training.optimizers import SGD, Adam
from dlspec.core.errors import Problem
from dlspec.training.loop.signals import Interrupted
from dlspec.training.run.checkpoint import FOLDER, Checkpoints
from dlspec.training.run.identity import IDENTITY_FILE, spec_differences
from dlspec.training.run.locking import Lock
from dlspec.training.run.report import Report
from dlspec.training.run.resume import find
from tests.crash.results import different, results
from tests.support import ROOT

pytestmark = [
    pytest.mark.slow,
    # Keras 3.15 with numpy 2 warns about what its own callbacks do.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]
SPEC = "name: small\n"


class Press(Callback):
    """Sends a signal to this process when an epoch begins or a step ends, once."""

    every_step = True

    def __init__(self, number: int = signal.SIGINT, epoch: int = 2, step: int | None = None) -> None:
        super().__init__()
        self.number, self.epoch, self.step = number, epoch, step
        self.pressed = False

    def make(self, **extra: Any) -> Any:
        import keras

        outer = self

        class Presses(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                self.epoch = epoch
                outer.press(epoch, None)

            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                outer.press(self.epoch, batch)

        return Presses()

    def press(self, epoch: int, step: int | None) -> None:
        if (epoch, step) == (self.epoch, self.step) and not self.pressed:
            self.pressed = True
            os.kill(os.getpid(), self.number)


def stateful(press: Press | None = None, **options: Any) -> Any:
    """A training whose callbacks and optimizer have states; with a callback that may interrupt it."""
    callbacks = (
        ReduceLROnPlateau(patience=0, factor=0.5, min_delta=0.1),
        EarlyStopping(patience=4, restore_best_weights=True),
        CSVLogger(filename="log.csv"),
        press or Press(epoch=-1),
    )
    given = {"epochs": 6, "optimizer": Adam(learning_rate=0.05, use_ema=True), "callbacks": callbacks}
    return method(**{**given, **options})


def noisy() -> Any:
    import keras

    x = keras.Input((4,), name="measures")
    looked_up = keras.layers.Flatten()(keras.layers.Embedding(1200, 2)(x))  # many examples share a row
    hidden = keras.layers.Concatenate()([keras.layers.GaussianNoise(0.1)(x), looked_up])
    hidden = keras.layers.BatchNormalization()(hidden)
    hidden = keras.layers.Dropout(0.2)(keras.layers.Dense(8, activation="relu", name="hidden")(hidden))
    return keras.Model(x, keras.layers.Dense(3, activation="softmax", name="species")(hidden), name="small")


def go(folder: Path, how: Any, build: Any = noisy, *, console: Console | None = None, **where: Any) -> Report:
    """What the command line does: finds the place, and trains there."""
    options: dict[str, Any] = {"run": None, "new": False, "force": False, **where}
    place = find(folder / "runs", "small", SPEC, **options)
    return train(folder, iris(batch_size=16), how, build, place=place, console=console)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What an uninterrupted run leaves."""
    return results(go(tmp_path_factory.mktemp("whole"), stateful()).folder)


@pytest.fixture
def hangup() -> Iterator[None]:
    """SIGHUP means something: under `nohup` it is ignored."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("hangup")
@pytest.mark.parametrize(
    ("number", "epoch", "step"),
    [
        (signal.SIGINT, 2, None),
        (signal.SIGTERM, 0, 0),
        (signal.SIGTERM, 3, 2),
        (signal.SIGINT, 1, 5),
        (signal.SIGHUP, 2, 1),
    ],
)
def test_an_interrupted_run_ends_as_if_nothing_had_happened(
    tmp_path: Path, whole: dict[str, Any], number: int, epoch: int, step: int | None
) -> None:
    press = Press(number, epoch, step)
    with pytest.raises(Interrupted) as caught:
        go(tmp_path, stateful(press))
    assert caught.value.number == number
    (folder,) = (tmp_path / "runs" / "small").iterdir()
    assert json.loads((folder / "report.json").read_text())["status"] == "interrupted"
    stream = io.StringIO()
    report = go(tmp_path, stateful(press), console=Console(file=stream, width=200))
    assert report.folder == folder, "it goes on in its folder"
    assert f"going on with {folder} from {caught.value.resumes_at}" in stream.getvalue()
    assert different(whole, results(folder)) == []


def test_targets_in_other_units(tmp_path: Path) -> None:
    def line() -> Any:
        import keras

        x = keras.Input((2,), name="measures")
        return keras.Model(x, keras.layers.Dense(1, name="length")(keras.layers.Dropout(0.2)(x)), name="small")

    def trained(folder: Path, press: Press) -> Report:
        inputs = {"measures": Feature(columns=("sepal_length", "sepal_width"))}
        targets = {"length": Target(column="petal_length", prepare=(Log1p(), Normalization()))}
        how = stateful(press, loss=MeanSquaredError(), metrics=(MeanAbsoluteError(),))
        place = find(folder / "runs", "small", SPEC, run=None, new=False, force=False)
        data = iris(inputs=inputs, targets=targets, split=Split(validation=0.2), batch_size=16)
        return train(folder, data, how, line, place=place)

    whole, press = trained(tmp_path / "whole", Press(epoch=-1)), Press(epoch=2, step=3)
    with pytest.raises(Interrupted):
        trained(tmp_path, press)
    assert different(results(whole.folder), results(trained(tmp_path, press).folder)) == []


def test_where_it_stops_is_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(Interrupted) as caught:
        go(tmp_path, stateful(Press(epoch=1, step=2)))
    assert caught.value.resumes_at == "epoch 2, step 4"


def test_how_often_it_is_saved_changes_nothing(tmp_path: Path, whole: dict[str, Any]) -> None:
    assert different(whole, results(go(tmp_path, stateful(checkpoint=Checkpoint(every=0.0))).folder)) == []


def test_saving_after_every_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved = []
    save = Checkpoints.save
    monkeypatch.setattr(Checkpoints, "save", lambda self, state: (saved.append(state), save(self, state))[1])
    go(tmp_path, method(epochs=2, checkpoint=Checkpoint(every=0.0)), small)
    places = [(state.facts["course"]["epoch"], state.facts["course"]["step"]) for state in saved]
    steps = [(epoch, step) for epoch in range(2) for step in range(1, 7)]
    assert sorted({*places}) == sorted({*steps, (1, 0), (2, 0)})


def test_phases_go_on_too(tmp_path: Path) -> None:
    def phased(press: Press | None = None) -> Any:
        second = Phase(epochs=3, freeze=("hidden",), optimizer=SGD(learning_rate=0.1, momentum=0.9))
        given = stateful(press, phases={"first": Phase(epochs=2), "second": second}).given
        return type(method())(**{name: value for name, value in given.items() if name != "epochs"})

    expected = results(go(tmp_path / "whole", phased()).folder)
    press = Press(epoch=3, step=1)
    with pytest.raises(Interrupted):
        go(tmp_path, phased(press))
    assert different(expected, results(go(tmp_path, phased(press)).folder)) == []


def test_several_kills_of_a_real_process(tmp_path: Path) -> None:
    """A kill -9, a SIGTERM and a Ctrl-C; a rival in the same folder. `make crash` kills at many more moments."""
    command = [sys.executable, "-m", "tests.crash.kills", "tests/crash/spec.yaml", str(tmp_path), "1", "7"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("identical") == 3


# --- which run ------------------------------------------------------------------------------------------------------


def test_a_finished_run_is_followed_by_a_new_one(tmp_path: Path) -> None:
    first = go(tmp_path, method(epochs=1), small)
    assert go(tmp_path, method(epochs=1), small).folder != first.folder


def test_a_named_folder_is_made_then_gone_on_with_then_finished(tmp_path: Path) -> None:
    run = tmp_path / "here"
    press = Press(epoch=1)
    with pytest.raises(Interrupted):
        go(tmp_path, stateful(press), run=run)
    assert go(tmp_path, stateful(press), run=run).folder == run
    place = find(tmp_path / "runs", "small", SPEC, run=run, new=False, force=False)
    assert place.finished is not None and place.finished["status"] == "finished"


def test_an_interrupted_run_is_left_alone_where_a_new_one_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        go(tmp_path, stateful(Press(epoch=1)))
    (first,) = (tmp_path / "runs" / "small").iterdir()
    assert go(tmp_path, method(epochs=1), small, new=True).folder != first


def test_another_folder_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(Problem, match="holds something else than a run") as caught:
        find(tmp_path, "small", SPEC, run=tmp_path, new=False, force=False)
    assert caught.value.code == "E507"


def test_a_run_in_use_is_refused_at_once(tmp_path: Path) -> None:
    run, press = interrupted(tmp_path)
    lock = Lock(run)
    with pytest.raises(Problem, match="another process trains in") as caught:
        find(tmp_path, "small", SPEC, run=run, new=False, force=False)
    assert caught.value.code == "E513"
    lock.release()
    assert go(tmp_path, stateful(press, checkpoint=Checkpoint(every=0.0)), run=run).folder == run


def test_a_changed_spec_is_refused_or_forced(tmp_path: Path) -> None:
    run = go(tmp_path, method(epochs=1), small, run=tmp_path / "here").folder
    (run / "spec.yaml").write_text("name: small\ndata: {batch_size: 32}\n")
    with pytest.raises(Problem, match=r"`data\.batch_size` was `32`, now unset") as caught:
        find(tmp_path, "small", SPEC, run=run, new=False, force=False)
    assert caught.value.code == "E512" and "--force" in caught.value.help
    longer = go(tmp_path, method(epochs=3), small, run=run, force=True)
    assert len(longer.facts["epoch_seconds"]) == 3, "a finished run takes more epochs"


def test_what_changes_no_result_is_no_change() -> None:
    before = "description: a\ntrain: {loss: mse, checkpoint: {every: 1}}\n"
    assert spec_differences(before, "description: b\ntrain: {loss: mse}\n") == []
    assert spec_differences("params: {width: 3}\n", "params: {width: 4}\n") == ["`params.width` was `3`, now `4`"]


@pytest.mark.parametrize("key", ["data", "versions", "settings"])
def test_other_data_versions_and_settings_are_refused(tmp_path: Path, key: str) -> None:
    press = Press(epoch=1)
    run = tmp_path / "here"
    with pytest.raises(Interrupted):
        go(tmp_path, stateful(press), run=run)
    before = json.loads((run / IDENTITY_FILE).read_text())
    name = {"data": "train", "versions": "keras", "settings": "processors"}[key]
    before[key][name] = "0" * 64 if key == "data" else "3.0"
    (run / IDENTITY_FILE).write_text(json.dumps(before))
    words = {"data": "other examples are in the train split", "versions": "keras", "settings": "processors"}[key]
    with pytest.raises(Problem, match=words) as caught:
        go(tmp_path, stateful(press), run=run)
    assert caught.value.code == "E512"
    assert go(tmp_path, stateful(press), run=run, force=True).status == "finished"


def test_other_data_of_an_unnamed_run_begin_a_new_one(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        go(tmp_path, stateful(Press(epoch=1)))
    stream = io.StringIO()
    place = find(tmp_path / "runs", "small", SPEC, run=None, new=False, force=False)
    data = iris(split=Split(validation=0.3))
    report = train(tmp_path, data, method(epochs=1), small, place=place, console=Console(file=stream, width=300))
    assert "a new run instead of" in stream.getvalue()
    assert len(list(report.folder.parent.iterdir())) == 2


# --- damaged and missing --------------------------------------------------------------------------------------------


def interrupted(folder: Path) -> tuple[Path, Press]:
    """A run that was stopped after several checkpoints."""
    press = Press(epoch=2, step=2)
    with pytest.raises(Interrupted):
        go(folder, stateful(press, checkpoint=Checkpoint(every=0.0)), run=folder / "here")
    return folder / "here", press


def test_a_damaged_checkpoint_is_passed_over(tmp_path: Path, whole: dict[str, Any]) -> None:
    run, press = interrupted(tmp_path)
    newest = max((run / FOLDER).iterdir())
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 1
    newest.write_bytes(data)
    stream = io.StringIO()
    report = go(tmp_path, stateful(press), run=run, console=Console(file=stream, width=300))
    assert f"`checkpoints/{newest.name}` is damaged" in stream.getvalue()
    assert different(whole, results(report.folder)) == []


def test_without_a_sound_checkpoint_nothing_is_guessed(tmp_path: Path, whole: dict[str, Any]) -> None:
    run, press = interrupted(tmp_path)
    for path in (run / FOLDER).iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(Problem, match=r"no checkpoint of .* is sound") as caught:
        go(tmp_path, stateful(press), run=run)
    assert caught.value.code == "E514"
    assert different(whole, results(go(tmp_path, stateful(press), run=run, force=True).folder)) == []


def test_a_run_killed_before_its_first_checkpoint_begins_again(tmp_path: Path, whole: dict[str, Any]) -> None:
    run, press = interrupted(tmp_path)
    for path in (run / FOLDER).iterdir():
        path.unlink()
    assert different(whole, results(go(tmp_path, stateful(press), run=run).folder)) == []


def test_a_folder_that_takes_no_files(tmp_path: Path) -> None:
    class Close(Callback):
        """Makes the place of the checkpoints a file."""

        def make_in(self, folder: Path, epochs: int = 0) -> Any:
            import keras

            (folder / FOLDER).write_text("")
            return keras.callbacks.Callback()

    with pytest.raises(Problem, match=r"cannot write `.*checkpoint`: ") as caught:
        go(tmp_path, method(callbacks=(Close(),)), small, run=tmp_path / "here")
    assert caught.value.code == "E511"
    assert json.loads((tmp_path / "here" / "report.json").read_text())["error"]["code"] == "E511"


def judged() -> Any:
    """What two learners train: answers that one of them makes and the other judges."""
    import keras
    from keras import layers, ops

    x = keras.Input((4,), name="measures")
    hidden = layers.BatchNormalization(name="scaled")(layers.Dense(6, activation="tanh", name="hidden")(x))
    species = layers.Dense(3, activation="softmax", name="species")(hidden)
    verdict = layers.Dense(1, name="judge")(layers.Dropout(0.3, name="dropped")(hidden))
    outputs = {"species": species, "caught": ops.softplus(verdict), "fooled": ops.softplus(-verdict)}
    return keras.Model(x, outputs, name="small")


def two_learners(press: Press) -> Any:
    maker = Learner(
        trains=("hidden", "scaled", "species"),
        minimize={"fooled": 0.5},
        loss={"species": SparseCategoricalCrossentropy()},
        optimizer=Adam(learning_rate=0.02, use_ema=True),
    )
    judge = Learner(
        trains=("judge",), minimize={"caught": 1.0}, optimizer=SGD(learning_rate=0.1, momentum=0.9), every=3
    )
    plateau = ReduceLROnPlateau(monitor="val_judge_loss", mode="min", patience=0, factor=0.5, min_delta=0.1)
    stop = EarlyStopping(monitor="val_maker_loss", mode="min", patience=3)
    return Supervised(
        learners={"maker": maker, "judge": judge},
        metrics={"species": [Accuracy()]},
        callbacks=(plateau, stop, press),
        monitor="val_species_loss",
        epochs=4,
        checkpoint=Checkpoint(every=0.0),
    )


def test_learners_go_on_with_their_own_optimizers(tmp_path: Path) -> None:
    expected = results(go(tmp_path / "whole", two_learners(Press(epoch=-1)), judged).folder)
    for epoch, step in ((1, 3), (2, None)):
        with pytest.raises(Interrupted):
            go(tmp_path / "cut", two_learners(Press(epoch=epoch, step=step)), judged)
    assert not different(results(go(tmp_path / "cut", two_learners(Press(epoch=-1)), judged).folder), expected)
