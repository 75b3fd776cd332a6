"""``dlspec docs``."""

from __future__ import annotations

import click

from dlspec import __version__
from dlspec.cli.helping import helped
from dlspec.cli.output import print_data


@helped(
    "Write a spec",
    "Print the language on one page, for programs that write specs",
    """
    dlspec docs --agent > dlspec.md
    """,
)
@click.option("--agent", is_flag=True, required=True, help="The page for language models and other programs.")
def command(agent: bool) -> None:
    """Print the language on one page, for programs that write specs.

    A guide of two pages with examples that check, then every component and every key with its options and defaults.
    For people, `dlspec layers NAME` and `dlspec explain CODE` answer single questions.
    """
    from dlspec.views.agent import page

    print_data(page(__version__), end="")
