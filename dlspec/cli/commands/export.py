"""``dlspec export``."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dlspec.cli.helping import helped
from dlspec.cli.inputs import inputs_of_spec, keep_inputs
from dlspec.cli.output import (
    code_allowed,
    compiled,
    print_data,
    print_document,
    print_text,
    say,
    show_diagnostics,
    spec_argument,
)
from dlspec.cli.runs import reported, runs_option
from dlspec.core.errors import Diagnostic, SpecError
from dlspec.core.terminal import printable

if TYPE_CHECKING:
    from dlspec.components.registry import Catalogue
    from dlspec.core.documents.printed import ExportResult, Quantized
    from dlspec.export.formats.base import Format
    from dlspec.export.formats.export import Outcome
    from dlspec.passes.state import Checked

_TARGETS = ("python", "keras", "savedmodel", "onnx", "litert")
_PATH = click.Path(path_type=Path)


@helped(
    "Use a model",
    "Write Python, a project, ONNX, LiteRT, SavedModel …",
    """
    dlspec export digits.yaml --to python
    dlspec export latest --project digits    # data, model, training in plain Keras
    dlspec export latest --to onnx -o digits.onnx
    """,
)
@spec_argument
@click.option("--to", "target", type=click.Choice(_TARGETS), help="What to write.")
@click.option("--project", type=_PATH, metavar="DIR", help="Write a whole project of plain Python into a new folder.")
@click.option("-o", "--output", type=_PATH, metavar="PATH", help="The file, or the folder of a SavedModel.")
@click.option("--weights", type=_PATH, metavar="FILE", help="Weights for a spec: .keras or .weights.h5.")
@click.option("--quantize", type=click.Choice(["int8", "int4"]), help="Weights of a run in few bits (litert, keras).")
@click.option(
    "--limit", type=click.FloatRange(min=0), metavar="SHARE", help="Accuracy that --quantize may lose at most."
)
@click.option("--force", is_flag=True, help="Replace what is at PATH.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Form of the result.")
@click.option(
    "--template-dir",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Templates of your own for Python: those of the same name replace ours.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the initial weights of a spec.")
@runs_option
@reported
def command(
    spec: Path,
    overrides: tuple[str, ...],
    allow_outside: bool,
    target: str | None,
    project: Path | None,
    output: Path | None,
    weights: Path | None,
    quantize: str | None,
    limit: float | None,
    force: bool,
    form: str,
    template_dir: Path | None,
    seed: int,
    runs: Path,
) -> int:
    """Write a spec as Python, or the model of a spec or of a run folder in another format.

    --to python writes a module with `build_model()` that needs nothing of dlspec, to PATH or to the standard output;
    --project adds the data, the training and a README.

    SPEC is a spec, whose weights are fresh unless --weights names a file, or a run (a folder, an id, a name, or
    `latest`): its trained model takes raw values, preparation included; as Python, it stands for the spec of the run.
    What is written is loaded again and compared with Keras before it is put in place. --quantize measures how much
    accuracy that costs on the run's own data.
    """
    if (target is None) == (project is None):
        raise click.UsageError("say what to write: --to FORMAT, or --project DIR")
    if template_dir is not None:
        _check_templates(template_dir)
    spec = _spec_or_run(spec, runs)
    _check_quantizing(target, quantize, limit, spec)
    if project is not None:
        from dlspec.cli.project import write_project

        return write_project(_written(spec, overrides, allow_outside), project, template_dir, force)
    assert target is not None
    if target == "python":
        return _python(_written(spec, overrides, allow_outside), output, template_dir, force)

    from dlspec.export.formats.base import require_packages
    from dlspec.export.formats.export import FORMATS

    chosen = FORMATS[target]()
    path = _target(output, chosen, force)
    require_packages(type(chosen))
    if spec.is_dir():
        keep_inputs(path, [spec])
        outcome = (
            _export_run(spec, chosen, path) if quantize is None else _quantized(spec, chosen, path, quantize, limit)
        )
    else:
        state = compiled(spec, overrides, allow_outside)
        keep_inputs(path, [*inputs_of_spec(state), *([weights] if weights is not None else [])])
        outcome = _export_spec(state, chosen, path, weights, seed)
    if isinstance(outcome, int):
        return outcome
    print_document(_facts(outcome)) if form == "json" else print_text(_text(outcome))
    return 0


def _check_quantizing(target: str | None, mode: str | None, limit: float | None, spec: Path) -> None:
    if mode is None and limit is not None:
        raise click.UsageError("--limit goes with --quantize")
    if mode is not None:
        from dlspec.export.formats.quantizing import require_mode

        require_mode(target or "project", mode)
        if not spec.is_dir():
            raise click.UsageError("--quantize is for runs: their data say what it costs")


def _spec_or_run(named: Path, runs: Path) -> Path:
    """A spec's file, or the folder of a run; only what is neither, or a study, is looked for among the runs."""
    from dlspec.core.documents.study import STUDY_FILE
    from dlspec.views.pages.index import find_run

    if (named.exists() and not (named / STUDY_FILE).is_file()) or named.suffix in (".yaml", ".yml"):
        return named
    return find_run(str(named), runs).path


