"""Pictures of models: whole, without overlaps, the same every time, and safe whatever the names are."""

from __future__ import annotations

import random
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest

from dlspec.core.ir import Edge, Graph, Node, SharedModel, Tensor
from dlspec.passes import compile_spec
from dlspec.views.drawing import Picture, page, picture, svg
from dlspec.views.drawing.boxes import Box, Frame
from dlspec.views.drawing.layout import Area, Line
from tests.support import ROOT, SPECS, compile_text, dlspec

RESNET = "specs/cnn/resnet50.yaml"
UNET = "specs/segmentation/unet.yaml"
XML = "{http://www.w3.org/2000/svg}"


@cache
def graph_of(spec: str) -> Graph:
    graph = compile_spec(ROOT / spec).graph
    assert graph is not None
    return graph


def drawn(folder: Path, text: str) -> Picture:
    graph = compile_text(folder, text).graph
    assert graph is not None
    return picture(graph)


def boxes(result: Picture) -> list[Area]:
    return [area for area in result.areas if isinstance(area.thing, Box)]


def frames(result: Picture) -> list[Area]:
    return [area for area in result.areas if isinstance(area.thing, Frame)]


def words(result: Picture) -> list[str]:
    return [text for area in boxes(result) if isinstance(area.thing, Box) for text, _ in area.thing.lines]


def overlap(a: Area, b: Area) -> bool:
    return a.x < b.x + b.width and b.x < a.x + a.width and a.y < b.y + b.height and b.y < a.y + a.height


def contains(outer: Area, inner: Area) -> bool:
    return (
        outer.x <= inner.x
        and outer.y <= inner.y
        and outer.x + outer.width >= inner.x + inner.width
        and outer.y + outer.height >= inner.y + inner.height
    )


@pytest.mark.parametrize("spec", SPECS)
def test_the_svg_is_whole_and_the_same_every_time(spec: str) -> None:
    text = svg(graph_of(spec), "a name", "a description")
    root = ET.fromstring(text)
    assert root.findtext(f"{XML}title") == "a name"
    assert (root.findtext(f"{XML}desc") or "").startswith("a description")
    assert not root.findall(f".//{XML}script") and not re.search(r"href|src=|@import|https?://(?!www\.w3\.org)", text)
    assert text == svg(graph_of(spec), "a name", "a description")


@pytest.mark.parametrize("spec", SPECS)
def test_every_node_or_the_one_that_stands_for_it_is_in_a_box(spec: str) -> None:
    graph = graph_of(spec)
    result = picture(graph)
    assert result.drawing is not None
    titles = {title.text for title in ET.fromstring(svg(graph, "name")).iter(f"{XML}title")}
    shown = {line.split(":")[0] for title in titles for line in (title or "").split("\n")}
    for node in graph.nodes:
        box = result.drawing.box_of(node.index)
        assert any(node.kind == inside.kind and node.outputs == inside.outputs for inside in box.nodes)
        assert all(inside.name in shown for inside in box.nodes)
    outputs = [box.lines[0][0] for box in result.drawing.boxes if box.kind == "output"]
    assert sorted(outputs) == sorted(name for name, _ in graph.outputs)


@pytest.mark.parametrize("spec", SPECS)
def test_boxes_and_frames_stand_apart_and_inside_the_picture(spec: str) -> None:
    stand_apart(picture(graph_of(spec)))


def stand_apart(result: Picture) -> None:
    whole = Area(Frame("", []), 0, 0, result.width, result.height)
    for number, area in enumerate(boxes(result)):
        assert contains(whole, area)
        assert not any(overlap(area, other) for other in boxes(result)[number + 1 :])
    for frame in frames(result):
        assert contains(whole, frame)
        for other in result.areas:
            assert other is frame or not overlap(frame, other) or contains(frame, other) or contains(other, frame)


def touches(point: tuple[float, float], area: Area, y: float) -> bool:
    return abs(point[1] - y) < 0.01 and area.x - 0.01 <= point[0] <= area.x + area.width + 0.01


@pytest.mark.parametrize("spec", SPECS)
def test_edges_connect_what_they_say_and_cross_no_box(spec: str) -> None:
    connect(picture(graph_of(spec)))


def connect(result: Picture) -> None:
    areas = {id(area.thing): area for area in result.areas}
    assert result.lines
    for line in result.lines:
        if line.source is not None:
            source = areas[id(line.source)]
            assert touches(line.points[0], source, source.y + source.height)
        if line.target is not None:
            target = areas[id(line.target)]
            assert touches(line.points[-1], target, target.y)
        for area in boxes(result):
            assert not crosses(line, area)


def crosses(line: Line, area: Area) -> bool:
    """Whether the band of a stretch of an edge meets the inside of a box."""
    for (x, y), (next_x, next_y) in zip(line.points, line.points[1:], strict=False):
        left, right, top, bottom = min(x, next_x), max(x, next_x), min(y, next_y), max(y, next_y)
        inside = right > area.x + 1 and left < area.x + area.width - 1
        if inside and bottom > area.y + 1 and top < area.y + area.height - 1:
            return True
    return False


