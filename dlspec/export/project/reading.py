"""Functions of a generated project that read the data: one for each source, and one for each that it reads in turn."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dlspec.data.sources.base import Source, Table
from dlspec.export.python.syntax import Unsupported
from dlspec.export.python.templates import Code

if TYPE_CHECKING:
    import jinja2


@dataclass(frozen=True)
class Flags:
    """What the helpers of sources must be able to do.

    Attributes:
        resized: Whether images take a size.
        mask_values: Whether masks have values of their own for classes.
        mono: Whether the channels of sounds become one.
    """

    resized: bool
    mask_values: bool
    mono: bool

    @classmethod
    def of(cls, sources: Sequence[Source]) -> Flags:
        """The flags of a project.

        Raises:
            Unsupported: Two sources need other helpers of one name.
        """
        everything = [inner for source in sources for inner in _with_inner(source)]
        found = {
            cls(
                resized=bool(getattr(source, "size", None)),
                mask_values=bool(getattr(source, "values", None)),
                mono=getattr(source, "channels", None) == 1,
            )
            for source in everything
            if source.name.startswith(("image", "audio"))
        }
        if len(found) > 1:
            raise Unsupported("parts of a split whose images or sounds are read in different ways")
        return next(iter(found), cls(False, False, False))


def _with_inner(source: Source) -> Iterator[Source]:
    yield source
    inner = getattr(source, "table", None)
    if isinstance(inner, Source):
        yield from _with_inner(inner)


@dataclass
class Readers:
    """Writes the functions.

    Attributes:
        functions: Those written so far, each after what it calls.
        modules: Modules of the user's that they call, by name, with their text.
    """

    templates: jinja2.Environment
    flags: Flags
    functions: list[Code] = field(default_factory=list)
    modules: dict[str, str] = field(default_factory=dict)

    def add(self, function: str, source: Source, columns: Sequence[str], table: Table, *, groups: bool = False) -> Code:
        """Writes the function of one source.

        Args:
            function: Its name.
            columns: The columns that it returns.
            table: The opened source.
            groups: Whether the order of training asks for the row groups of the file.

        Returns:
            A call of it, in a function with the argument `folder`.

        Raises:
            Unsupported: There is no template for the source, or none for what it says.
        """
        facts = dict(source.emitted(columns, table))
        if "refused" in facts:
            raise Unsupported(facts["refused"])
        inner = {word: self.add(f"{function}_{word}", *nested) for word, nested in facts.pop("inner", {}).items()}
        self.modules |= facts.pop("modules", {})
        text = self.templates.get_template(template(self.templates, "sources", source.registered_name)).render(
            {
                "function": Code(function),
                "source": source,
                "columns": tuple(columns),
                "inner": inner,
                "parameter": Code("folder: Path" if any("(folder)" in call for call in inner.values()) else ""),
                "groups": groups,
                "lazy": table.streamed and bool(decoded(source)),
                **vars(self.flags),
                **facts,
            }
        )
        self.functions.append(Code(text.strip()))
        definition = next(node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef))
        return Code(f"{function}(folder)" if definition.args.args else f"{function}()")


def decoded(source: Source) -> tuple[str, ...]:
    """Columns of images, which are decoded batch by batch where they are too large for memory."""
    if source.name == "image_table":
        return (*source.images, *source.masks)  # type: ignore[attr-defined]
    return {"image_folder": ("image",), "image_masks": ("image", "mask")}.get(source.name, ())


def template(templates: jinja2.Environment, folder: str, word: str) -> Code:
    """The template of a source or splitter.

    Raises:
        Unsupported: There is none.
    """
    path = f"{folder}/{word}.py.jinja"
    if path not in templates.list_templates():
        raise Unsupported(f"the {folder.removesuffix('s')} `{word}`")
    return Code(path)


def helpers(body: str, templates: jinja2.Environment, facts: dict[str, Any]) -> list[Code]:
    """The helper functions that `body` calls, and those that they call; a template each in ``helpers/``."""
    known = {
        path.removeprefix("helpers/").removesuffix(".py.jinja"): path
        for path in templates.list_templates()
        if path.startswith("helpers/")
    }
    found: dict[str, Code] = {}
    waiting = _called(body)
    while waiting:
        word = waiting.pop(0)
        if word in known and word not in found:
            found[word] = Code(templates.get_template(known[word]).render(facts).strip())
            waiting += _called(found[word])
    return list(found.values())


def _called(source: str) -> list[str]:
    """Names that a module loads, in their order."""
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)]
    nodes.sort(key=lambda node: (node.lineno, node.col_offset))
    return list(dict.fromkeys(node.id for node in nodes if isinstance(node.ctx, ast.Load)))
