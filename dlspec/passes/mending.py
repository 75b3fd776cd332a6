"""A spec with the changes made that the helps of its problems name, as often as that leads to further ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from dlspec.core.errors import Diagnostic, Edit
from dlspec.core.workspace import Workspace
from dlspec.passes import Compilation, compile_spec
from dlspec.semantics.edits import applied
from dlspec.syntax.comments import comments_of

# A change may show the next mistake; a spec that still has some to mend after so many rounds is left as it is then.
ROUNDS = 20


@dataclass
class Mended:
    """What came of a spec.

    Attributes:
        state: The compilation of the spec as it is now.
        texts: Texts of the files that changed, by path; nothing is written yet.
        count: Problems that were mended.
    """

    state: Compilation
    texts: dict[Path, str] = field(default_factory=dict)
    count: int = 0


def mended(spec: Path, overrides: tuple[str, ...], workspace: Workspace, unsafe: bool = False) -> Mended:
    """Makes the safe changes; of files that the spec extends, too.

    A change stays where the problem is gone after it, all comments are there, and the file is YAML as before.

    Args:
        workspace: Its texts are what is changed; where it has none, those of the files.
        unsafe: Whether changes are made as well that somebody should look at.
    """
    result = Mended(compile_spec(spec, overrides, workspace))
    refused: set[tuple[str, str]] = set()
    for _ in range(ROUNDS):
        problems = [item for item in _with_edits(result.state, unsafe) if (item.code, item.message) not in refused]
        if not problems:
            break
        if _made(result, problems, workspace):
            continue
        for item in problems:  # one of them does not do what it should
            if _made(result, [item], workspace):
                break
            refused.add((item.code, item.message))
    return result


def _with_edits(state: Compilation, unsafe: bool) -> list[Diagnostic]:
    return [item for item in state.diagnostics.sorted() if item.edits and (unsafe or all(e.safe for e in item.edits))]


def _made(result: Mended, problems: Sequence[Diagnostic], workspace: Workspace) -> bool:
    """Whether the changes of these problems could be made; they are then."""
    before = result.state
    edits: dict[str, list[Edit]] = {}
    for item in problems:
        for edit in item.edits:
            edits.setdefault(edit.span.file, []).append(edit)
    texts = {name: applied(before.texts[name], changes) for name, changes in edits.items()}
    if any(_lost_comments(before.texts[name], text) for name, text in texts.items()):
        return False
    paths = {Path(name): text for name, text in texts.items()}
    unsaved: Mapping[Path, str] = {**workspace.texts, **result.texts, **paths}
    after = compile_spec(before.path, before.overrides, replace(workspace, texts=unsaved))
    if not _is_better(before, after, problems):
        return False
    result.state, result.count = after, result.count + len(problems)
    result.texts.update(paths)
    return True


def _lost_comments(before: str, after: str) -> bool:
    written = Counter(comment.text for comment in comments_of(before))
    return bool(written - Counter(comment.text for comment in comments_of(after)))


def _is_better(before: Compilation, after: Compilation, problems: Sequence[Diagnostic]) -> bool:
    """Whether none of the problems is left, and the texts are YAML."""
    left = _counted(before.diagnostics.items) - _counted(problems)
    now = _counted(after.diagnostics.items)
    broken = _broken(after) - _broken(before)
    return not broken and all(now[key] <= left[key] for key in _counted(problems))


def _counted(items: Sequence[Diagnostic]) -> Counter[tuple[str, str]]:
    return Counter((item.code, item.message) for item in items)


def _broken(state: Compilation) -> Counter[str]:
    return Counter(item.code for item in state.diagnostics.items if item.code.startswith("Y"))