@pytest.mark.parametrize("spec", SPECS)
def test_labels_are_inside_the_picture_and_off_the_boxes(spec: str) -> None:
    result = picture(graph_of(spec))
    for label in result.labels:
        assert 0 <= label.x <= result.width and 0 <= label.y <= result.height
        for area in boxes(result):
            inside = area.x < label.x < area.x + area.width
            assert not (inside and area.y < label.y - 3 < area.y + area.height), label


def random_graph(seed: int) -> Graph:
    """Nodes with any wiring, in nested block calls of any length."""
    choose = random.Random(seed)
    nodes = [Node(index, f"in{index}", None, (), (), (Tensor((4,)),)) for index in range(choose.randint(1, 3))]
    groups: tuple[str, ...] = ()
    for index in range(len(nodes), len(nodes) + choose.randint(1, 40)):
        move = choose.random()
        if move < 0.2 and len(groups) < 3:
            groups = (*groups, f"block_{index}")
        elif move < 0.45:
            groups = groups[:-1]
        before = [choose.choice(nodes) if choose.random() < 0.4 else nodes[-1] for _ in range(choose.randint(1, 3))]
        edges = tuple(Edge(node.index, choose.randrange(len(node.outputs))) for node in before)
        outputs = tuple(Tensor((choose.choice([4, 400, None]),)) for _ in range(choose.choice([1, 1, 1, 3])))
        layer = SharedModel(choose.choice(["one", "a_much_longer_name"]), Graph("", (), (), ()))
        nodes.append(Node(index, f"node_{index}", layer, edges, (), outputs, groups=groups))
    ends = {node.index for node in nodes} - {edge.node for node in nodes for edge in node.edges}
    return Graph("random", tuple(nodes), (0,), tuple((f"out{index}", Edge(index)) for index in sorted(ends)))


@pytest.mark.parametrize("seed", range(60))
def test_random_graphs_are_drawn_as_cleanly(seed: int) -> None:
    result = picture(random_graph(seed))
    stand_apart(result)
    connect(result)
    ET.fromstring(svg(random_graph(seed), "random"))


def test_resnet_is_no_ribbon() -> None:
    graph = graph_of(RESNET)
    result = picture(graph)
    assert len(graph.nodes) > 190 and len(boxes(result)) < 60
    assert len(svg(graph, "resnet50")) < 200_000 and len(page(graph, "resnet50")) < 1_000_000
    assert result.height < 1600 and result.width < 1600
    titles = [(area.thing.title, area.thing.count) for area in frames(result)]
    assert titles[:2] == [("bottleneck", 1), ("bottleneck_1 … bottleneck_2", 2)]
    assert [count for _, count in titles] == [1, 2, 1, 3, 1, 5, 1, 2]
    assert "conv2d 64 · 7×7 / 2" in words(result)
    assert "batch_normalization · relu" in words(result) and "add · relu" in words(result)


def test_resnet152_is_no_larger_than_resnet50() -> None:
    assert len(boxes(picture(graph_of("specs/cnn/resnet152.yaml")))) == len(boxes(picture(graph_of(RESNET))))


def test_the_skips_of_unet_run_beside_the_column() -> None:
    result = picture(graph_of(UNET))
    skips = [line for line in result.lines if len({round(x) for x, _ in line.points}) > 2]
    column = min(area.x for area in boxes(result))
    lanes = sorted(min(x for x, _ in line.points) for line in skips)
    assert len(set(lanes)) == 4 and lanes[-1] < column


def test_a_tall_picture_has_columns_that_one_line_connects() -> None:
    connections = [line for line in picture(graph_of(RESNET)).lines if line.square]
    assert len(connections) == 2 and all(line.points[-1][1] < line.points[0][1] for line in connections)
    assert not any(line.square for line in picture(graph_of(UNET)).lines)  # its skips leave no good area to cut


def test_branches_stand_side_by_side(tmp_path: Path) -> None:
    text = "inputs: {x: [4]}\nlayers:\n  - parallel: [[dense: 1], [dense: 2], [dense: 3]]\n  - dense: 4\n"
    result = drawn(tmp_path, text)
    at = {area.thing.lines[0][0]: area for area in boxes(result) if isinstance(area.thing, Box)}
    one, two, three = at["dense 1"], at["dense 2"], at["dense 3"]
    assert one.y == two.y == three.y and len({one.x, two.x, three.x}) == 3


