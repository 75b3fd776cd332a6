"""Templates and the one filter through which every value goes into them."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.core import resources
from dlspec.core.pieces import Piece
from dlspec.export.python.syntax import constant, sequence, text

if TYPE_CHECKING:
    import jinja2


class Code(str):
    """Python source that was made from a syntax tree, or written by us: it may stand in a template as it is."""


def escaped(value: Any) -> str:
    """A value as text of generated code: code stays, everything else becomes a Python literal.

    Dictionaries that hold code have a line for each entry.
    """
    if isinstance(value, Code):
        return str(value)
    if isinstance(value, Piece):
        return value.pattern.format(*map(escaped, value.values))
    if isinstance(value, dict) and any(isinstance(entry, Code | Piece) for entry in value.values()):
        return "{" + "".join(f"{escaped(key)}: {escaped(entry)}, " for key, entry in value.items()) + "}"
    return text(constant(value))


def identifier(value: str) -> Code:
    """A word of ours that becomes part of a name."""
    if not value.isidentifier() or not value.isascii():
        raise ValueError(f"{value!r} is no identifier")
    return Code(value)


def listed(values: Iterable[Any]) -> Code:
    """Values as a Python list."""
    return Code(text(sequence([constant(value) for value in values], as_list=True)))


def environment(template_dir: Path | None) -> jinja2.Environment:
    """Templates of the user's folder before our own.

    Names that a template uses and nobody gives are errors, values can only be read, and each goes through
    :func:`escaped`.
    """
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Template(jinja2.Template):
        """A template whose errors are all reported as mistakes of the template."""

        def render(self, *values: Any, **named: Any) -> str:
            try:
                return super().render(*values, **named)
            except jinja2.TemplateError:
                raise
            except Exception as error:
                raise jinja2.TemplateRuntimeError(f"{type(error).__name__}: {error}") from error

    class Loader(jinja2.FileSystemLoader):
        """Text that is not UTF-8 is the template's mistake too."""

        def get_source(self, environment: jinja2.Environment, template: str) -> Any:
            try:
                return super().get_source(environment, template)
            except UnicodeDecodeError as error:
                raise jinja2.TemplateSyntaxError("the file is not UTF-8", 1, template, template) from error

    def finalize(value: Any) -> str:
        return str(value) if isinstance(value, jinja2.Undefined) else escaped(value)  # the former raises

    folders = [*([template_dir] if template_dir is not None else []), resources.folder("templates") / "python"]
    templates = ImmutableSandboxedEnvironment(
        loader=Loader(folders),
        undefined=jinja2.StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.template_class = Template
    templates.filters["identifier"] = identifier
    templates.filters["listed"] = listed
    return templates


def replaced(template_dir: Path) -> list[str]:
    """The templates of ours that a folder replaces."""
    ours = resources.folder("templates") / "python"
    names = (path.relative_to(template_dir) for path in sorted(template_dir.rglob("*.jinja")))
    return [name.as_posix() for name in names if (ours / name).is_file()]


def mistake(error: Exception, template_dir: Path | None) -> str:
    """A sentence on an error in a user's template, with its file and line where they are known.

    Args:
        error: A ``jinja2.TemplateError``, or :class:`dlspec.export.python.guard.Refused` for what templates have made.
        template_dir: The user's folder.
    """
    import jinja2

    location = str(template_dir)
    if isinstance(error, jinja2.TemplateSyntaxError):
        location = f"{error.filename or template_dir}, line {error.lineno}"
    elif isinstance(error, jinja2.TemplateNotFound):
        return f"a template of {template_dir} takes in `{error.name}`, which does not exist"
    elif not isinstance(error, jinja2.TemplateError):
        return f"what the templates of {template_dir} write is refused: {error}"
    cause: BaseException | None = error
    while cause is not None:
        for frame in traceback.extract_tb(cause.__traceback__):
            if frame.filename.endswith(".jinja"):
                location = f"{frame.filename}, line {frame.lineno}"
        cause = cause.__cause__
    return f"{location}: {getattr(error, 'message', None) or error}"
