"""A picture as SVG: text stays text, colours follow the reader's light or dark setting, nothing is fetched or run."""

from __future__ import annotations

import html
import re

from dlspec.core.ir import Graph, Node
from dlspec.graph.facts import headline
from dlspec.views.drawing.boxes import Box, Frame
from dlspec.views.drawing.columns import picture
from dlspec.views.drawing.layout import HEADER, LINE, PADDING, TITLE, Area, Label, Line
from dlspec.views.drawing.texts import shape_text

HEAD = 40.0
CORNER = 7.0
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

STYLE = """
.dlspec { --ink: #1f2430; --soft: #667085; --line: #98a2b3; --paper: #ffffff; --box: #f5f7fa; --frame: #f9fafb;
  --edge: #475467; --input: #e7f0fb; --output: #eaf6ec; background: var(--paper); color: var(--ink);
  font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", Helvetica, Arial, sans-serif; font-size: 12px; }
@media (prefers-color-scheme: dark) { .dlspec { --ink: #e6e8ee; --soft: #98a2b3; --line: #596173; --paper: #14171d;
  --box: #242a35; --frame: #1a1e26; --edge: #a5adbd; --input: #1d3350; --output: #1c3b26; } }
.dlspec text { fill: currentColor; }
.dlspec .small { font-size: 10px; fill: var(--soft); }
.dlspec .end { text-anchor: end; }
.dlspec .mid { text-anchor: middle; }
.dlspec .halo { paint-order: stroke; stroke: var(--paper); stroke-width: 3px; stroke-linejoin: round; }
.dlspec .words text { paint-order: stroke; stroke: var(--frame); stroke-width: 4px; stroke-linejoin: round; }
.dlspec .head { font-size: 15px; font-weight: 600; }
.dlspec .box rect { fill: var(--box); stroke: var(--line); }
.dlspec .input rect { fill: var(--input); }
.dlspec .output rect { fill: var(--output); }
.dlspec .frame rect { fill: var(--frame); stroke: var(--line); stroke-dasharray: 4 3; }
.dlspec .edge { fill: none; stroke: var(--edge); stroke-width: 1.2; }
.dlspec .tip { fill: var(--edge); }
"""

OBJECTIVES = """.dlspec .objective rect { fill: #fdf0e3; stroke-dasharray: 4 3; }
@media (prefers-color-scheme: dark) { .dlspec .objective rect { fill: #47301a; } }
"""


def svg(graph: Graph, name: str, description: str = "") -> str:
    """The graph as a whole SVG document.

    Args:
        graph: What to draw.
        name: Its title.
        description: A sentence on it, for those who do not see the picture.
    """
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + element(graph, name, description)


def element(graph: Graph, name: str, description: str = "", prefix: str = "model", heading: bool = True) -> str:
    """The ``svg`` element; `prefix` keeps its identifiers apart from others of the same page."""
    drawn, facts = picture(graph), headline(graph)
    top = HEAD if heading else 0.0
    width = max(drawn.width, 340.0)
    shift = (width - drawn.width) / 2
    size = f"{_n(width)} {_n(drawn.height + top)}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="dlspec" viewBox="0 0 {size}" '
        f'width="{_n(width)}" height="{_n(drawn.height + top)}" role="img" '
        f'aria-labelledby="{prefix}-title {prefix}-desc">',
        f'<title id="{prefix}-title">{escape(name)}</title>',
        f'<desc id="{prefix}-desc">{escape(" ".join([description, facts]).strip())}</desc>',
        f"<style>{STYLE}{OBJECTIVES if graph.objectives else ''}</style>",
        f'<defs><marker id="{prefix}-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path class="tip" d="M0 .8 8 4 0 7.2z"/></marker></defs>',
        f'<rect width="{_n(width)}" height="{_n(drawn.height + top)}" fill="var(--paper)"/>',
        *([_heading(name, facts)] if heading else []),
        f'<g transform="translate({_n(shift)} {_n(top)})">',
        *(_frame(area) for area in drawn.areas if isinstance(area.thing, Frame)),
        *(_edge(line, prefix) for line in drawn.lines),
        *(_frame_words(area) for area in drawn.areas if isinstance(area.thing, Frame)),
        *(_box(area) for area in drawn.areas if isinstance(area.thing, Box)),
        *(_label(label) for label in drawn.labels),
        "</g>",
        "</svg>\n",
    ]
    return "\n".join(parts)


def escape(text: str) -> str:
    """Text that is safe as content and as an attribute, without characters that XML does not know."""
    return html.escape(_FORBIDDEN.sub("\ufffd", text))


