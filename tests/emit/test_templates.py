"""``--template-dir``: a house style of one's own, and every way in which a template can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlspec.cli.main import run
from dlspec.core.pieces import Piece, call
from dlspec.export.python.imports import import_lines, used_names
from dlspec.export.python.templates import Code, escaped

SPEC = "name: tiny\ninputs: {a: [3]}\nlayers: [{dense: 2}]\n"
OURS = Path(__file__).resolve().parent.parent.parent / "templates" / "python" / "model.py.jinja"

WRONG = {
    "{% if title %}": ("model.py.jinja, line 1: Unexpected end of template",),
    "{{ title": ("model.py.jinja, line 1: unexpected end of template",),
    "one\n{{ titel }}": ("model.py.jinja, line 2: 'titel' is undefined",),
    "{{ 1 / 0 }}": ("model.py.jinja, line 1: ZeroDivisionError: division by zero",),
    "\n\n{{ title.missing() }}": ("line 3: ",),
    "{{ title | nothing }}": ("line 1: No filter named 'nothing'",),
    "{% include 'header.jinja' %}": ("takes in `header.jinja`, which does not exist",),
    "{{ title.__class__.__mro__ }}": ("line 1: ", "unsafe"),
    "import subprocess\n": ("is refused: an import of `subprocess`",),
    "x = eval('1')\n": ("is refused: line 1: `eval` may not be used",),
    "x = ().__class__\n": ("is refused: line 1: the attribute `__class__`",),
    "def f(:\n": ("is refused: line 1: ",),
    "{{ title }}\n": ("is refused: line 1: ",),
    b"\xff\xfe": ("line 1: the file is not UTF-8",),
}


def export(folder: Path, template: str | bytes | None, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code and output of an export with one template of the user's."""
    spec = folder / "tiny.yaml"
    spec.write_text(SPEC, encoding="utf-8")
    style = folder / "style"
    style.mkdir()
    if template is not None:
        (style / "model.py.jinja").write_bytes(template if isinstance(template, bytes) else template.encode())
    code = run(["export", str(spec), "--to", "python", "--template-dir", str(style)])
    shown = capsys.readouterr()
    return code, shown.out + shown.err


@pytest.mark.parametrize(("template", "expected"), WRONG.items(), ids=map(repr, WRONG))
def test_a_wrong_template_is_told_as_such(
    template: str | bytes, expected: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, output = export(tmp_path, template, capsys)
    assert code == 1, output
    assert all(text in output for text in expected), output
    assert "Traceback" not in output and "internal error" not in output


def test_a_house_style_replaces_ours(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, output = export(tmp_path, "# Ours, since 1999.\n" + OURS.read_text(encoding="utf-8"), capsys)
    assert code == 0 and output.startswith("# Ours, since 1999.\n"), output


def test_a_folder_without_templates_is_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, output = export(tmp_path, None, capsys)
    assert code == 2 and "holds none of the templates: model.py.jinja" in output, output


HOSTILE = 'it\'s "{}" {{ 7 * 7 }} \\ {0}'
PIECES = {
    "columns[{}]": (Piece("columns[{}]", HOSTILE), f"columns[{HOSTILE!r}]"),
    "nested": (Piece("np.stack({})", Piece("columns[{}]", "{}")), "np.stack(columns['{}'])"),
    "a call": (call("f", Code("x"), -1, flag=True, path=HOSTILE), f"f(x, -1, flag=True, path={HOSTILE!r})"),
    "lines": (call("f", 1, a=[2, 3]).by_lines(), "f(1, a=(2, 3),)"),
    "more": (call("f").by_lines(), "f()"),
    "a dictionary": ({HOSTILE: Piece("x")}, f"{{{HOSTILE!r}: x, }}"),
    "plain values": ({"a": [1, "{}"]}, "{'a': (1, '{}')}"),
}


@pytest.mark.parametrize("name", PIECES)
def test_only_patterns_of_pieces_are_code(name: str) -> None:
    piece, expected = PIECES[name]
    assert escaped(piece) == expected


@pytest.mark.parametrize("name", ["a-b", "x=1, y", "", "Ω"])
def test_names_in_calls_are_identifiers(name: str) -> None:
    with pytest.raises(ValueError, match="is no identifier"):
        call("f", **{name: 1})


def test_names_that_functions_bind_are_their_own() -> None:
    """A variable may be called like a function that projects carry, or like a module."""
    source = "def f(layers: Path):\n    lines = layers\n    return mask(lines)\n\n\nx = layers.Dense(f)\n"
    assert used_names(source) == ["Path", "layers", "mask", "f"]
    assert import_lines(source) == "from pathlib import Path\n\nfrom keras import layers"
