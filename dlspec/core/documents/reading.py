"""Documents on the disk: one way to write them, and one to read them, whoever changed them meanwhile."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

from dlspec.core.documents.report import Report, TargetFacts
from dlspec.core.documents.results import Verdict
from dlspec.core.documents.schema import differences
from dlspec.core.documents.search import Search
from dlspec.core.documents.study import Study
from dlspec.core.files import read_json

D = TypeVar("D")
# What readers rely on; an earlier version may not have written other keys.
_WHOLE = frozenset({TargetFacts, Verdict})


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