def _heading(name: str, facts: str) -> str:
    return (
        f'<text class="head" x="16" y="24">{escape(name[:60])}</text>'
        f'<text class="small" x="16" y="39">{escape(facts)}</text>'
    )


def _rectangle(area: Area, radius: float) -> str:
    shape = f'width="{_n(area.width)}" height="{_n(area.height)}" rx="{_n(radius)}"'
    below = f'<rect x="{_n(area.x + 4)}" y="{_n(area.y + 4)}" {shape}/>' if area.thing.count > 1 else ""
    return f'{below}<rect x="{_n(area.x)}" y="{_n(area.y)}" {shape}/>'


def _frame(area: Area) -> str:
    return f'<g class="frame">{_rectangle(area, 8)}</g>'


def _frame_words(area: Area) -> str:
    """Title and number of parameters, over the edges that enter the frame."""
    frame = area.thing
    assert isinstance(frame, Frame)
    y = area.y + HEADER - 2
    note = f'<text class="small end" x="{_n(area.x + area.width - 8)}" y="{_n(y)}">{frame.note}</text>'
    return f'<g class="words">{_title(area, y)}{note if frame.note else ""}</g>'


def _title(area: Area, y: float) -> str:
    times = f" × {area.thing.count}" if area.thing.count > 1 else ""
    return f'<text class="small" x="{_n(area.x + 8)}" y="{_n(y)}">{escape(area.thing.title + times)}</text>'


def _box(area: Area) -> str:
    box = area.thing
    assert isinstance(box, Box)
    rounding = area.height / 2 if box.kind != "layers" else 6.0
    parts = [f'<g class="box {box.kind}">', f"<title>{escape(_tooltip(box))}</title>", _rectangle(area, rounding)]
    y = area.y + 5 + LINE / 2 + 4
    if box.title or box.count > 1:
        parts.append(_title(area, area.y + 14))
        y += TITLE
    for text, note in box.lines:
        if note or len(box.lines) > 1 or box.title:
            parts.append(f'<text x="{_n(area.x + PADDING)}" y="{_n(y)}">{escape(text)}</text>')
        else:
            parts.append(f'<text class="mid" x="{_n(area.x + area.width / 2)}" y="{_n(y)}">{escape(text)}</text>')
        if note:
            right = area.x + area.width - PADDING
            parts.append(f'<text class="small end" x="{_n(right)}" y="{_n(y)}">{escape(note)}</text>')
        y += LINE
    return "".join([*parts, "</g>"])


def _tooltip(box: Box) -> str:
    return "\n".join(map(_full, box.nodes)) or f"{box.kind} {box.lines[0][0]}"


def _full(node: Node) -> str:
    options = node.layer.describe() if node.layer is not None else ""
    shapes = ", ".join(map(shape_text, node.outputs))
    count = f", {node.parameters:,} parameters" if node.parameters else ""
    return f"{node.name}: {node.kind} {options}".rstrip() + f" → {shapes}{count}"


def _edge(line: Line, prefix: str) -> str:
    tip = f' marker-end="url(#{prefix}-tip)"' if line.arrow else ""
    return f'<path class="edge" d="{_corners(line) if line.square else _curves(line)}"{tip}/>'


def _curves(line: Line) -> str:
    path: list[str] = []
    x = y = "0"
    for next_x, next_y in ((_n(a), _n(b)) for a, b in line.points):
        if not path:
            path.append(f"M{next_x} {next_y}")
        elif next_x != x:
            middle = _n((float(y) + float(next_y)) / 2)
            path.append(f"C{x} {middle} {next_x} {middle} {next_x} {next_y}")
        elif next_y != y:
            path.append(f"V{next_y}")
        x, y = next_x, next_y
    return "".join(path)


def _corners(line: Line) -> str:
    """Straight stretches whose corners are rounded."""
    points = line.points
    path = [f"M{_n(points[0][0])} {_n(points[0][1])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        into, out = _towards(corner, before), _towards(corner, after)
        path.append(f"L{into}Q{_n(corner[0])} {_n(corner[1])} {out}")
    return "".join([*path, f"L{_n(points[-1][0])} {_n(points[-1][1])}"])


def _towards(start: tuple[float, float], stop: tuple[float, float]) -> str:
    """A point near `start` on the way to `stop`."""
    x, y = stop[0] - start[0], stop[1] - start[1]
    share = min(1.0, CORNER / max(abs(x), abs(y), 1e-9))
    return f"{_n(start[0] + x * share)} {_n(start[1] + y * share)}"


def _label(label: Label) -> str:
    end = " end" if label.side < 0 else ""
    return f'<text class="small halo{end}" x="{_n(label.x)}" y="{_n(label.y)}">{escape(label.text)}</text>'


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
