"""Frames of the functions and classes of generated projects: each is rendered once, and holds what is decided here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from dlspec.core.pieces import Piece, call
from dlspec.export.python.templates import Code, escaped

if TYPE_CHECKING:
    import jinja2


def framed(templates: jinja2.Environment, name: str, **facts: Any) -> Code:
    """A definition: the template ``<name>.py.jinja`` with some facts."""
    return Code(templates.get_template(f"{name}.py.jinja").render(facts).strip("\n"))


def script(templates: jinja2.Environment, title: str, definitions: Iterable[Code], start: Iterable[Piece]) -> str:
    """A module that is run; its imports are added later.

    Args:
        title: Its docstring.
        definitions: Functions and classes.
        start: Statements that begin it.
    """
    facts = {"title": Code(title), "imports": Code(""), "definitions": [*definitions], "start": [*start]}
    return templates.get_template("script.py.jinja").render(facts)


def option(flag: str, kind: str, default: Any, help: str | Code, **more: Any) -> Piece:
    """An option of the command line: ``parser.add_argument("--seed", type=int, default=0, help="…")``.

    Args:
        kind: The name of its type; "" for yes and no.
    """
    how = {"type": Code(kind)} if kind else {"action": Code("argparse.BooleanOptionalAction")}
    return call("parser.add_argument", flag, **how, default=default, **more, help=help)


def folder_options(data: str | None) -> list[Piece]:
    """The options for the folders that every script has.

    Args:
        data: Where the data are, seen from the project; None where no file is read.
    """
    options = [option("--output", "Path", Piece("Path('output')"), "folder of what is written")]
    if data is not None:
        default = Piece("Path(__file__).parent / {}", data)
        options.insert(0, option("--data", "Path", default, "folder of the data"))
    return options


def lines_of(pieces: Iterable[Piece]) -> str:
    """Statements as text."""
    return "\n".join(map(escaped, pieces))


def indented(pieces: Iterable[Piece]) -> list[Piece]:
    """The statements, indented by one level."""
    return [Piece("    {}", piece) for piece in pieces]


def strategy(devices: int | None) -> Piece:
    """Keras's training on several devices of one machine; None for all GPUs."""
    return Piece("tf.distribute.MirroredStrategy({})", Code("") if devices is None else Piece("devices({})", devices))
