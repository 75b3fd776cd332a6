"""Templates and the one filter through which every value goes into them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec import resources
from dlspec.emit.syntax import constant, text

if TYPE_CHECKING:
    import jinja2


class Code(str):
    """Python source that was made from a syntax tree, or written by us: it may stand in a template as it is."""


def escaped(value: Any) -> str:
    """What a value becomes in generated text: code stays, everything else becomes a Python literal."""
    if isinstance(value, Code):
        return str(value)
    return text(constant(value))


def identifier(value: str) -> Code:
    """A word of ours that becomes part of a name."""
    if not value.isidentifier() or not value.isascii():
        raise ValueError(f"{value!r} is no identifier")
    return Code(value)


def environment(template_dir: Path | None) -> jinja2.Environment:
    """Templates of the user's folder before our own.

    Names that a template uses and nobody gives are errors, values can only be read, and each goes through
    :func:`escaped`.
    """
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    folders = [*([template_dir] if template_dir is not None else []), resources.folder("templates") / "python"]
    templates = ImmutableSandboxedEnvironment(
        loader=jinja2.FileSystemLoader(folders),
        undefined=jinja2.StrictUndefined,
        finalize=escaped,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.filters["identifier"] = identifier
    return templates