def test_a_repetition_of_blocks_becomes_one_frame(tmp_path: Path) -> None:
    block = "blocks:\n  Step:\n    layers:\n      - residual:\n          - dense: 8\n          - layer_normalization\n"
    text = f"inputs: {{x: [8]}}\n{block}layers:\n  - Step: {{repeat: 5}}\n  - dense: 1\n"
    result = drawn(tmp_path, text)
    assert [(area.thing.title, area.thing.count) for area in frames(result)] == [("step … step_4", 5)]
    assert len(boxes(result)) == 5


def test_a_repetition_without_a_block_is_folded_too(tmp_path: Path) -> None:
    text = (
        "inputs: {x: [8]}\nlayers:\n  - repeat: {times: 4, layers: [{dense: 8}, layer_normalization, {dropout: 0.1}]}\n"
    )
    (folded,) = [area.thing for area in boxes(drawn(tmp_path, text)) if area.thing.count > 1]
    assert isinstance(folded, Box) and folded.count == 4
    assert [text for text, _ in folded.lines] == ["dense 8", "layer_normalization", "dropout 0.1"]


def test_turns_that_something_else_uses_are_not_folded(tmp_path: Path) -> None:
    text = (
        "inputs: {x: [8]}\nlayers:\n  - repeat: {times: 3, layers: [{dense: {units: 8, name: turn}}]}\n  - add: turn\n"
    )
    graph = compile_text(tmp_path, text).graph
    assert graph is not None
    assert all(area.thing.count == 1 for area in boxes(picture(graph)))
    assert len(boxes(picture(graph))) == 6


HOSTILE = '<script>alert("1")</script> & \x00 \ud800 ]]>'


def hostile() -> Graph:
    one = Node(0, HOSTILE, None, (), (), (Tensor((4,)),))
    return Graph(HOSTILE, (one,), (0,), ((HOSTILE, Edge(0)),))


def test_hostile_names_stay_text() -> None:
    text = svg(hostile(), HOSTILE, HOSTILE)
    root = ET.fromstring(text.encode("utf-8"))
    assert not root.findall(f".//{XML}script") and "<script" not in text
    assert (root.findtext(f"{XML}title") or "").startswith('<script>alert("1")</script> & \ufffd')


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.opened.append(tag)


def test_a_page_runs_and_fetches_nothing() -> None:
    tags = _Tags()
    tags.feed(page(hostile(), HOSTILE, HOSTILE))
    assert not {"script", "link", "img", "iframe"} & set(tags.opened)
    assert {"svg", "details", "table", "h1"} <= set(tags.opened)


def test_a_page_shows_description_totals_and_every_layer() -> None:
    graph = graph_of(RESNET)
    text = page(graph, "resnet50", "Fifty layers.")
    assert "<p>Fifty layers.</p>" in text and "25,636,712" in text
    assert all(f"<td>{node.name}</td>" in text for node in graph.nodes)


def test_a_page_draws_shared_models(tmp_path: Path) -> None:
    text = (
        "inputs: {a: [4], b: [4]}\nmodels:\n  Twin:\n    inputs: {x: [4]}\n    layers: [dense: 3]\n"
        "layers:\n  - Twin: {from: a, name: p}\n  - Twin: {from: b, name: q}\n  - subtract: [p, q]\n"
    )
    state = compile_text(tmp_path, text)
    assert state.graph is not None, state.diagnostics.items
    result = page(state.graph, "twins")
    assert "shared model Twin" in result and "Layers of Twin" in result and 'id="model-0-title"' in result


def test_show_writes_the_files_and_says_so(tmp_path: Path) -> None:
    result = dlspec("show", RESNET, "--svg", str(tmp_path / "a.svg"), "--html", str(tmp_path / "a.html"))
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr.splitlines() == [f"wrote {tmp_path / 'a.svg'}", f"wrote {tmp_path / 'a.html'}"]
    assert (tmp_path / "a.svg").read_text(encoding="utf-8").startswith("<?xml")
    assert (tmp_path / "a.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "a.svg"]


def test_drawing_never_imports_a_framework(tmp_path: Path) -> None:
    arguments = ["show", UNET, "--svg", str(tmp_path / "a.svg"), "--html", str(tmp_path / "a.html")]
    code = (
        f"import sys\nfrom dlspec.cli.main import run\ncode = run({arguments!r})\n"
        "sys.exit(code or str({'tensorflow', 'keras', 'numpy', 'jinja2'} & set(sys.modules) or '') or 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("option", "file", "message"),
    [
        ("--svg", "a.png", "must end in `.svg`"),
        ("--html", "a.svg", "must end in `.html`"),
        ("--svg", "absent/a.svg", "there is no folder"),
        ("--svg", "folder.svg", "is a folder"),
    ],
)
def test_show_refuses_files_it_cannot_write(tmp_path: Path, option: str, file: str, message: str) -> None:
    (tmp_path / "folder.svg").mkdir()
    result = dlspec("show", RESNET, option, str(tmp_path / file))
    assert (result.returncode, result.stdout) == (2, "")
    assert message in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["folder.svg"]