def _written(spec: Path, overrides: tuple[str, ...], allow_outside: bool) -> Checked:
    """The checked spec; of a run folder the one that it was trained by."""
    if not spec.is_dir():
        return compiled(spec, overrides, allow_outside)
    from dlspec.export.formats.origin import spec_of_run
    from dlspec.views.pages.index import MODELS_FOLDER

    try:
        run = spec_of_run(spec, allow_outside)
    except SpecError as error:
        show_diagnostics(error.diagnostics, {})
        raise click.exceptions.Exit(1) from error
    name = f"name={run.name}"  # which may have followed from the name of the file
    return compiled(run.spec, (name, *overrides), allow_outside, run.home, models=spec / MODELS_FOLDER)


def _python(state: Checked, output: Path | None, template_dir: Path | None, force: bool) -> int:
    """A Python module that builds the model."""
    from jinja2 import TemplateError

    from dlspec.core.files import write_atomically
    from dlspec.export.python.guard import Refused
    from dlspec.export.python.module import emit_model
    from dlspec.export.python.templates import mistake

    if output is not None and (problem := _python_problem(output, force)):
        raise click.BadParameter(problem, param_hint="-o")
    keep_inputs(output, inputs_of_spec(state))
    beside = _beside(state, output, force)
    try:
        source = emit_model(state, template_dir, exact=False)
    except (TemplateError, Refused) as error:
        raise click.ClickException(mistake(error, template_dir)) from error
    if output is None:
        print_data(source.removesuffix("\n"))
        return 0
    if beside:
        from dlspec.export.python.model_files import write_model_files

        write_model_files(state.training_graph, output.parent)
    write_atomically(output, lambda path: path.write_text(source, encoding="utf-8"))
    print_text("\n".join([f"{output}: {len(source.splitlines())} lines of Python", *map(str, beside)]))
    return 0


def _beside(state: Checked, output: Path | None, force: bool) -> list[Path]:
    """The files of weights that a module needs beside it.

    Raises:
        click.UsageError: The module would go to the standard output.
        click.BadParameter: A file stands where one of them would.
    """
    from dlspec.export.python.model_files import model_files

    names = model_files(state.training_graph)
    if names and output is None:
        raise click.UsageError("the model has weights that go beside the module: name its file with -o")
    files = [output.parent / name for name in names] if output is not None else []
    for file in files:
        keep_inputs(file, inputs_of_spec(state))
        if file.exists() and not force:
            raise click.BadParameter(f"`{file}` exists; --force replaces it", param_hint="-o")
    return files


def _check_templates(folder: Path) -> None:
    from dlspec.export.python.templates import replaced

    if not replaced(folder):
        text = f"`{folder}` holds none of the templates: model.py.jinja, and for --project data.py.jinja and others"
        raise click.BadParameter(text, param_hint="--template-dir")


def _python_problem(output: Path, force: bool) -> str:
    if output.suffix != ".py":
        return f"`{output}` must end in .py"
    if not output.parent.is_dir():
        return f"there is no folder `{output.parent}`"
    return f"`{output}` exists; --force replaces it" if output.exists() and not force else ""


def _target(output: Path | None, form: Format, force: bool) -> Path:
    """Says before any work is done that the result could not be put in place."""
    if output is None:
        raise click.UsageError("name what to write with -o")
    problem = _problem(output, form, force)
    if problem:
        raise click.BadParameter(problem, param_hint="-o")
    return output


def _problem(output: Path, form: Format, force: bool) -> str:
    if not output.name:
        return f"`{output}` names no file or folder to write"
    if form.suffix and output.suffix != form.suffix:
        return f"`{output}` must end in {form.suffix}"
    if not output.parent.is_dir():
        return f"there is no folder `{output.parent}`"
    if form.suffix and output.is_dir():
        return f"`{output}` is a folder"
    if not form.suffix and output.exists() and not (output / "saved_model.pb").is_file():
        return f"`{output}` is there, and is no SavedModel"
    if output.exists() and not force:
        return f"`{output}` exists; --force replaces it"
    return ""


def _refuse_options_of_specs(but: Collection[str] = ()) -> None:
    """A trained model is exported as it is: options that would change a spec have no effect on it."""
    context = click.get_current_context()
    flags = {"overrides": "--set", "allow_outside": "--allow-outside", "weights": "--weights", "seed": "--seed"}
    for name, flag in flags.items():
        if name not in but and context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{flag} is for specs: a run folder holds a trained model")


