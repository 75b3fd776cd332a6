"""Functions of a generated project that read the data: one for each source, and one for each that it reads in turn."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dlspec.data.sources.base import Source, Table
from dlspec.export.python.syntax import Unsupported
from dlspec.export.python.templates import Code

if TYPE_CHECKING:
    import jinja2


@dataclass
class Readers:
    """Writes the functions.

    Attributes:
        functions: Those written so far, each after what it calls.
        modules: Modules of the user's that they call, by name, with their text.
    """

    templates: jinja2.Environment
    functions: list[Code] = field(default_factory=list)
    modules: dict[str, str] = field(default_factory=dict)

    def add(self, function: str, source: Source, columns: Sequence[str], table: Table) -> Code:
        """Writes the function of one source.

        Args:
            function: Its name.
            columns: The columns that it returns.
            table: The opened source.

        Returns:
            A call of it, in a function with the argument `folder`.

        Raises:
            Unsupported: There is no template for the source, or none for what it says.
        """
        facts = dict(source.emitted(columns, table))
        if "refused" in facts:
            raise Unsupported(facts["refused"])
        inner = {part: self.add(f"{function}_{part}", *nested) for part, nested in facts.pop("inner", {}).items()}
        self.modules |= facts.pop("modules", {})
        text = self.templates.get_template(template(self.templates, "sources", source.registered_name)).render(
            {
                "function": Code(function),
                "source": source,
                "columns": tuple(columns),
                "inner": inner,
                "parameter": Code("folder: Path" if any("(folder)" in call for call in inner.values()) else ""),
                **facts,
            }
        )
        self.functions.append(Code(text.strip()))
        definition = next(node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef))
        return Code(f"{function}(folder)" if definition.args.args else f"{function}()")


def template(templates: jinja2.Environment, folder: str, name: str) -> Code:
    """The template of a source or splitter.

    Raises:
        Unsupported: There is none.
    """
    path = f"{folder}/{name}.py.jinja"
    if path not in templates.list_templates():
        raise Unsupported(f"the {folder.removesuffix('s')} `{name}`")
    return Code(path)
