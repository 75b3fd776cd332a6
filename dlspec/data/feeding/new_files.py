"""The source that reads a file of new examples."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from dlspec.components import registry
from dlspec.data.sources.base import DataProblem, Source

_JSON = (".json", ".jsonl", ".ndjson")
_PACKED = (".gz", ".zst", ".bz2")


def _readers() -> dict[str, type[Source]]:
    """The source that reads files of each ending."""
    owners = [_source(name) for name in registry.names("source")]
    return {suffix: owner for owner in owners if owner is not None for suffix in owner.suffixes}


def _source(name: str) -> type[Source] | None:
    return cast("type[Source] | None", registry.find("source", name))


def _ending(path: Path, readers: Mapping[str, type[Source]]) -> str:
    """Suffix of a file; `.csv` also for `.csv.gz`, where the source of such files unpacks them."""
    inner = Path(path.stem).suffix.lower()
    owner = readers.get(inner) if path.suffix.lower() in _PACKED else None
    return inner if owner is not None and owner.unpacks else path.suffix.lower()


def source_for(path: Path, like: Source) -> Source | None:
    """A source that reads `path`, with the options of the source `like` where both have one format; None for JSON.

    Raises:
        DataProblem: E601, nothing reads such a file.
    """
    inner = getattr(like, like.inner)
    if inner is not None and (not path.is_dir() or like.table is None):  # images, windows, partners: another table
        table = source_for(path, inner)
        return type(like)(**{**like.given, like.inner: table}) if table is not None else None
    readers = _readers()
    suffix = _ending(path, readers)
    owner = readers.get(suffix)
    if path.is_dir():
        owner = _source(like.for_folders)
    elif "path" in like.fields and not like.suffixes:
        owner = owner or type(like)  # text_lines and the like take any file
    if path.suffix.lower() in _JSON and suffix not in like.suffixes:
        return None
    if owner is None:
        known = ", ".join(dict.fromkeys([*readers, *_JSON]))
        raise DataProblem("E601", f"nothing reads files such as `{path.name}`", f"take one of {known}, or a folder")
    # The types of the columns are those of the training, which need not be stated for columns that are not there.
    own = {"path", "texts"}
    given = {option: value for option, value in like.given.items() if option in owner.fields and option not in own}
    if suffix == ".tsv":
        given["delimiter"] = "\t"
    return owner(path=str(path), **given)
