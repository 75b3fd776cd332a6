"""``dlspec explain``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from dlspec.cli.helping import helped
from dlspec.cli.output import print_document, print_painted, print_text, wants_colour

if TYPE_CHECKING:
    from dlspec.core.documents.printed import CodeEntry


def _codes(_context: click.Context, _parameter: click.Parameter, written: str) -> list[str]:
    """Codes that begin so, for shells."""
    from dlspec.core.codes import CODES

    return [code for code in CODES if code.startswith(written.upper())]


@helped(
    "Write a spec",
    "Explain a code: its rule, a wrong and a right example",
    """
    dlspec explain E402
    dlspec explain                       # all codes
    """,
)
@click.argument("code", required=False, shell_complete=_codes)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Form of the answer.")
def command(code: str | None, form: str) -> None:
    """Explain a diagnostic: its rule, a wrong and a right example.

    Without CODE, list all codes.
    """
    from dlspec.core.codes import CODES

    if code is None:
        if form == "json":
            print_document({"codes": [_entry(name) for name in CODES]})
        else:
            print_text(_catalogue())
        return
    name = code.upper()
    if name not in CODES:
        raise click.UsageError(f"no such code `{code}`; {_meant(name)}")
    if form == "text":
        print_painted(_explanation(name, wants_colour(sys.stdout)))
    else:
        print_document(_entry(name))


def _meant(name: str) -> str:
    from dlspec.core.codes import CODES
    from dlspec.core.errors import did_you_mean, suggestions

    if suggestions(name, CODES):
        return did_you_mean(name, CODES)
    return "`dlspec explain` lists all codes; `dlspec importance RUN` tells which columns matter to a model"


def _entry(name: str) -> CodeEntry:
    from dlspec.core.codes import CODES, family

    entry = CODES[name]
    return {
        "code": name,
        "family": family(name),
        "title": entry.title,
        "rule": entry.rule,
        "wrong": entry.wrong,
        "right": entry.right,
        "scene": entry.scene,
    }


def _catalogue() -> str:
    from dlspec.core.codes import CODES, FAMILIES, family

    lines: list[str] = []
    for title in FAMILIES.values():
        lines += [title, *(f"  {name}  {entry.title}" for name, entry in CODES.items() if family(name) == title), ""]
    return "\n".join([*lines, "`dlspec explain CODE` tells the rule, with a wrong and a right example."])


def _explanation(name: str, colour: bool) -> str:
    from textwrap import fill, indent

    from dlspec.core.codes import CODES
    from dlspec.core.terminal import printable

    def head(text: str, style: str) -> str:
        return click.style(text, fg=style, bold=True) if colour else text

    def example(text: str) -> str:
        return indent("\n".join(printable(line) for line in text.split("\n")), "    ")

    entry = CODES[name]
    parts = [head(f"{name}: {entry.title}", "blue"), fill(entry.rule, 88, break_on_hyphens=False)]
    if entry.scene:
        parts.append(head("For example:", "red") + "\n" + example(entry.scene))
    else:
        parts.append(head("Wrong:", "red") + "\n" + example(entry.wrong))
        parts.append(head("Right:", "green") + "\n" + example(entry.right))
    return "\n\n".join(parts)
