"""A YAML text as it is written: values with their quotes, collections with their brackets, and comments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml

from dlspec.syntax.comments import Comment, comments_of
from dlspec.syntax.source import LOADER

# A line and a column of the text, both from 0.
Position = tuple[int, int]
_DOCUMENT_END = (1 << 30, 0)


class NotWrittenError(Exception):
    """The text has something that is not kept: a directive, an indentation indicator."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


@dataclass(eq=False)
class Node:
    """A value.

    Attributes:
        kind: Its form.
        lines: Of a scalar or alias the text, line by line; of a block scalar its head first.
        flow: Whether a collection is in brackets.
        bare: Whether it is a pair inside of brackets without braces of its own: ``[dense: 3]``.
        after: Comments below the last item, with "" for a blank line.
        commented: Whether a comment stands between its brackets.
    """

    kind: Literal["scalar", "block", "map", "list"]
    start: Position
    end: Position
    anchor: str = ""
    lines: list[str] = field(default_factory=list)
    flow: bool = False
    bare: bool = False
    items: list[Item] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    commented: bool = False


@dataclass(eq=False)
class Item:
    """An item of a list, or an entry of a mapping.

    Attributes:
        start: Of its key, or of the dash before it.
        key: As it is written; None in a list.
        before: Comments on lines of their own above it, with "" for a blank line.
        head: The comment after its key or dash, where the value begins on a later line.
        beside: The comment behind its value.
    """

    start: Position
    key: Node | None
    value: Node
    owner: Node
    depth: int
    before: list[str] = field(default_factory=list)
    head: Beside | None = None
    beside: Beside | None = None


@dataclass(eq=False)
class Beside:
    """A comment behind something.

    Attributes:
        code: What stands before it on its line.
        gap: Blanks between them.
    """

    text: str
    code: str
    gap: int


def read(text: str) -> Node:
    """The root of a text that the loader finds nothing wrong with.

    Raises:
        NotWrittenError: It holds what a :class:`Node` does not keep.
    """
    reader = _Reader(text)
    root = reader.root()
    _Comments(reader, root, comments_of(text)).assign()
    return root


