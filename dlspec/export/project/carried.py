"""Functions and classes that projects carry: those of ``dlspec/standalone``, as they stand there."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.export.python.templates import Code

if TYPE_CHECKING:
    import jinja2

_STANDALONE = Path(__file__).resolve().parents[2] / "standalone"
# Modules of functions; the others hold one class each, which the emission of the model carries.
_MODULES = ("files", "mirrored", "oracle", "orders", "pictures", "settling", "sounds", "tables", "texts", "units")


def carried(
    body: str, templates: jinja2.Environment, facts: Mapping[str, Any], words: Collection[str] = ()
) -> list[Code]:
    """What `body` uses of them, and what that uses in turn.

    Args:
        body: A module without its imports.
        templates: In whose folder ``helpers`` a user may have others of the same names.
        facts: What such templates may show.
        words: Names that may be meant; all unless given.
    """
    others = {
        path.removeprefix("helpers/").removesuffix(".py.jinja"): path
        for path in templates.list_templates()
        if path.startswith("helpers/")
    }
    known = {**_definitions(), **others}
    found: dict[str, Code] = {}
    waiting = [word for word in used_names(body) if not words or word in words]
    while waiting:
        word = waiting.pop(0)
        if word in known and word not in found:
            own = templates.get_template(others[word]).render(facts).strip() if word in others else known[word]
            found[word] = Code(own)
            waiting += used_names(own)
    return list(found.values())


@cache
def _definitions() -> Mapping[str, str]:
    """The source of every function and class, by name."""
    found = {}
    for module in _MODULES:
        text = (_STANDALONE / f"{module}.py").read_text(encoding="utf-8")
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found[node.name] = ast.get_source_segment(text, node) or ""
    return found


def used_names(source: str) -> list[str]:
    """Names that a module loads, in their order."""
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)]
    nodes.sort(key=lambda node: (node.lineno, node.col_offset))
    return list(dict.fromkeys(node.id for node in nodes if isinstance(node.ctx, ast.Load)))
