"""The loader: what PyYAML gets wrong is read right or refused, every value has its span, and limits hold."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlspec.core.tree import Map, Seq, is_empty
from dlspec.syntax.dumping import dump
from dlspec.syntax.source import MAX_BYTES, load, read_file

READ_RIGHT = {
    "1e-3": 0.001,
    "1E5": 1e5,
    ".5": 0.5,
    "-2.": -2.0,
    "+3": 3,
    "0x1F": 31,
    "0o17": 15,
    ".inf": math.inf,
    "-.Inf": -math.inf,
    "yes": "yes",
    "no": "no",
    "on": "on",
    "off": "off",
    "true": True,
    "False": False,
    "null": None,
    "~": None,
    "": None,
    "1_000": "1_000",
    "'012'": "012",
    '"2020-01-01"': "2020-01-01",
    "1.2.3": "1.2.3",
    "$a * 2": "$a * 2",
}


@pytest.mark.parametrize(("text", "value"), READ_RIGHT.items())
def test_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    document = load(f"key: {text}")
    assert document.diagnostics.items == []
    assert document.data is not None
    assert document.data["key"] == value
    assert type(document.data["key"]) is type(value)


REFUSED = [
    ("Y004", "a: [1, 2", 1),
    ("Y004", "a: b: c", 1),
    ("Y018", "a: *x", 1),
    ("Y005", "a:\n\tb: 1", 2),
    ("Y006", "a: b\u00a0c", 1),
    ("Y007", "a: 1\nb: 2\na: 3", 3),
    ("Y008", "a: 012", 1),
    ("Y008", "a: 2020-01-01", 1),
    ("Y008", "a: 1:30", 1),
    ("Y009", "a: !!python/object:os.system x", 1),
    ("Y009", "a: !tag [1]", 1),
    ("Y010", "b: &b {c: 1}\na: {<<: *b}", 2),
    ("Y011", "a: 1\n---\nb: 2", 2),
    ("Y012", "a: " + "[" * 70 + "]" * 70, 1),
    ("Y012", "a: " + "[" * 100_000, 1),
    ("Y014", "a: &a [1, *a]", 1),
    ("Y015", "a: " + "9" * 5000, 1),
    ("Y015", "a: 1e999", 1),
    ("Y016", "? [a, b]\n: 1", 1),
    ("Y017", "", 1),
    ("Y017", "- a", 1),
    ("Y017", "just text", 1),
]


@pytest.mark.parametrize(("code", "text", "line"), REFUSED, ids=[f"{c} {t[:24]!r}" for c, t, _ in REFUSED])
def test_refused_with_a_code_and_a_line(code: str, text: str, line: int) -> None:
    items = load(text).diagnostics.items
    assert items and items[0].code == code, items
    assert items[0].span is not None
    assert items[0].span.line == line


def test_an_alias_bomb_is_counted_written_out() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert [item.code for item in load("\n".join(lines)).diagnostics.items] == ["Y013"]


def test_ordinary_aliases_work() -> None:
    assert load("a: &a {b: [1]}\nc: *a").data == {"a": {"b": [1]}, "c": {"b": [1]}}


def test_a_duplicate_key_shows_both_lines() -> None:
    (item,) = load("layers: []\nname: x\nlayers: []").diagnostics.items
    assert item.message == "duplicate key `layers`"
    assert item.span is not None and item.notes[0].span is not None
    assert (item.span.line, item.notes[0].span.line) == (3, 1)


def test_spans_point_at_keys_and_values() -> None:
    data = load("name: é𝔘\nlayers:\n  - conv2d: {filters: 32, kernel_size: [3, 5]}\n  - 'x'\n").data
    assert data is not None
    layers = data["layers"]
    conv = layers[0]["conv2d"]
    assert isinstance(layers, Seq) and isinstance(conv, Map)
    assert data.value_spans["name"][1:5] == (1, 7, 1, 9)
    assert conv.key_spans["kernel_size"][1:5] == (3, 27, 3, 38)
    assert conv["kernel_size"].item_spans[1][1:5] == (3, 44, 3, 45)
    assert layers.item_spans[1][1:5] == (4, 5, 4, 8)
    assert layers.item_spans[0][1:3] == (3, 5)


def test_a_block_collection_ends_where_its_last_value_ends() -> None:
    data = load("a:\n  - 1\n  - 22\n\n# comment\n\nb: 1\n").data
    assert data is not None
    assert data.value_spans["a"][1:5] == (2, 3, 3, 7)


def test_a_key_without_a_value_differs_from_null() -> None:
    data = load("params: {filters, stride: null, act: ~}\nlast:\n").data
    assert data is not None
    assert is_empty(data["params"], "filters") and is_empty(data, "last")
    assert not is_empty(data["params"], "stride") and not is_empty(data["params"], "act")


def test_unreadable_files(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("name: x\ndescription: Å\n".encode("latin-1"))
    (item,) = read_file(latin).diagnostics.items
    assert (item.code, item.message, item.help) == ("Y002", "byte 0xc5 is not UTF-8", "save the file as UTF-8")
    assert item.span is not None and item.span[1:3] == (2, 14)
    assert [d.code for d in read_file(tmp_path / "absent.yaml").diagnostics.items] == ["Y001"]
    assert [d.code for d in read_file(tmp_path).diagnostics.items] == ["Y001"]
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (MAX_BYTES + 1))
    assert [d.code for d in read_file(large).diagnostics.items] == ["Y003"]


def test_windows_line_ends_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "windows.yaml"
    path.write_bytes(b"\xef\xbb\xbfname: x\r\nlayers: []\r\n")
    document = read_file(path)
    assert document.data == {"name": "x", "layers": []}
    assert document.diagnostics.items == []


TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn", "Co")) | st.just("\n"))
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab1-.:$ ", min_size=1), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.dictionaries(st.text("abcdefg", min_size=1), PLAIN, min_size=1, max_size=4))
def test_what_we_dump_we_load_unchanged(data: dict[str, object]) -> None:
    document = load(dump(data))
    assert document.diagnostics.items == []
    assert document.data == data
