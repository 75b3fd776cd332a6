"""The command ``dlspec export --project``."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import click

from dlspec.cli.inputs import inputs_of_spec, keep_inputs
from dlspec.cli.output import print_text
from dlspec.core.errors import Diagnostic, Problem, SpecError
from dlspec.core.ir import Graph
from dlspec.passes.state import Checked


def write_project(state: Checked, target: Path, template_dir: Path | None, force: bool) -> int:
    """Writes a project into a folder that is new, or that --force replaces files of; whole, or not at all."""
    from jinja2 import TemplateError

    from dlspec.export.python.guard import Refused
    from dlspec.export.python.model_files import model_files
    from dlspec.export.python.templates import mistake

    for section in ("data", "train"):
        if section not in state.data:
            raise click.UsageError(f"the spec has no `{section}`: --to python writes its model alone")
    if target.exists() and not target.is_dir():
        raise click.BadParameter(f"`{target}` is a file", param_hint="--project")
    if target.exists() and any(target.iterdir()) and not force:
        raise click.BadParameter(f"`{target}` is not empty; --force replaces its files", param_hint="--project")
    try:
        files = project_files(state, target, template_dir)
    except (TemplateError, Refused) as error:
        raise click.ClickException(mistake(error, template_dir)) from error
    except Problem as problem:
        raise SpecError([problem.at(None)]) from problem
    graph = state.training_graph
    for name in [*files, *model_files(graph)]:
        keep_inputs(target / name, inputs_of_spec(state), "--project")
    try:
        write_files(files, graph, target)
    except Problem as problem:
        raise SpecError([problem.at(None)]) from problem
    except OSError as error:
        raise click.ClickException(f"cannot write `{target}`: {error.strerror or error}") from error
    lines = {name: len(text.splitlines()) for name, text in files.items()}
    print_text("\n".join(f"{target / name}: {count} lines" for name, count in lines.items()))
    return 0


def project_files(state: Checked, target: Path, template_dir: Path | None = None) -> dict[str, str]:
    """The texts of a project by the name of their files.

    Args:
        state: The spec, with data and a training.
        target: The folder of the project.
        template_dir: Templates that take the place of ours.

    Raises:
        SpecError: E705, something in the spec has no form in plain Keras.
        Problem: The data cannot be read.
    """
    from dlspec.export.project.project import emit_project
    from dlspec.export.python.syntax import Unsupported

    try:
        return emit_project(state.trainable(), target, template_dir)
    except Unsupported as error:
        help = "leave it out, or take the model alone: `--to python`"
        raise SpecError([Diagnostic("E705", f"`export --project` does not support {error}", None, help)]) from error


def write_files(files: dict[str, str], graph: Graph, target: Path) -> None:
    """Puts the files of a project into a folder, all at once.

    Args:
        files: Texts by name.
        graph: Whose files of models lie beside them.
        target: The folder.

    Raises:
        OSError: It cannot be written.
        Problem: A model's file cannot be read.
    """
    from dlspec.export.python.model_files import write_model_files

    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as draft:
        for name, text in files.items():
            (Path(draft) / name).write_text(text, encoding="utf-8")
        write_model_files(graph, Path(draft))
        target.mkdir(exist_ok=True)
        for name in sorted(file.name for file in Path(draft).iterdir()):
            shutil.move(Path(draft) / name, target / name)
