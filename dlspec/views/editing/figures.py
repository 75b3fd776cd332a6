"""The counts of a graph by the lines of the spec that make them: what stands behind each layer, block and group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from dlspec.core.ir import Edge, Graph, Node, Tensor
from dlspec.graph.facts import show_count
from dlspec.views.editing.analysis import Analysis


@dataclass(slots=True)
class Figures:
    """The counts of all that one line of a spec makes.

    Attributes:
        entering: Types of the tensors that enter, each once, in order.
        leaving: Types of those that leave.
        parameters: Scalars in the variables that it makes.
        flops: Operations for an example; None where a size is unknown.
        calls: How many layers it makes.
        shared: Whether a call uses weights that an earlier one made.
    """

    entering: list[Tensor] = field(default_factory=list)
    leaving: list[Tensor] = field(default_factory=list)
    parameters: int = 0
    flops: int | None = 0
    calls: int = 0
    shared: bool = False

    def add(self, node: Node) -> None:
        """Counts a layer."""
        self.calls += 1
        self.parameters += node.parameters
        self.shared = self.shared or node.shared is not None
        self.flops = None if self.flops is None or node.flops is None else self.flops + node.flops

    def hint(self) -> str:
        """What an editor shows behind the line: shape and parameters."""
        parts = [_shapes(self.leaving)] if self.leaving else []
        if self.parameters:
            parts.append(f"{self.parameters:,} parameter{'s' if self.parameters != 1 else ''}")
        elif self.shared:
            parts.append("shared weights")
        return ", ".join(parts)

    def table(self) -> str:
        """All counts as Markdown."""
        lines = [f"takes `{_shapes(self.entering)}`"] if self.entering else []
        lines += [f"gives `{_shapes(self.leaving)}`"] if self.leaving else []
        lines.append(f"{self.parameters:,} parameters" + (", shared weights" if self.shared else ""))
        lines.append(f"{show_count(self.flops)} FLOPs per example" if self.flops is not None else "FLOPs unknown")
        if self.calls > 1:
            lines.append(f"{self.calls} layers")
        return "  \n".join(lines)


def figures_by_line(analysis: Analysis) -> dict[int, Figures]:
    """The figures of each line of the text that makes layers or calls a block; {} where an error hides the graph."""
    lines: dict[int, Figures] = {}
    for graph in analysis.graphs:
        _count(graph, analysis.name, lines)
    return lines


def _count(graph: Graph, file: str, lines: dict[int, Figures]) -> None:
    made = [tuple(dict.fromkeys(_lines(node, file))) for node in graph.nodes]
    seen: set[tuple[int, Edge, bool]] = set()

    def meet(line: int, edge: Edge, *, leaves: bool) -> None:
        if (line, edge, leaves) not in seen:
            seen.add((line, edge, leaves))
            tensors = lines[line].leaving if leaves else lines[line].entering
            tensor = graph.tensor(edge)
            if tensor not in tensors:
                tensors.append(tensor)

    for node, own in zip(graph.nodes, made, strict=True):
        for line in own:
            lines.setdefault(line, Figures()).add(node)
        for edge in node.edges:
            source = made[edge.node]
            for line in own:
                if line not in source:
                    meet(line, edge, leaves=False)
            for line in source:
                if line not in own:
                    meet(line, edge, leaves=True)
    for _, edge in graph.roots:
        for line in made[edge.node]:
            meet(line, edge, leaves=True)


def _lines(node: Node, file: str) -> Iterator[int]:
    """The lines of a file that make a layer: its own, and those of the calls and groups around it."""
    if node.layer is not None:
        for span in (node.span, *node.trace):
            if span is not None and span.file == file:
                yield span.line


def _shapes(tensors: list[Tensor]) -> str:
    """Types of tensors; of many, as in a block that is called often, the first and the last."""
    texts = [str(tensor) for tensor in tensors]
    return ", ".join(texts) if len(texts) <= 3 else f"{texts[0]} … {texts[-1]}"
