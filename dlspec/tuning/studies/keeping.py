"""The member of a study that is kept: the best one, as a run of its own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import cast

from dlspec.components.methods.studies import Study as Declared
from dlspec.core.documents.reading import document_text, read_report
from dlspec.core.documents.report import REPORT_FILE, Report
from dlspec.core.documents.study import Study
from dlspec.core.errors import Problem
from dlspec.core.files import write_folder_atomically
from dlspec.data.checks.measures import smaller_is_better
from dlspec.passes.state import Trainable

_VALIDATION = "val_"


def best_member(state: Trainable, facts: Study) -> int:
    """The index of the best member, by the measure that compares epochs.

    Args:
        state: The checked spec.
        facts: What stands in ``study.json``; all members are finished.

    Raises:
        Problem: E546, no member measured it.
    """
    study, outputs = cast("Declared", state.method.study), tuple(state.outputs or ())
    measure = state.method.comparing(outputs, validated=True)
    name, part = measure.removeprefix(_VALIDATION), study.choosing_part
    sign = 1 if smaller_is_better(state.method, outputs, measure) else -1
    values = [member["measures"].get(part, {}).get(name) for member in facts["members"]]
    known = [(sign * value, index) for index, value in enumerate(values) if value is not None and value == value]
    if not known:
        message = f"no member measures `{name}` on its {part} split, which would choose the best one"
        raise Problem("E546", message, "write `keep: refit`")
    return min(known)[1]


def copied(member: Path, folder: Path, command: str) -> Report | None:
    """Copies the run of a member to another place, as a run of its own.

    Args:
        member: Its folder.
        folder: Where it goes; what is there already is such a copy.
        command: What to type to repeat it.

    Returns:
        Its report.
    """
    report, _ = read_report(member / REPORT_FILE)
    if report is not None and not folder.exists():
        spec_folder = (member / report["spec_folder"]).resolve()
        moved = {
            **report,
            "id": folder.name,
            "command": command,
            "spec_folder": Path(os.path.relpath(spec_folder, folder.resolve())).as_posix(),
        }

        def write(draft: Path) -> None:
            shutil.copytree(member, draft, ignore=shutil.ignore_patterns(".lock"), dirs_exist_ok=True)
            (draft / REPORT_FILE).write_text(document_text(moved), encoding="utf-8")

        write_folder_atomically(folder, write)
    return report