def _export_run(folder: Path, form: Format, path: Path) -> Outcome | int:
    _refuse_options_of_specs()
    from dlspec.export.formats.base import require_fit
    from dlspec.export.formats.origin import check_run, load_run, traits_of_run
    from dlspec.training.saved import catalogue_of
    from dlspec.views.pages.index import Run

    warnings = check_run(folder)
    try:
        require_fit(form, traits_of_run(folder, allow_code=code_allowed()))
    except SpecError as error:
        show_diagnostics(error.diagnostics, {})
        return 1
    if warnings:
        show_diagnostics(warnings, {})
    catalogue = catalogue_of(Run(folder), allow_code=code_allowed())
    return _export(lambda: load_run(folder), form, path, {}, catalogue)


def _quantized(folder: Path, form: Format, path: Path, mode: str, limit: float | None) -> Outcome | int:
    _refuse_options_of_specs(but=("allow_outside",))  # which the run's data may need
    from dlspec.export.formats.base import require_fit
    from dlspec.export.formats.origin import check_run, traits_of_run
    from dlspec.export.formats.quantizing import Quantizing, require_data
    from dlspec.training.saved import open_run
    from dlspec.views.pages.index import Run

    warnings = check_run(folder)
    require_fit(form, traits_of_run(folder, allow_code=code_allowed()))
    if warnings:
        show_diagnostics(warnings, {})
    outside = bool(click.get_current_context().params["allow_outside"])
    saved = open_run(Run(folder), allow_outside=outside, allow_code=code_allowed())
    require_data(saved)
    quantizing = Quantizing(saved, mode, limit)
    outcome = _export(
        partial(quantizing.prepare, form), quantizing.form(form), path, {}, saved.state.catalogue, quantizing.judge
    )
    if not isinstance(outcome, int):
        outcome.quantized = quantizing.facts
    return outcome


def _export_spec(state: Checked, form: Format, path: Path, weights: Path | None, seed: int) -> Outcome | int:
    from dlspec.export.formats import traits
    from dlspec.export.formats.base import require_fit
    from dlspec.export.formats.origin import check_weights, read_weights, unadapted

    graph = state.graph
    try:
        check_weights(weights)
        require_fit(form, traits.of_graph(graph))
    except SpecError as error:
        show_diagnostics(error.diagnostics, state.texts)
        return 1
    warnings = unadapted(graph, weights)
    if weights is None:
        text = f"the weights of `{path.name}` are untrained: a spec has none"
        warnings.append(Diagnostic("W701", text, None, "export a run folder, or add `--weights FILE`"))
    if warnings:
        show_diagnostics(warnings, state.texts)

    def build() -> Any:
        from dlspec.backends.keras.build import build as build_graph
        from dlspec.backends.keras.seeding import set_seed

        set_seed(seed)
        model = build_graph(graph)
        if weights is not None:
            read_weights(model, weights)
        return model

    return _export(build, form, path, state.texts, state.catalogue)


def _export(
    make: Any, form: Format, path: Path, texts: dict[str, str], catalogue: Catalogue, judge: Any = None
) -> Outcome | int:
    """The slow part; shows its diagnostics."""
    from dlspec.backends.keras import starting
    from dlspec.backends.keras.own import knowing
    from dlspec.export.formats.export import export

    say("starting TensorFlow …")
    starting.start()
    try:
        # Converters write to stderr from C++; what they refuse comes as an exception.
        with starting.captured_stderr() as terminal, knowing(catalogue):
            outcome = export(make(), form, path, lambda text: click.echo(printable(text), file=terminal), judge)
    except SpecError as error:
        show_diagnostics(error.diagnostics, texts)
        return 1
    except OSError as error:
        raise click.ClickException(f"cannot write `{path}`: {error.strerror or error}") from error
    if outcome.warnings:
        show_diagnostics(outcome.warnings, texts)
    return outcome


def _text(outcome: Outcome) -> str:
    from dlspec.core.ir import show_bytes

    if outcome.quantized is not None:
        return f"{outcome.path}: {outcome.form.title}, {show_bytes(outcome.bytes)}{_cost(outcome.quantized)}"
    verdict = "not verified"
    if outcome.comparison is not None:
        verdict = f"largest difference from Keras {outcome.comparison.worst[1]:.2g}"
    return f"{outcome.path}: {outcome.form.title}, {show_bytes(outcome.bytes)}, {verdict}"


def _cost(quantized: Quantized) -> str:
    """What quantization gave, in words."""
    from dlspec.core.ir import show_bytes

    lines = [f" in {quantized['mode']} for {show_bytes(quantized['bytes_before'])}"]
    for name, output in quantized["outputs"].items():
        lines.append(f"{output['measure']} of `{name}` {output['after']:.4f} for {output['before']:.4f}")
    return f"{', '.join(lines)} ({quantized['part']} split)"


def _facts(outcome: Outcome) -> ExportResult:
    comparison = outcome.comparison
    return {
        "path": str(outcome.path),
        "format": outcome.form.name,
        "bytes": outcome.bytes,
        "verified": comparison is not None,
        "differences": dict(comparison.differences) if comparison is not None else {},
        "quantized": outcome.quantized,
    }