class _Reader:
    """Builds nodes from events; the lines that values take are remembered."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self.events: Iterator[Any] = iter(yaml.parse(text, Loader=LOADER))
        self.nodes: list[Node] = []
        self.items: list[Item] = []
        self.taken: set[int] = set()

    def root(self) -> Node:
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent) and (event.version or event.tags):
                raise NotWrittenError("a directive `%…` above the document", 0)
            if isinstance(event, yaml.NodeEvent):
                return self.node(event, 0)
        raise NotWrittenError("no document", 0)

    def node(self, event: Any, depth: int) -> Node:
        start = (event.start_mark.line, event.start_mark.column)
        end = (event.end_mark.line, event.end_mark.column)
        anchor = f"&{event.anchor}" if event.anchor and not isinstance(event, yaml.AliasEvent) else ""
        if isinstance(event, yaml.AliasEvent):
            node = Node("scalar", start, end, lines=[f"*{event.anchor}"])
        elif isinstance(event, yaml.ScalarEvent):
            node = self.scalar(event, start, end)
        else:
            return self.collection(event, start, anchor, depth)
        node.anchor = anchor
        self.nodes.append(node)
        self.taken.update(range(node.start[0], node.end[0] + 1))
        return node

    def scalar(self, event: Any, start: Position, end: Position) -> Node:
        if event.anchor and start != end:  # the mark stands at the anchor
            start = self.skip(start, f"&{event.anchor}")
        if event.style in ("|", ">"):
            return self.block_scalar(start, end)
        if start == end:
            return Node("scalar", start, end, lines=[""])
        if start[0] == end[0]:
            return Node("scalar", start, end, lines=[self.lines[start[0]][start[1] : end[1]]])
        first, last = self.lines[start[0]][start[1] :], self.lines[end[0]][: end[1]]
        return Node("scalar", start, end, lines=[first, *self.lines[start[0] + 1 : end[0]], last])

    def skip(self, start: Position, anchor: str) -> Position:
        line, column = start
        if self.lines[line].startswith(anchor, column):
            column += len(anchor)
        while not self.lines[line][column:].strip() or self.lines[line][column:].lstrip().startswith("#"):
            line, column = line + 1, 0
        return line, len(self.lines[line]) - len(self.lines[line][column:].lstrip())

    def block_scalar(self, start: Position, end: Position) -> Node:
        head = self.lines[start[0]][start[1] :].partition(" #")[0].rstrip()
        if any(character.isdigit() for character in head):
            raise NotWrittenError(f"`{head}` says how far a text is indented", start[0])
        last = end[0] if end[1] == 0 else end[0] + 1  # the end is the beginning of what follows
        body = self.lines[start[0] + 1 : last]
        while body and not body[-1].strip() and "+" not in head:
            body.pop()
        return Node("block", start, (start[0] + len(body), len(body[-1]) if body else 1 << 20), lines=[head, *body])

    def collection(self, event: Any, start: Position, anchor: str, depth: int) -> Node:
        mapping = isinstance(event, yaml.MappingStartEvent)
        flow = bool(event.flow_style)
        if anchor:
            start = self.skip(start, anchor)
        node = Node("map" if mapping else "list", start, start, anchor, flow=flow)
        node.bare = mapping and flow and self.lines[start[0]][start[1] : start[1] + 1] != "{"
        self.nodes.append(node)
        child: Any
        for child in self.events:
            if isinstance(child, yaml.CollectionEndEvent):
                ends: Any = child.end_mark
                node.end = (ends.line, ends.column) if flow else node.end
                break
            key = self.node(child, depth + 2) if mapping else None
            at = key.start if key else self.dash(node, child)
            item = Item(at, key, node, node, depth)  # the value follows
            self.items.append(item)
            item.value = self.node(next(self.events) if mapping else child, depth + 2)
            node.items.append(item)
            node.end = item.value.end
        if flow and node.bare:
            node.end = node.items[-1].value.end
        if flow:
            self.taken.update((node.start[0], node.end[0]))
        return node

    def dash(self, node: Node, child: Any) -> Position:
        """Where the dash of the next item of a list stands; in brackets, where the item itself begins."""
        mark: Any = child.start_mark
        value = (mark.line, mark.column)
        if node.flow:
            return value
        line, column = node.start
        if node.items:
            line = node.items[-1].value.end[0] + 1
            while line <= value[0] and (
                self.lines[line][:column].strip() or self.lines[line][column : column + 1] != "-"
            ):
                line += 1
        self.taken.add(line)
        return line, column


class _Comments:
    """Gives each comment, and each blank line, to the item that it belongs to."""

    def __init__(self, reader: _Reader, root: Node, comments: list[Comment]) -> None:
        self.reader, self.root, self.comments = reader, root, comments
        self.blocks = sorted((item for item in reader.items if not item.owner.flow), key=lambda i: (i.start, i.depth))
        self.flows = [node for node in reader.nodes if node.flow and not node.bare]

    def assign(self) -> None:
        alone = {comment.line - 1: comment for comment in self.comments if comment.alone}
        for comment in self.comments:
            if not comment.alone:
                self.beside(comment)
        blank = False
        starts: dict[int, Item] = {}
        for item in self.blocks:
            starts.setdefault(item.start[0], item)
        for number, line in enumerate(self.reader.lines):
            if number in alone:
                lines = self.above(alone[number])
                lines += [""] * blank + [alone[number].text]
                blank = False
            elif line.strip() or number in self.inner:
                if blank and number in starts:
                    starts[number].before.append("")
                blank = False
            else:
                blank = True
        for node in self.reader.nodes:  # no blank line below what opens a collection
            if node.items and node.items[0].before[:1] == [""]:
                del node.items[0].before[0]

    @property
    def inner(self) -> set[int]:
        return self.reader.taken

    def around(self, position: Position) -> Node | None:
        """The innermost brackets that a position is between."""
        nodes = [node for node in self.flows if node.start < position < node.end]
        for node in nodes:
            node.commented = True
        return max(nodes, key=lambda node: node.start, default=None)

    def above(self, comment: Comment) -> list[str]:
        """The list that a comment on a line of its own is appended to."""
        position = (comment.line - 1, comment.column - 1)
        brackets = self.around(position)
        if brackets is not None:
            later = next((item for item in brackets.items if item.start > position), None)
            return later.before if later else brackets.after
        following = next((item for item in self.blocks if item.start > position), None)
        least = following.start[1] if following else -1
        if following and position[1] <= least:
            return following.before
        ended = [
            node
            for node in self.reader.nodes
            if node.kind in ("map", "list")
            and not node.flow
            and node.end < position
            and least < node.start[1] <= position[1]
        ]
        if ended:
            return max(ended, key=lambda node: (node.end, node.start[1])).after
        return following.before if following else self.root.after

    def beside(self, comment: Comment) -> None:
        position = (comment.line - 1, comment.column - 1)
        line = self.reader.lines[position[0]][: position[1]]
        remark = Beside(comment.text, line.rstrip(), len(line) - len(line.rstrip()))
        brackets = self.around(position)
        if brackets is not None:
            ended = [item for item in brackets.items if item.value.end <= position]
            if ended and ended[-1].beside is None:
                ended[-1].beside = remark
            else:
                later = next((item for item in brackets.items if item.start > position), None)
                (later.before if later else brackets.after).append(comment.text)
            return
        for item in reversed(self.blocks):
            if item.start > position:
                continue
            value = item.value
            opens = value.kind == "block" and value.start[0] == position[0]
            if opens or value.start > position or value.lines == [""]:
                item.head = remark
            else:
                item.beside = remark
            return
        (self.root.items[0].before if self.root.items else self.root.after).append(comment.text)
