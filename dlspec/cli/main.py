"""The ``dlspec`` command: finds its subcommands, and turns every outcome into an exit code.

Exit codes: 0 fine, 1 problems in the spec or data, 2 usage, 3 internal error, 130 interrupted.
"""

from __future__ import annotations

import gc
import importlib
import io
import os
import pkgutil
import sys

import click

from dlspec import __version__
from dlspec.cli import commands
from dlspec.core.errors import SpecError

_ISSUES = "please report it with the spec and this traceback; DLSPEC_TRACEBACK=1 shows it"

# Commands that start TensorFlow. They are known here by name, since to load one takes as long as a daemon saves.
STARTING_TENSORFLOW = frozenset(
    (
        *("ablate", "build", "evaluate", "export", "generate", "import", "importance", "predict", "saliency"),
        *("serve", "train", "tune"),
    )
)


class _Commands(click.Group):
    """Loads a subcommand's module when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all modules in ``dlspec.cli.commands``."""
        return sorted(info.name for info in pkgutil.iter_modules(commands.__path__))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or None."""
        if cmd_name not in self.list_commands(ctx):
            return None
        return self.loaded(cmd_name)

    def loaded(self, name: str) -> click.Command:
        """The command that the module of that name has."""
        command: click.Command = importlib.import_module(f"dlspec.cli.commands.{name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """All commands, by what they are for."""
        from dlspec.cli.helping import write_commands

        write_commands(formatter, {name: self.loaded(name) for name in self.list_commands(ctx)})

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Like click, with a suggestion for a misspelt command."""
        from dlspec.core.errors import did_you_mean

        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in self.list_commands(ctx):
            help = did_you_mean(name, self.list_commands(ctx))
            ctx.fail(f"no such command `{name}`. {help}".strip())
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="dlspec")
def cli() -> None:
    """One YAML spec becomes a checked, compiled and trained Keras 3 model.

    Start with `dlspec init DATA`; `dlspec explain CODE` explains any error.
    """


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line and exits; a command that starts TensorFlow runs in a copy of a daemon where one fits."""
    code = _run_by_daemon(sys.argv[1:]) if arguments is None else None
    if code is None:
        code = run(arguments)
    # Everything dies with the process; looking for cycles in all of it first takes a tenth of the time of a `check`.
    gc.freeze()
    sys.exit(code)


def run(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    from dlspec.cli.output import say, show_diagnostics, silence

    _print_what_the_locale_lacks()
    try:
        result = cli.main(args=arguments, prog_name="dlspec", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except (click.exceptions.Abort, KeyboardInterrupt):
        say("interrupted")
        return 130
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(shown)
        say(shown.getvalue().rstrip("\n"))
        return error.exit_code  # 2 for wrong usage, 1 for a file that cannot be written
    except SpecError as error:
        show_diagnostics(list(error.diagnostics), {})
        return 1
    except BrokenPipeError:
        # Whoever read our output is gone; a second failure while Python flushes must not print a traceback.
        silence(sys.stdout)
        return 0
    except Exception as error:
        if os.environ.get("DLSPEC_TRACEBACK"):
            raise
        if isinstance(error, OSError) and error.filename is not None and error.errno is not None:
            # A disk that is full, a path that is too long, a folder that was removed meanwhile: no fault of ours.
            say(f"error: `{os.fsdecode(error.filename)}`: {os.strerror(error.errno)}")
            return 1
        say(f"internal error: {type(error).__name__}: {error}\n{_ISSUES}")
        return 3


def _run_by_daemon(arguments: list[str]) -> int | None:
    """The exit code of a command that a daemon has run; None where no daemon fits or the command needs none."""
    if not arguments or arguments[0] not in STARTING_TENSORFLOW:
        return None
    from dlspec.cli.daemon.client import run_by_daemon

    return run_by_daemon(arguments)


def _print_what_the_locale_lacks() -> None:
    """A file may have a name that the terminal has no letters for: it is shown with escapes (``\\u03bb``)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
