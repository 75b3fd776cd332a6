"""``dlspec check``."""

from __future__ import annotations

from pathlib import Path

import click

from dlspec.cli.checking import Checking, check_all, show
from dlspec.cli.helping import helped
from dlspec.cli.output import code_allowed, format_option, spec_options

# The name that stands for the standard input.
STDIN = Path("-")


@helped(
    "Write a spec",
    "Check specs: all that can be known without TensorFlow",
    """
    dlspec check digits.yaml
    dlspec check specs --changed         # what differs from Git's last commit
    dlspec check digits.yaml --diff      # what --fix would change
    dlspec check digits.yaml --watch     # again at each change
    """,
)
@click.argument("specs", metavar="SPEC...", nargs=-1, type=click.Path(path_type=Path))
@spec_options
@format_option
@click.option("--fix", is_flag=True, help="Make the changes that helps name, where nothing else can be meant.")
@click.option("--unsafe-fixes", is_flag=True, help="With --fix or --diff: also changes that want looking at.")
@click.option("--diff", is_flag=True, help="Print what --fix would change, and change nothing.")
@click.option("--strict", is_flag=True, help="Warnings fail, too.")
@click.option("--select", multiple=True, metavar="CODES", help="Show these codes alone, e.g. E4,W402.")
@click.option("--ignore", multiple=True, metavar="CODES", help="Leave these warnings out, e.g. W5,W402.")
@click.option("--statistics", is_flag=True, help="Count the problems by code instead.")
@click.option("--specs-only", is_flag=True, help="Leave out files that are no specs, also where they are named.")
@click.option("--changed", is_flag=True, help="Only specs that differ from Git's last commit.")
@click.option("--since", metavar="COMMIT", help="Only specs that changed since a commit or branch.")
@click.option("--watch", is_flag=True, help="Check again whenever a file of the specs changes, until Ctrl-C.")
@click.option("--stdin-name", type=click.Path(path_type=Path), metavar="FILE", help="The file that `-` stands for.")
def command(
    specs: tuple[Path, ...],
    overrides: tuple[str, ...],
    allow_outside: bool,
    form: str,
    fix: bool,
    unsafe_fixes: bool,
    diff: bool,
    strict: bool,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    statistics: bool,
    specs_only: bool,
    changed: bool,
    since: str | None,
    watch: bool,
    stdin_name: Path | None,
) -> int:
    """Check specs: everything that can be known without TensorFlow.

    SPEC is a file, a folder with specs in it, a pattern such as 'specs/**/*.yaml', or `-` for the standard input. In
    folders a YAML file with a section `layers` or `extends` is a spec.

    Prints every error with its place and the way to mend it. Exit code 0 means that the models build.
    """
    _check_usage(specs, stdin_name, form, fix=fix or diff, unsafe=unsafe_fixes, watch=watch, statistics=statistics)
    since = since or ("HEAD" if changed else None)
    if not specs and since is None:
        raise click.UsageError("name a spec, a folder with specs, or `-` for the standard input")
    checking = Checking(
        overrides=overrides,
        allow_outside=allow_outside,
        allow_code=code_allowed(),
        form=form,
        mends=fix or diff,
        writes=not diff,
        unsafe=unsafe_fixes,
        strict=strict,
        selected=_codes(select),
        ignored=_warnings(ignore),
        statistics=statistics,
    )
    if specs == (STDIN,):
        from dlspec.cli.standard_input import check_standard_input

        return check_standard_input(stdin_name or Path("stdin.yaml"), checking)
    if watch:
        from dlspec.cli.watching import watch as watch_files

        return watch_files(lambda: _named(specs, since, specs_only), checking)
    return show(check_all(_named(specs, since, specs_only), checking), checking)


def _named(specs: tuple[Path, ...], since: str | None, specs_only: bool) -> list[Path]:
    files = list(specs)
    if len(files) != 1 or not files[0].is_file() or since is not None or specs_only:
        from dlspec.cli.finding import changed, is_spec, specs_of

        files = specs_of(specs or (Path(),))
        files = [path for path in files if is_spec(path)] if specs_only else files
        if since is not None:
            files = changed(files, since)
    return files


def _check_usage(
    specs: tuple[Path, ...],
    stdin_name: Path | None,
    form: str,
    *,
    fix: bool,
    unsafe: bool,
    watch: bool,
    statistics: bool,
) -> None:
    reads = STDIN in specs
    for wrong, message in (
        (reads and len(specs) > 1, "`-` stands alone: the standard input is one spec"),
        (stdin_name is not None and not reads, "--stdin-name goes with `-`, the standard input"),
        (unsafe and not fix, "--unsafe-fixes goes with --fix or --diff"),
        (watch and (reads or fix or form != "text"), "--watch shows text of files, and changes none"),
        (statistics and form != "text", "--statistics is text: leave --format out"),
    ):
        if wrong:
            raise click.UsageError(message)


def _codes(written: tuple[str, ...]) -> tuple[str, ...]:
    """Codes and beginnings of codes, each of which there must be."""
    codes = tuple(code.strip().upper() for text in written for code in text.split(",") if code.strip())
    if codes:
        from dlspec.core.codes import CODES
        from dlspec.core.errors import did_you_mean

        for code in codes:
            if not any(name.startswith(code) for name in CODES):
                help = did_you_mean(code, CODES) or "`dlspec explain` lists all codes"
                raise click.UsageError(f"no code begins with `{code}`; {help}")
    return codes


def _warnings(written: tuple[str, ...]) -> tuple[str, ...]:
    codes = _codes(written)
    for code in codes:
        if not code.startswith("W"):
            raise click.UsageError(f"`{code}` are errors: --ignore leaves out warnings, --select shows what you name")
    return codes
