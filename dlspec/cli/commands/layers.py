"""``dlspec layers``."""

from __future__ import annotations

import click

from dlspec.cli.helping import helped
from dlspec.cli.output import print_document, print_text


def _names(_context: click.Context, _parameter: click.Parameter, written: str) -> list[str]:
    """Names of components that begin so, for shells."""
    from dlspec.components import registry

    return sorted({name for kind in registry.kinds() for name in registry.names(kind) if name.startswith(written)})


@helped(
    "Write a spec",
    "List layers, losses, optimizers …, or document one",
    """
    dlspec layers                        # all layers
    dlspec layers conv2d                 # one, with its options
    dlspec layers --kind loss            # all losses
    """,
)
@click.argument("name", required=False, shell_complete=_names)
@click.option("--kind", "wanted", metavar="KIND", help="Another kind than layers: loss, optimizer, metric, callback …")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Form of the answer.")
def command(name: str | None, wanted: str | None, form: str) -> None:
    """List all layers, or document one of them.

    NAME is a layer such as conv2d, or a component of any other kind, such as adam. Without NAME, list all layers, or
    all components of the KIND.
    """
    from dlspec.components import registry
    from dlspec.views import catalogue

    kind = "layer" if wanted is None else _kind(wanted)
    if name is not None:
        homes = catalogue.homes(name) if wanted is None else [kind] * (name in registry.names(kind))
        owner = registry.find(homes[0], name) if homes else None
        if owner is not None:
            if form == "json":
                print_document({"version": catalogue.VERSION, **catalogue.facts(owner)})
            else:
                print_text(catalogue.text(owner))
            return
        kind = catalogue.kind_of(name) if wanted is None else ""
        if not kind:
            raise click.UsageError(_unknown(name, _kind(wanted) if wanted else ""))
    print_document(catalogue.listing(kind)) if form == "json" else print_text(catalogue.list_text(kind))


def _kind(written: str) -> str:
    from dlspec.components import registry
    from dlspec.core.errors import suggest
    from dlspec.views import catalogue

    kind = catalogue.kind_of(written.lower())
    if not kind:
        suggestion = suggest(written, registry.kinds())
        help = f"did you mean `{suggestion}`?" if suggestion else f"one of {', '.join(registry.kinds())}"
        raise click.BadParameter(f"no such kind `{written}`; {help}", param_hint="--kind")
    return kind


def _unknown(name: str, kind: str) -> str:
    from dlspec.components.layers.refused import REFUSED
    from dlspec.semantics.schema.keywords import definition
    from dlspec.views import catalogue

    if name in REFUSED and kind in ("", "layer"):
        return f"`{name}` is no layer of a spec: {REFUSED[name].reason}; {REFUSED[name].help}"
    construct = definition("layer_body")["properties"].get(name) if not kind else None
    if construct:
        return f"`{name}` is no component but part of the language: {construct['description']} See docs/language.md"
    listed = f"dlspec layers --kind {kind}" if kind else "dlspec layers"
    names = [f"`{other}`" for other in catalogue.similar(name, kind)]
    help = f"did you mean {' or '.join(names)}?" if names else f"`{listed}` lists what there is"
    return f"no such {kind or 'layer or other component'} `{name}`; {help}"
