"""``dlspec fmt``."""

from __future__ import annotations

from pathlib import Path

import click

from dlspec.cli.helping import helped
from dlspec.cli.output import print_data, print_text, show_diagnostics
from dlspec.core.errors import SpecError

_STDIN = Path("-")


@helped(
    "Write a spec",
    "Write specs in one form, comments kept",
    """
    dlspec fmt specs
    dlspec fmt --check specs             # for CI: write nothing, exit with 1
    """,
)
@click.argument("specs", metavar="SPEC...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 where a spec is not formatted.")
@click.option("--diff", is_flag=True, help="The like, and print what would change.")
@click.option("--specs-only", is_flag=True, help="Leave out files that are no specs, also where they are named.")
def command(specs: tuple[Path, ...], check: bool, diff: bool, specs_only: bool) -> int:
    """Write specs in one form: indentation, blanks, and brackets around short options.

    SPEC is as for `dlspec check`; what comes on the standard input (`-`) goes to the standard output. Values, their
    order and all comments stay, and a spec that was formatted is left as it is. Each file is written whole or not at
    all.
    """
    if specs == (_STDIN,):
        return _standard_input(check or diff, diff)
    return _files(_named(specs, specs_only), check or diff, diff)


def _standard_input(only_shows: bool, diff: bool) -> int:
    from dlspec.cli.standard_input import read_standard_input

    name = Path("stdin.yaml")
    text = read_standard_input(name)
    made = _formatted(text, name)
    if made is None:
        return 1
    if only_shows:
        _show(name, text, made, diff)
        return int(made != text)
    print_data(made, end="")
    return 0


def _named(specs: tuple[Path, ...], specs_only: bool) -> list[Path]:
    from dlspec.cli.finding import is_spec, specs_of

    files = specs_of(specs)
    return [path for path in files if is_spec(path)] if specs_only else files


def _files(files: list[Path], only_shows: bool, diff: bool) -> int:
    from dlspec.cli.rewriting import rewrite
    from dlspec.syntax.source import read_file

    changed = failed = 0
    for path in files:
        document = read_file(path)
        made = _formatted(document.text, path) if document.text or not document.diagnostics.errors else None
        if made is None and not document.text:
            show_diagnostics(document.diagnostics.items, {})
        if made is None:
            failed += 1
        elif made != document.text:
            changed += 1
            if only_shows:
                _show(path, document.text, made, diff)
            else:
                rewrite(path, made)
                print_text(f"{path}: formatted")
    if len(files) != 1:
        done = "would be formatted" if only_shows else "formatted"
        print_text(f"{len(files)} specs, {changed} {done}" + (f", {failed} not YAML" if failed else ""))
    return int(failed > 0 or (only_shows and changed > 0))


def _show(path: Path, text: str, made: str, diff: bool) -> None:
    from dlspec.cli.rewriting import difference

    if diff:
        print_data(difference({path: text}, {path: made}), end="")
    elif made != text:
        print_text(f"{path}: would be formatted")


def _formatted(text: str, path: Path) -> str | None:
    """The text of a file as it should be; None where it has mistakes, which are shown."""
    from dlspec.syntax.formatting import formatted

    try:
        return formatted(text, str(path))
    except SpecError as error:
        show_diagnostics(error.diagnostics, {str(path): text})
        return None
