"""Functions and classes that projects carry: those of ``dlspec/standalone``, as they stand there."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from dlspec.export.python.imports import used_names
from dlspec.export.python.templates import Code

if TYPE_CHECKING:
    import jinja2

_STANDALONE = Path(__file__).resolve().parents[2] / "standalone"
# Modules of functions; the others hold one class each, which the emission of the model carries.
_MODULES = (
    "between_epochs", "changing", "draws", "files", "first_indices", "generating", "made", "mirrored", "oracle",
    "orders", "phases", "pictures", "preparing", "searching", "settling", "several", "sounds", "tables", "texts",
    "turns", "units", "weighed", "writing",
)  # fmt: skip


def carried(written: Iterable[str], templates: jinja2.Environment, allowed: Collection[str] = ()) -> list[Code]:
    """Definitions that some code uses, and those that these use in turn.

    Args:
        written: Source of the definitions.
        templates: In whose folder ``helpers`` a user may have others of the same names.
        allowed: Names that may be meant; all unless given.
    """
    others = {
        path.removeprefix("helpers/").removesuffix(".py.jinja"): path
        for path in templates.list_templates()
        if path.startswith("helpers/")
    }
    known = {**_definitions(), **others}
    definitions: dict[str, Code] = {}
    waiting = [name for name in used_names("\n".join(written)) if not allowed or name in allowed]
    while waiting:
        name = waiting.pop(0)
        if name in known and name not in definitions:
            own = templates.get_template(others[name]).render().strip() if name in others else known[name]
            definitions[name] = Code(own)
            waiting += used_names(own)
    return list(definitions.values())


def standalone(module: str) -> str:
    """The text of a module that projects carry as a whole."""
    return (_STANDALONE / f"{module}.py").read_text(encoding="utf-8")


def in_order(definitions: Iterable[Code]) -> list[Code]:
    """Definitions in the order in which they stand in their modules: what stands above, others may be built upon."""
    places = {source: number for number, source in enumerate(_definitions().values())}
    return sorted(definitions, key=lambda source: places.get(source, len(places)))


@cache
def _definitions() -> Mapping[str, str]:
    """The source of every function, class and constant, by name."""
    definitions = {}
    for module in _MODULES:
        text = standalone(module)
        lines = text.splitlines()
        for node in ast.parse(text).body:
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                definitions[node.name] = "\n".join(lines[first - 1 : node.end_lineno])
            elif isinstance(target, ast.Name) and target.id.isupper():  # and no type, which each module names itself
                definitions[target.id] = ast.get_source_segment(text, node) or ""
    return definitions
