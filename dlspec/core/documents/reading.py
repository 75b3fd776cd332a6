"""Documents on the disk: one way to write them, and one to read them, whoever changed them meanwhile."""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

from dlspec.core.documents.notes import NOTES_FILE, Notes
from dlspec.core.documents.report import Report, TargetFacts
from dlspec.core.documents.results import Verdict
from dlspec.core.documents.schema import differences
from dlspec.core.documents.search import Search
from dlspec.core.documents.study import Study
from dlspec.core.files import read_json

D = TypeVar("D")
# What readers rely on; an earlier version may not have written other keys.
_WHOLE = frozenset({TargetFacts, Verdict})
# Keys of a report that lists show, and the largest report that they read, in bytes.
_HEAD = ("status", "name", "epochs", "best", "metrics", "seconds", "started")
_LARGEST = 1 << 25


def document_text(document: Mapping[str, Any] | Sequence[Any]) -> str:
    """A document as JSON; a number that JSON cannot write becomes null."""
    return json.dumps(_finite(document), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not float("-inf") < value < float("inf") else value


def read_report(path: Path) -> tuple[Report | None, str]:
    """``report.json`` of a run. See :func:`_read`."""
    return _read(path, Report)


def read_head(path: Path) -> Report | None:
    """What a list shows of ``report.json``; None where there is none of which that can be used.

    The rest of the file is not looked at: thousands of them are read for one list.
    """
    try:
        status = path.stat()
        document = read_json(path) if stat.S_ISREG(status.st_mode) and status.st_size <= _LARGEST else None
    except (OSError, ValueError):
        return None
    if not isinstance(document, dict):
        return None
    head = {key: document[key] for key in _HEAD if key in document}
    results = document.get("results")
    if isinstance(results, dict) and "verdicts" in results:
        head["results"] = {"verdicts": results["verdicts"]}
    return cast("Report", head) if next(differences(head, Report, _WHOLE), None) is None else None


def read_notes(folder: Path) -> Notes:
    """What a person says of a folder; nothing where the file is missing, or none of ours."""
    path = folder / NOTES_FILE
    notes = _read(path, Notes)[0] if path.is_file() else None
    return {"tags": notes.get("tags", []) if notes else [], "note": notes.get("note", "") if notes else ""}


def read_search(path: Path) -> tuple[Search | None, str]:
    """``search.json`` of a search. See :func:`_read`."""
    return _read(path, Search)


def read_study(path: Path) -> tuple[Study | None, str]:
    """``study.json`` of a study. See :func:`_read`."""
    return _read(path, Study)


def _read(path: Path, kind: type[D]) -> tuple[D | None, str]:
    """A document, and what is wrong with it.

    Returns:
        None where there is no such file, or none that can be used; and then a sentence, "" where there is no file.
        Keys that an earlier version did not write are lacking.
    """
    try:
        document = read_json(path)
    except FileNotFoundError:
        return None, ""
    except (OSError, ValueError) as error:
        return None, f"`{path.name}` cannot be read: {error}"
    difference = next(differences(document, kind, _WHOLE), None)
    if difference is None:
        return cast("D", document), ""
    wrong = f": `{difference}` is not as it was written" if difference else ""
    return None, f"`{path.name}` is no {path.stem} of dlspec{wrong}"
