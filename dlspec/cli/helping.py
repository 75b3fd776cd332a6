"""Help of the commands: what they are for in one line, by purpose, and examples before options."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Literal

import click

Purpose = Literal["Begin", "Write a spec", "Train", "Look at a run", "Use a model"]
PURPOSES: tuple[Purpose, ...] = ("Begin", "Write a spec", "Train", "Look at a run", "Use a model")
# Columns of a terminal for which all help is written.
WIDTH = 80


class Command(click.Command):
    """A command with a purpose and examples."""

    def __init__(self, *arguments: Any, purpose: Purpose, examples: Sequence[tuple[str, str]], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.purpose = purpose
        self.examples = tuple(examples)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The first paragraph, then the examples, then the others."""
        first, _, rest = inspect.cleandoc(self.help or "").partition("\n\n")
        with formatter.indentation():
            formatter.write_paragraph()
            formatter.write_text(first)
        if self.examples:
            with formatter.section("Examples"):
                _write_examples(formatter, self.examples)
        if rest:
            with formatter.indentation():
                formatter.write_paragraph()
                formatter.write_text(rest)


class Group(Command, click.Group):
    """A command with commands of its own."""


def _write_examples(formatter: click.HelpFormatter, examples: Sequence[tuple[str, str]]) -> None:
    """Commands with what they do behind them, or below where the line would be too long."""
    width = max(len(line) for line, _ in examples)
    for line, what in examples:
        if formatter.current_indent + width + 2 + max(len(text) for _, text in examples) <= WIDTH:
            formatter.write(f"{'':{formatter.current_indent}}{line:{width}}  {what}".rstrip() + "\n")
        else:
            formatter.write(f"{'':{formatter.current_indent}}{line}\n")
            if what:
                formatter.write(f"{'':{formatter.current_indent + 4}}{what}\n")


def helped(
    purpose: Purpose, summary: str, examples: str = "", cls: type[Command] = Command
) -> Callable[[Callable[..., Any]], Command]:
    """A decorator that makes a command of a function.

    Args:
        purpose: Under which heading `dlspec --help` lists it.
        summary: What it does, in at most 60 characters.
        examples: Lines of ``command # what it does``.
        cls: The class of the command.
    """
    return click.command(cls=cls, short_help=summary, purpose=purpose, examples=_pairs(examples))


def helped_group(purpose: Purpose, summary: str, examples: str) -> Callable[[Callable[..., Any]], Group]:
    """The like for a command that has commands of its own, and does something without them."""
    options: dict[str, Any] = {"purpose": purpose, "examples": _pairs(examples), "invoke_without_command": True}
    return click.group(cls=Group, short_help=summary, **options)


def _pairs(examples: str) -> list[tuple[str, str]]:
    parts = [line.partition(" # ") for line in examples.strip().splitlines()]
    return [(line.strip(), what.strip()) for line, _, what in parts]


def write_commands(formatter: click.HelpFormatter, commands: dict[str, click.Command]) -> None:
    """All commands with what each does, by purpose."""
    width = max(map(len, commands))
    for purpose in PURPOSES:
        listed = [
            (name, item) for name, item in commands.items() if isinstance(item, Command) and item.purpose == purpose
        ]
        with formatter.section(purpose):
            formatter.write_dl([(name.ljust(width), item.short_help or "") for name, item in listed])
