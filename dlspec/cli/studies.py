"""``dlspec train`` of a spec whose training is repeated by a study."""

from __future__ import annotations

import signal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dlspec.cli.output import print_text, progress_console, say
from dlspec.core.documents.study import MemberFacts, Study
from dlspec.passes.stacked import stacking_files
from dlspec.passes.state import Trainable

if TYPE_CHECKING:
    from rich.console import Console

    from dlspec.tuning.studies.ablation import Ablated
    from dlspec.tuning.studies.members import Ended
    from dlspec.tuning.studies.study import Running
    from dlspec.tuning.workers.workers import Workers


def train_study(
    state: Trainable, runs: Path, wanted: Path | None, *, new: bool, workers: int, quiet: bool, command: str
) -> int:
    """Trains all members of a study, and prints what they have in common; takes what :func:`study_of` does.

    Returns:
        The exit code.
    """
    from dlspec.tuning.studies.page import text

    outcome = study_of(state, runs, wanted, new=new, workers=workers, quiet=quiet, command=command)
    if isinstance(outcome, int):
        return outcome
    print_text(text(*outcome))
    return 0


def study_of(
    state: Trainable,
    runs: Path,
    wanted: Path | None,
    *,
    new: bool,
    workers: int,
    quiet: bool,
    command: str,
    ablated: Ablated | None = None,
) -> tuple[Study, Path] | int:
    """Trains all members of a study.

    Args:
        state: The checked spec.
        runs: The folder of all runs.
        wanted: The folder of the study that the user wants.
        new: Whether it must be a new one.
        workers: Members at a time.
        quiet: Whether to show no progress.
        command: What to type to repeat it.
        ablated: The variants of an ablation.

    Returns:
        What is known of it, and its folder; the exit code where it was interrupted.

    Raises:
        SpecError: A member failed.
        Problem: E507, E512 or E513: the folder cannot be used.
    """
    from dlspec.training.loop.signals import Interrupted, terminable
    from dlspec.training.run.locking import Lock
    from dlspec.tuning.studies.study import Running

    facts, path = _begun(state, runs, wanted, new=new, command=command, ablated=ablated)
    if facts["finished"]:
        say(f"the study {path} is finished; `--new` or another folder begins again")
        return facts, path
    lock = Lock(path)
    console = None if quiet else progress_console()
    try:
        with terminable():
            running = Running(state, path, facts)
            running.on_end = _Lines(running, console, workers)
            running.run(_pool(workers, console))
    except KeyboardInterrupt as stop:
        say(f"interrupted; the same command goes on with {path}")
        return 128 + (stop.number if isinstance(stop, Interrupted) else signal.SIGINT)
    finally:
        lock.release()
    return facts, path


def _begun(
    state: Trainable, runs: Path, wanted: Path | None, *, new: bool, command: str, ablated: Ablated | None
) -> tuple[Study, Path]:
    """The study in its folder, with its first files: a new one, or one that is there; takes what :func:`study_of` does.

    Raises:
        Problem: E507 or E512, the folder cannot be used.
    """
    from dlspec.syntax.dumping import dump
    from dlspec.training.run.resume import SPEC_FILE
    from dlspec.training.run.saved_models import files_of
    from dlspec.tuning.studies import folder as folders
    from dlspec.tuning.studies.study import begun, check_members, lists_members

    spec_text = dump(state.data)
    kind = "study" if ablated is None else "ablation"
    same = partial(lists_members, state)
    path, facts = folders.find(runs, state.name, spec_text, wanted=wanted, new=new, kind=kind, same=same)
    if facts is None:
        facts = begun(state, command, inside=wanted is not None)
        facts["ablation"] = None if ablated is None else ablated.facts(facts["judged"])
        own = stacking_files(state) if ablated is None else ablated.files
        folders.make(path, {SPEC_FILE: spec_text, **files_of(state.saved_models), **own}, facts)
    elif ablated is not None or not facts["finished"]:
        check_members(state, path, facts)
    return facts, path


def _pool(workers: int, console: Console | None) -> Workers[Ended]:
    """Who trains the members; TensorFlow is loaded here, or in their processes while this one goes on."""
    from dlspec.tuning.workers.workers import Inline, Processes

    if console is not None:
        console.print("starting TensorFlow …", highlight=False)
    if workers > 1:
        return Processes(workers)
    from dlspec.backends.keras import starting
    from dlspec.tuning.workers.worker import quiet_retracing

    starting.start()
    quiet_retracing()
    return Inline()


class _Lines:
    """One line per member on stderr: what came of it, and the time that is left."""

    def __init__(self, running: Running, console: Console | None, workers: int) -> None:
        self._running, self._console, self._workers = running, console, workers

    def __call__(self, member: MemberFacts) -> None:
        """Reports a member that has ended."""
        if self._console is None:
            return
        from dlspec.tuning.studies.page import member_line

        facts = self._running.facts
        ended = [each for each in facts["members"] if each["status"] == "finished"]
        rest = sum(each["status"] == "waiting" for each in facts["members"])
        left = rest * sum(each["seconds"] for each in ended) / max(1, len(ended)) / self._workers
        line = member_line(member, facts["judged"], len(facts["members"]), left)
        self._console.print(line, highlight=False, soft_wrap=True, markup=False)
