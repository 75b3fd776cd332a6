"""``dlspec build``."""

from __future__ import annotations

from pathlib import Path

import click

from dlspec.cli.helping import helped
from dlspec.cli.inputs import inputs_of_spec, keep_inputs
from dlspec.cli.output import compiled, print_document, print_text, say, show_diagnostics, spec_argument
from dlspec.core.errors import Diagnostic
from dlspec.core.ir import Node


@helped(
    "Train",
    "Build the Keras model and compare it with `show`",
    """
    dlspec build digits.yaml -o digits.keras
    """,
)
@spec_argument
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Save the model as FILE.keras.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Form of the report.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the initial weights.")
def command(
    spec: Path, overrides: tuple[str, ...], allow_outside: bool, output: Path | None, form: str, seed: int
) -> int:
    """Build the Keras model, compare it with the static analysis, and save it if asked.

    Prints the table of `dlspec show` with every figure read from Keras.
    """
    _check_output(output)
    state = compiled(spec, overrides, allow_outside)
    keep_inputs(output, inputs_of_spec(state))
    say("building with Keras …")

    from dlspec.backends.keras import starting

    starting.start()

    from dlspec.backends.keras.build import build_with_tensors, keras_facts, saved_part, verify
    from dlspec.backends.keras.seeding import set_seed
    from dlspec.components.layers.base import Layer
    from dlspec.graph.facts import text_table

    set_seed(seed)
    whole, tensors = build_with_tensors(state.training_graph)
    model = saved_part(whole, state.graph)
    by_name = {node.name: real for node, real in zip(state.training_graph.nodes, tensors, strict=True)}
    saved = [by_name[node.name] for node in state.graph.nodes]
    report = keras_facts(state.graph, model, saved)
    differences = verify(state.training_graph, whole, tensors)
    if model is not whole:
        differences = differences or verify(state.graph, model, saved)
    print_document(report) if form == "json" else print_text(text_table(report))
    if differences:
        show_diagnostics([item.diagnostic() for item in differences], state.texts)
        return 1
    layers = len(state.training_graph.nodes)
    say(f"static analysis and Keras agree on all {layers} nodes")
    if output is not None:
        unadapted = [
            _unadapted(node) for node in state.graph.nodes if isinstance(node.layer, Layer) and node.layer.adapts
        ]
        if unadapted:
            show_diagnostics(unadapted, state.texts)
        _save(model, output)
    return 0


def _unadapted(node: Node) -> Diagnostic:
    text = f"`{node.name}` is saved without having measured any data"
    return Diagnostic("W404", text, node.span, "`dlspec train` adapts it to the training split and saves the model")


def _check_output(output: Path | None) -> None:
    """Says before any work is done that the file could not be written."""
    if output is None:
        return
    if output.suffix != ".keras":
        raise click.BadParameter(f"`{output}` must end in .keras", param_hint="-o")
    if not output.parent.is_dir():
        raise click.BadParameter(f"there is no folder `{output.parent}`", param_hint="-o")


def _save(model: object, output: Path) -> None:
    from dlspec.core.files import write_atomically

    try:
        write_atomically(output, model.save)  # type: ignore[attr-defined]
    except OSError as error:
        raise click.ClickException(f"cannot write `{output}`: {error.strerror}") from error
    say(f"saved {output}")
