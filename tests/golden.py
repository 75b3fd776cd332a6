"""Files with expected output beside them: ``make golden`` (``python -m tests.golden``) writes them anew."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path

from dlspec.cli.main import run

BAD = Path(__file__).parent / "bad"


def bad_specs() -> list[Path]:
    """Every spec that shows a mistake."""
    return sorted(BAD.glob("*.yaml"))


def checked(spec: Path) -> str:
    """What ``dlspec check`` prints for `spec`, run in its folder, with its exit code in the last line."""
    out = io.StringIO()
    with _inside(spec.parent), contextlib.redirect_stdout(out):
        code = run(["check", spec.name])
    return f"{out.getvalue()}exit code {code}\n"


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def main() -> None:
    """Writes the expected output beside every spec."""
    os.environ["DLSPEC_TRACEBACK"] = "1"
    for old in BAD.glob("*.txt"):
        old.unlink()
    for spec in bad_specs():
        spec.with_suffix(".txt").write_text(checked(spec), encoding="utf-8")


if __name__ == "__main__":
    main()
