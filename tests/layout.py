"""The layout of the package: its folders from the ground up, and the documents that list them.

``python -m tests.layout`` writes the lists in ``CONTRIBUTING.md`` and ``docs/architecture.md`` anew, from
:data:`FLOORS`, the first sentence of each folder's ``__init__.py`` and the imports as they are.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

from tests.support import ROOT

PACKAGE = ROOT / "dlspec"

# From the ground up: a module may import those of its own folder and of every folder before it.
FLOORS = (
    "core",
    "core.codes",
    "core.documents",
    "standalone",
    "keras_layers",
    "syntax",
    "components",
    "components.registry",
    "components.layers",
    "components.training",
    "components.ops",
    "components.own",
    "components.sections",
    "components.methods",
    "semantics.schema",
    "semantics",
    "graph.lower",
    "graph",
    "backends",
    "backends.keras",
    "backends.importing",
    "backends.importing.onnx",
    "data",
    "data.sources",
    "data.order",
    "data.binding",
    "data.checks",
    "data.feeding",
    "data.preview",
    "passes",
    "drafting.models",
    "drafting",
    "views.drawing",
    "views",
    "views.editing",
    "views.figures",
    "views.pages",
    "training.run",
    "training.loop",
    "training",
    "tuning",
    "tuning.plan",
    "tuning.workers",
    "tuning.search",
    "tuning.ablation",
    "tuning.studies",
    "export",
    "export.python",
    "export.formats",
    "export.project",
    "cli",
    "cli.editor",
    "cli.serving",
    "cli.daemon",
    "cli.commands",
    "api",
)
_MARK = re.compile(r"(<!-- folders: [^\n]*-->\n\n).*?(\n\n<!-- end -->)", re.DOTALL)


def modules() -> dict[str, Path]:
    """Dotted name below ``dlspec`` of every module of the package, and its file."""
    files = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name:
            files[name] = path
    return files


@cache
def imports(path: Path, without_types: frozenset[str] = frozenset()) -> list[tuple[str, bool]]:
    """Every module that a file imports, and whether at its top level.

    Args:
        without_types: Packages whose imports for type checking alone do not count.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = {id(node) for node in tree.body}
    checking = [node for node in tree.body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)]
    typing_only = {id(inner) for node in checking for inner in ast.walk(node)}
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [(alias.name, id(node) in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            if id(node) in typing_only and node.module.split(".")[0] in without_types:
                continue
            names += [(f"{node.module}.{alias.name}", id(node) in top) for alias in node.names]
    return names


def imported(path: Path, known: dict[str, Path]) -> dict[str, bool]:
    """The modules of dlspec (dotted, below ``dlspec``) that a file imports, and whether at its top level."""
    targets: dict[str, bool] = {}
    for name, top in imports(path):
        if name.startswith("dlspec."):
            target = name.removeprefix("dlspec.")
            target = target if target in known else target.rpartition(".")[0]
            if target:
                targets[target] = targets.get(target, False) or top
    return targets


def folder(module: str) -> str:
    """The folder of a module, dotted, below ``dlspec``; ``cli`` for ``__main__``."""
    if module == "__main__":
        return "cli"
    return module if (PACKAGE / module.replace(".", "/")).is_dir() else module.rpartition(".")[0]


def room(module: str) -> str:
    """The topmost folder of a module."""
    return folder(module).split(".")[0]


def purpose(name: str) -> str:
    """The first sentence of the docstring of a folder's package, without its full stop."""
    tree = ast.parse((PACKAGE / name.replace(".", "/") / "__init__.py").read_text(encoding="utf-8"))
    return (ast.get_docstring(tree) or "").split("\n\n")[0].replace("\n", " ").replace("``", "`").removesuffix(".")


@cache
def rooms() -> dict[str, set[str]]:
    """Each topmost folder, from the ground up, and those that it imports from."""
    known = modules()
    arrows: dict[str, set[str]] = {name.split(".")[0]: set() for name in FLOORS}
    for module, path in known.items():
        arrows[room(module)] |= {room(target) for target in imported(path, known)} - {room(module)}
    return arrows


def listed() -> str:
    """The folders from the ground up as a Markdown list."""
    return "\n".join(f"{number}. **`{name}`** — {purpose(name)}." for number, name in enumerate(FLOORS, 1))


def drawn() -> str:
    """The topmost folders as a Markdown table: what each holds, and from which it imports."""
    rows = ["| Folder | Holds | Imports from |", "|---|---|---|"]
    for name, targets in rooms().items():
        below = ", ".join(f"`{target}`" for target in rooms() if target in targets)
        rows.append(f"| `{name}/` | {purpose(name)} | {below} |")
    return "\n".join(rows)


DOCUMENTS = {"CONTRIBUTING.md": listed, "docs/architecture.md": drawn}


def renewed(document: str) -> str:
    """The text of a document with its list of folders as it should be."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return _MARK.sub(lambda match: match.group(1) + DOCUMENTS[document]() + match.group(2), text)


if __name__ == "__main__":
    for document in DOCUMENTS:
        (ROOT / document).write_text(renewed(document), encoding="utf-8")
