"""A saved model → the text of a spec that `check` accepts, and that makes the same graph."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dlspec.backends.importing.archives import Source
from dlspec.backends.importing.conversion import convert
from dlspec.backends.importing.steps import Model
from dlspec.backends.importing.writing import flat_text, output_names
from dlspec.core.errors import Diagnostic, Problem
from dlspec.core.ir import Graph
from dlspec.drafting.models.equality import same_graph
from dlspec.drafting.models.folded import folded_text
from dlspec.drafting.models.training import add_training
from dlspec.drafting.models.weights import come_along, in_order_of
from dlspec.graph.layer_order import nested_calls
from dlspec.passes import Workspace, compile_spec
from dlspec.passes.state import Lowered
from dlspec.syntax.dumping import inline

# Under this name a text is compiled that stands in no file yet.
_UNSAVED = Path("imported.yaml")
_SHOWN = 5
# Nested calls that leave room for those around Keras.
_DEEPEST = 850


class Draft(NamedTuple):
    """A spec for a saved model.

    Attributes:
        text: The spec.
        graph: What it makes.
        remarks: What the file does not say, or a spec cannot.
        weighted: Whether the weights of the file come along with `match: order`; None where it has none.
        order: The layers of a file that Keras has not written, as the draft takes their weights.
    """

    text: str
    graph: Graph
    remarks: list[str]
    weighted: bool | None = None
    order: Sequence[str] = ()

    def starting(self, file: str) -> Draft:
        """The same with weights from a file: in the section `train`, or in a comment where there is none.

        Args:
            file: As the spec writes its path.
        """
        line = f"start_from: {inline({'file': file, 'match': 'order'})}"
        if "\ntrain:\n" in self.text:
            return self._replace(text=f"{self.text}  {line}\n")
        first, rest = self.text.split("\n", 1)
        return self._replace(text=f"{first}\n# its weights come first with `train: {{{line}}}`\n{rest}")


def drafted(source: Source, *, flat: bool = False) -> Draft:
    """A spec for a saved model.

    Args:
        source: The model as data.
        flat: One line for each layer.

    Raises:
        Problem: E801, E802 or E803, no spec says what the model is.
    """
    model = convert(source)
    names = output_names(model.main)
    add_training(model, source.compiled, lambda number: names[number])
    graph = _graph(flat_text(model), source)
    expect = _expectations(graph)
    head = [f"imported from {source.shown}", *source.notes]
    if not flat:
        text = folded_text(model, head, expect)
        folded = _compiled(text)
        if folded is not None and same_graph(folded, graph) and _not_deeper(folded, graph):
            draft = _weighted(Draft(text, folded, model.remarks), source, model, graph)
            if draft is not None:
                return draft
    plain = Draft(flat_text(model, head, expect), graph, model.remarks)
    return _weighted(plain, source, model, graph) or plain


def _weighted(draft: Draft, source: Source, model: Model, flat: Graph) -> Draft | None:
    """The draft with what becomes of the weights; None where another draft would take them and this does not."""
    if not source.weights:
        return draft._replace(weighted=come_along(source, model, flat, draft.graph))
    order = in_order_of(model, flat, draft.graph)
    return draft._replace(weighted=True, order=order) if order is not None else None


def _not_deeper(folded: Graph, graph: Graph) -> bool:
    """Whether Keras builds the folded graph where it builds the flat one: tensors of a sum may have changed places."""
    return nested_calls(folded) <= max(_DEEPEST, nested_calls(graph))


def _compiled(text: str) -> Graph | None:
    """What a text makes; None where it has an error."""
    state = compile_spec(_UNSAVED, (), Workspace(texts={_UNSAVED: text}))
    return None if state.diagnostics.errors or not isinstance(state, Lowered) else state.graph


def _graph(text: str, source: Source) -> Graph:
    """What a text makes.

    Raises:
        Problem: E803, it is refused: the model holds what a spec may not.
    """
    state = compile_spec(_UNSAVED, (), Workspace(texts={_UNSAVED: text}))
    errors = state.diagnostics.errors
    if errors or not isinstance(state, Lowered):
        lines = text.split("\n")
        shown = [_with_line(item, lines) for item in errors[:_SHOWN]]
        more = f"; and {len(errors) - _SHOWN} more" if len(errors) > _SHOWN else ""
        raise Problem("E803", f"a spec does not hold what stands in `{source.shown}`: " + "; ".join(shown) + more)
    return state.graph


def _with_line(item: Diagnostic, lines: Sequence[str]) -> str:
    line = lines[item.span.line - 1].strip() if item.span else ""
    return f"{item.message} (`{line[:80]}`)" if line else item.message


def _expectations(graph: Graph) -> dict[str, Any]:
    shapes = {name: list(graph.tensor(edge).shape) for name, edge in graph.outputs}
    return {
        "parameters": graph.parameters,
        "output": shapes if len(shapes) > 1 else next(iter(shapes.values())),
    }
