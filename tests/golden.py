"""Files with expected output beside them: ``make golden`` (``python -m tests.golden``) writes them anew."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path

from dlspec.cli.main import run

BAD = Path(__file__).parent / "bad"
# A small spec with whatever a pass looks at, and what each pass leaves behind.
INTERMEDIATE = Path(__file__).parent / "intermediate" / "spec.yaml"
# Specs whose generated modules stand in tests/emit/golden/.
MODULES = (
    "cnn/lenet5.yaml",
    "cnn/resnet50.yaml",
    "segmentation/unet.yaml",
    "recurrent/seq2seq.yaml",
    "attention/transformer.yaml",
    "start/churn.yaml",
)


def bad_specs() -> list[Path]:
    """Every spec that shows a mistake."""
    return sorted(BAD.glob("*.yaml"))


def checked(spec: Path) -> str:
    """What ``dlspec check`` prints for `spec`, run in its folder, with its exit code in the last line."""
    out = io.StringIO()
    with _inside(spec.parent), contextlib.redirect_stdout(out):
        code = run(["check", spec.name])
    return f"{out.getvalue()}exit code {code}\n"


def module_of(spec: str) -> Path:
    """Where the module of one of :data:`MODULES` stands."""
    return Path(__file__).parent / "emit" / "golden" / f"{Path(spec).stem}.py"


def after_each_pass(spec: Path) -> str:
    """The intermediate representation after each pass that changes it; the names of the others stand alone."""
    from dlspec.passes import Compilation, Pass, compile_spec
    from dlspec.views.intermediate import print_state

    texts: list[str] = []
    before: list[str] = [""]

    def observe(run: Pass, state: Compilation) -> None:
        text = print_state(state)
        texts.append(f"after {run.__name__}: " + ("the same\n" if text == before[-1] else f"\n{text}\n"))
        before.append(text)

    with _inside(spec.parent):
        compile_spec(Path(spec.name), observe=observe)
    return "\n".join(texts)


def write_modules() -> None:
    """Writes the generated modules anew."""
    from dlspec.export.python.module import emit_model
    from dlspec.passes import compile_spec

    for spec in MODULES:
        source = emit_model(compile_spec(Path(__file__).parent.parent / "specs" / spec))
        module_of(spec).write_text(source, encoding="utf-8")


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def main() -> None:
    """Writes the expected output beside every spec, what the passes make, and the generated modules."""
    os.environ["DLSPEC_TRACEBACK"] = "1"
    outputs = {spec.with_suffix(".txt"): checked(spec) for spec in bad_specs()}
    for old in BAD.glob("*.txt"):  # only now: where a check fails, all outputs stay
        old.unlink()
    for path, output in outputs.items():
        path.write_text(output, encoding="utf-8")
    INTERMEDIATE.with_suffix(".txt").write_text(after_each_pass(INTERMEDIATE), encoding="utf-8")
    write_modules()


if __name__ == "__main__":
    main()
