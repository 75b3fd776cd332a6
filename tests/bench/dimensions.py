"""What there can be much of in specs and data, with the commands that must take time in proportion to it."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from dlspec.cli.main import run
from tests.bench.growing_mistakes import CHECKED
from tests.bench.growing_specs import DEEP, RIGHT, Text, X, lines

Work = Callable[[], object]
_SHOWN = {
    "check": ("check",),
    "show": ("show",),
    "show --format json": ("show", "--format", "json"),
    "show --svg": ("show", "--svg", "out.svg"),
    "show --html": ("show", "--html", "out.html"),
    "show --dump-ir": ("show", "--dump-ir"),
    "export --to python": ("export", "--to", "python"),
}
_FORMS = ("github", "json", "sarif")
_DEPTH = 40
# Sizes at which steps are counted: a drawing looks for repetitions of up to 12 layers, and the help of the first 50
# mistakes of a kind looks for what was meant.
_COUNTED = {"check": 10, "show --svg": 40, "export --to python": 10}
_DRAWN = ("layers", "layers that branch", "layers into one merge", "branches", "blocks", "merged turns", "outputs")
_DEEP, _MEANT = 12, 60


class Dimension(NamedTuple):
    """Something of which there can be much.

    Attributes:
        name: The command, and of what there is more.
        prepare: Writes files for a size into a folder; returns what is measured.
        size: The smaller of the two sizes that are compared in time; the other is twice as large.
        small: The same where steps are counted; 0 where time alone is measured.
    """

    name: str
    prepare: Callable[[Path, int], Work]
    size: int
    small: int = 0


def command(*arguments: str | Path, code: int = 0) -> Work:
    """A command of dlspec in this process; what it prints is thrown away."""

    def work() -> None:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            found = run([str(argument) for argument in arguments])
        assert found == code, f"exit code {found}: {printed.getvalue()[-1000:]}"

    return work


def on_spec(text: Text, *arguments: str, code: int = 0) -> Callable[[Path, int], Work]:
    """The preparation that writes a spec; arguments that begin with `out` are files beside it."""

    def prepare(folder: Path, size: int) -> Work:
        path = folder / "spec.yaml"
        path.write_text(text(size), encoding="utf-8")
        placed = [str(folder / one) if one.startswith("out") else one for one in arguments[1:]]
        return command(arguments[0], path, *placed, code=code)

    return prepare


def spec_dimensions() -> Iterator[Dimension]:
    """What may grow in a spec."""
    for name, (text, size) in RIGHT.items():
        for shown, arguments in _SHOWN.items():
            small = _COUNTED.get(shown, 0) if shown != "show --svg" or name in _DRAWN else 0
            yield Dimension(f"{shown}: {name}", on_spec(text, *arguments), size, small)
    for name, text in DEEP.items():
        for shown, arguments in _SHOWN.items():
            small = _DEEP if shown in ("check", "export --to python") else 0
            yield Dimension(f"{shown}: depth of {name}", on_spec(text, *arguments), _DEPTH, small)
    for name, (text, size, code) in CHECKED.items():
        yield Dimension(
            f"check: {name}",
            on_spec(text, "check", code=code),
            size,
            _MEANT if "not there" in name and size > 300 else 12,
        )
    for name in ("names in `from` that are not there", "errors in one line"):
        text, size, code = CHECKED[name]
        for form in _FORMS:
            yield Dimension(f"check --format {form}: {name}", on_spec(text, "check", "--format", form, code=code), size)
    yield Dimension("check: keys of files that extend each other", _extends, 1500, 10)
    yield Dimension("check: settings of the command line", _settings, 100, 10)


def _extends(folder: Path, size: int) -> Work:
    """Eight files, each of which changes half of the keys of the one before."""
    used = f"{X}layers:\n" + lines("  - dense: $p#", size)
    (folder / "f0.yaml").write_text("params:\n" + lines("  p#: 4", size) + used)
    for number in range(1, 8):
        changed = "".join(f"  p{k}: {3 + number}\n" for k in range(0, size, 2))
        (folder / f"f{number}.yaml").write_text(f"extends: f{number - 1}.yaml\nparams:\n{changed}")
    return command("check", folder / "f7.yaml")


def _settings(folder: Path, size: int) -> Work:
    used = f"{X}layers:\n" + lines("  - dense: $p#", size)
    (folder / "spec.yaml").write_text("params:\n" + lines("  p#: 4", size) + used)
    settings = [one for number in range(size) for one in ("--set", f"params.p{number}=3")]
    return command("check", folder / "spec.yaml", *settings)
