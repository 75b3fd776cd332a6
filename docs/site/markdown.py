"""Markdown as GitHub reads it → as MkDocs does: anchors, links that leave `docs/`, words behind fences, lists."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

# Files of the repository that are pages of the site, by their path.
PAGES = {
    "README.md": "overview.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "LICENSE": "license.md",
    "docs/decisions": "decisions/index.md",
}
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^( *)(```+|~~~+)(\w*)([^\n]*)$")
_FILE = re.compile(r" *# ([a-z0-9_]+\.(?:yaml|py))$")
_ITEM = re.compile(r"( *)([-*]|\d+\.) ")


def anchor(heading: str, separator: str = "-") -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", separator)


def repository_pages(root: Path) -> dict[str, str]:
    """Pages out of files that stand elsewhere in the repository, and a list of the decisions."""
    pages = {PAGES[name]: (root / name).read_text(encoding="utf-8") for name in ("CONTRIBUTING.md", "CHANGELOG.md")}
    readme = (root / "README.md").read_text(encoding="utf-8")
    pages[PAGES["README.md"]] = readme.replace("# dlspec\n", "# dlspec on one page\n", 1)
    licence = (root / "LICENSE").read_text(encoding="utf-8").strip("\n")
    pages[PAGES["LICENSE"]] = f"# Licence\n\n```text\n{licence}\n```\n"
    decisions = sorted((root / "docs" / "decisions").glob("*.md"))
    listed = "\n".join(f"- [{_title(path)}]({path.name})" for path in decisions)
    pages[PAGES["docs/decisions"]] = f"# Decisions\n\nChoices that are costly to undo, and their reasons.\n\n{listed}\n"
    return pages


def _title(path: Path) -> str:
    return path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")


def converted(text: str, page: str, root: Path) -> str:
    """A page in the form that MkDocs reads.

    Args:
        page: Its path in the site.
        root: The repository.
    """
    source = next((file for file, target in PAGES.items() if target == page and file.endswith(".md")), f"docs/{page}")
    written = ""
    for fenced, lines in groupby(_with_fences(_lists(text.splitlines())), key=lambda item: item[1]):
        piece = "".join(f"{line}\n" for line, _ in lines)
        written += piece if fenced else _LINK.sub(lambda match: _link(match, source, page, root), piece)
    return written


def _link(match: re.Match[str], source: str, page: str, root: Path) -> str:
    """A link of a file of the repository as a link of the site; only its text where it leads to no page."""
    text, target = match.groups()
    if "://" in target or target.startswith(("#", "mailto:")):
        return match[0]
    path, mark, fragment = target.partition("#")
    there = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    if there in PAGES:
        goal = PAGES[there]
    elif there.startswith("docs/"):
        goal = there.removeprefix("docs/")
    elif (root / there).exists():
        return text
    else:
        return match[0]
    return f"[{text}]({posixpath.relpath(goal, posixpath.dirname(page) or '.')}{mark}{fragment})"


def _with_fences(lines: list[str]) -> Iterator[tuple[str, bool]]:
    """Each line, and whether it is code; the words that say how a block is tested are left out."""
    open_fence = ""
    pending: list[str] = []
    for line in lines:
        match = _FENCE.match(line)
        if pending and match is None:  # the first line of a block may name the file that it is
            file = _FILE.match(line)
            yield pending[0] + (f' title="{file[1]}"' if file else ""), True
            pending = []
            if file:
                continue
        if match and not open_fence:
            open_fence = match[2]
            pending = [f"{match[1]}{match[2]}{_LANGUAGES.get(match[3], match[3])}"]
            continue
        if pending:
            yield pending.pop(), True
        if match and line.strip() == open_fence:
            open_fence = ""
            yield line, True
            continue
        yield line, bool(open_fence)


_LANGUAGES = {"": "text", "jsonl": "json"}


def _lists(lines: list[str]) -> list[str]:
    """Lists begin after an empty line, and what belongs to an item is indented by four spaces a level."""
    written: list[str] = []
    inside, fence = False, ""
    for line in lines:
        match = _FENCE.match(line)
        if fence and not inside:
            fence = "" if match and line.strip() == fence else fence
            written.append(line)
            continue
        if match and not inside:
            fence = match[2]
        item = _ITEM.match(line)
        if item and not item[1]:
            if not inside and written and written[-1].strip():
                written.append("")
            inside = True
        elif inside and line.strip() and not line.startswith(" "):
            inside = not match and bool(written[-1].strip())  # a paragraph's line that was not indented
            if match:
                fence = match[2]
        written.append(_deeper(line) if inside else line)
    return written


def _deeper(line: str) -> str:
    depth = len(line) - len(line.lstrip(" "))
    return " " * (4 * ((depth + 1) // 2) if depth <= 3 else 2 * depth) + line[depth:]
