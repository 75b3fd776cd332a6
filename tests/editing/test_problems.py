"""``dlspec lsp``, spoken to as an editor does: the problems of a text are those of a check, whatever is saved."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dlspec.core.errors import Diagnostic
from dlspec.core.workspace import Workspace
from dlspec.passes import compile_spec
from tests.editing.client import Client
from tests.golden import bad_specs
from tests.support import ROOT, SPECS

GOOD = "inputs: {x: [4]}\nlayers:\n  - dense: 3\n"
BAD = "inputs: {x: [4]}\nlayers:\n  - dense: {units: 3, activaton: relu}\n"


def units(text: str) -> int:
    """Length in UTF-16."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def problems_of(path: Path, text: str) -> list[tuple[Any, ...]]:
    """Place, code and severity of all problems that a check of the file with that text gives.

    As the server, it does not start Keras for applications whose layers are not known on this machine.
    """
    path.write_text(text, encoding="utf-8", newline="")
    compiled = compile_spec(path, workspace=Workspace(starts_keras=False))
    return sorted(_row(item, path, text) for item in compiled.diagnostics.items)


def _row(item: Diagnostic, path: Path, text: str) -> tuple[Any, ...]:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    severity = 1 if item.severity == "error" else 2
    if item.span is None or item.span.file != str(path):
        return (-1, 0, -1, 0, item.code, severity, item.message)
    place: list[int] = []
    for line, column in ((item.span.line, item.span.column), (item.span.end_line, item.span.end_column)):
        place += [line - 1, units(lines[line - 1][: column - 1]) if line <= len(lines) else 0]
    return (*place, item.code, severity, item.message)


def received(problems: list[dict[str, Any]], everywhere: set[str]) -> list[tuple[Any, ...]]:
    """The same of what the server sent; problems of the messages `everywhere` stand nowhere in the file."""
    rows = []
    for problem in problems:
        start, end = problem["range"]["start"], problem["range"]["end"]
        message = problem["message"].split("\nnote: ")[0].split("\nhelp: ")[0]
        place = (start["line"], start["character"], end["line"], end["character"])
        place = (-1, 0, -1, 0) if message in everywhere else place
        rows.append((*place, problem["code"], problem["severity"], message))
    return sorted(rows)


def same(client: Client, uri: str, path: Path, text: str) -> None:
    """Fails unless the server says of the newest text what a fresh check says."""
    rows = problems_of(path, text)
    everywhere = {row[-1] for row in rows if row[0] == -1}
    assert received(client.problems(uri), everywhere) == rows, text


@pytest.mark.slow
def test_bad_specs_give_the_problems_of_a_check(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    uri = client.open(path, GOOD)
    for spec in bad_specs()[::4]:
        raw = spec.read_bytes()
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            continue  # no editor holds such a text
        client.change(uri, text)
        same(client, uri, path, text.removeprefix("\ufeff"))


def test_a_mistake_is_shown_with_its_help_and_taken_away(client: Client, tmp_path: Path) -> None:
    uri = client.open(tmp_path / "spec.yaml", GOOD)
    assert client.problems(uri) == []
    client.change(uri, BAD)
    (problem,) = client.problems(uri)
    assert problem["code"] == "E202" and problem["source"] == "dlspec"
    assert problem["message"].endswith("\nhelp: did you mean `activation`?")
    assert problem["range"] == {"start": {"line": 2, "character": 22}, "end": {"line": 2, "character": 31}}
    client.change(uri, GOOD)
    assert client.problems(uri) == []


def test_columns_count_in_utf_16(client: Client, tmp_path: Path) -> None:
    # The picture is one character in Python, and two units in the protocol.
    uri = client.open(tmp_path / "spec.yaml", GOOD.replace("- dense: 3", "- {dense: {activation: 🎲🎲, units: a}}"))
    problems = client.problems(uri)
    line = "  - {dense: {activation: 🎲🎲, units: a}}"
    assert units(line[: line.index(" units")]) == len(line[: line.index(" units")]) + 2
    places = [(item["range"]["start"]["character"], item["range"]["end"]["character"]) for item in problems]
    assert (25, 29) in places
    assert (units(line[: line.index("a}")]), units(line[: line.index("a}")]) + 1) in places


def test_an_editor_that_counts_bytes_gets_bytes(tmp_path: Path) -> None:
    client = Client.of_dlspec({"general": {"positionEncodings": ["utf-8"]}})
    assert client.capabilities["positionEncoding"] == "utf-8"
    uri = client.open(tmp_path / "spec.yaml", "name: 'é🎲'\nlayers: [dense: {üs: 3}]\ninputs: {x: [4]}\n")
    starts = {item["range"]["start"]["character"]: item["range"]["end"]["character"] for item in client.problems(uri)}
    assert starts[17] == 20  # ü has two bytes
    assert client.close() == 0


def test_files_that_are_no_specs_are_left_alone(client: Client, tmp_path: Path) -> None:
    other = client.open(tmp_path / "compose.yaml", "name: web\nservices:\n  db: {image: postgres}\nvolumes: {}\n")
    action = client.open(tmp_path / "action.yml", "name: a\ndescription: b\ninputs: {}\noutputs: {}\nruns: {}\n")
    uri = client.open(tmp_path / "spec.yaml", BAD)
    assert client.problems(uri)
    assert other not in client.diagnostics and action not in client.diagnostics
    said = client.open(tmp_path / "empty.yaml", "name: x\n", language="dlspec")
    assert [item["code"] for item in client.problems(said)] == ["E105"]


def test_what_a_spec_extends_is_followed_saved_or_not(client: Client, tmp_path: Path) -> None:
    base, child = tmp_path / "base.yaml", tmp_path / "child.yaml"
    base.write_text(GOOD)
    uri = client.open(child, "# dlspec\nextends: base.yaml\nname: child\n")
    assert client.problems(uri) == []
    client.diagnostics.clear()
    opened = client.open(base, BAD)  # the file itself is right
    assert client.problems(opened)[0]["code"] == "E202"
    (problem,) = client.problems(uri)
    assert problem["code"] == "E202" and problem["range"]["start"] == {"line": 1, "character": 9}
    (related,) = problem["relatedInformation"]
    assert related["location"]["uri"] == base.resolve().as_uri()
    assert related["location"]["range"]["start"] == {"line": 2, "character": 22}
    client.diagnostics.clear()
    client.notify("textDocument/didClose", {"textDocument": {"uri": opened}})
    assert client.problems(uri) == []  # the file counts again
    base.write_text(BAD)
    client.diagnostics.clear()
    client.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": base.as_uri(), "type": 2}]})
    assert [item["code"] for item in client.problems(uri)] == ["E202"]


def test_own_components_are_read_as_text_and_never_run(client: Client, tmp_path: Path) -> None:
    code = tmp_path / "parts.py"
    layer = "import keras\nopen('ran', 'w')\nclass Twice(keras.layers.Layer):\n    def call(self, x): return 2 * x\n"
    code.write_text(layer.replace("Twice", "Thrice"))
    text = "extensions: [parts.py]\ninputs: {x: [4]}\nlayers:\n  - twice\n"
    uri = client.open(tmp_path / "spec.yaml", text)
    same(client, uri, tmp_path / "spec.yaml", text)
    assert {item["code"] for item in client.problems(uri)} == {"E110", "E201"}
    client.diagnostics.clear()
    client.open(code, layer, language="python")
    assert {item["code"] for item in client.problems(uri)} == {"E110"}
    assert not (tmp_path / "ran").exists() and not Path("ran").exists()


def test_data_are_held_against_the_spec_as_they_are_now(client: Client, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("a,b\n" + "1.0,0\n2.0,1\n" * 20)
    text = (
        "inputs: {a: [1]}\nlayers:\n  - dense: {units: 1, activation: sigmoid, name: b}\n"
        "data: {source: {csv: table.csv}, inputs: {a: {column: a}}, targets: {b: {column: b}}}\n"
    )
    path = tmp_path / "spec.yaml"
    uri = client.open(path, text)
    same(client, uri, path, text)
    client.change(uri, text.replace("column: a", "column: aa"))
    same(client, uri, path, text.replace("column: a", "column: aa"))
    assert client.problems(uri)[0]["code"] == "E602"
    client.change(uri, text)
    assert client.problems(uri) == []
    table.write_text("c,b\n" + "1.0,0\n2.0,1\n" * 20)
    client.diagnostics.clear()
    client.notify("textDocument/didSave", {"textDocument": {"uri": uri}})
    same(client, uri, path, text)
    assert client.problems(uri)[0]["code"] == "E602"


PIECES = (
    *("\n", " ", "  ", "\t", ":", ": ", "- ", "\n  - ", "{", "}", "[", "]", "'", '"', "#", "$", "$width", "&a ", "*a"),
    *("null", "3", "-1", "1e-3", "dense", "conv2d", "from", "name: x\n", "repeat", "if: $x", "|\n", "data:\n", "<<: "),
    *("!!str ", "extends: spec.yaml\n", "inputs: {y: [3]}\n"),
    *("é", "🎲", "\u2028", "\x85", "\r\n", "\r", "\ud800", "\ufeff", "\x00"),
)


def edited(text: str, draw: random.Random) -> str:
    """A text after a random change such as typing makes, or a slip of the hand."""
    at, length = draw.randrange(len(text) + 1), draw.choice((1, 1, 2, 5, 40))
    match draw.randrange(6):
        case 0:
            return text[:at] + text[at + length :]
        case 1 | 2:
            return text[:at] + draw.choice(PIECES) + text[at:]
        case 3:
            return text[:at] + draw.choice(PIECES) + text[at + length :]
        case 4:
            other = draw.randrange(len(text) + 1)
            return text[:at] + text[other : other + length] + text[at:]
        case _:
            lines = text.split("\n")
            row = draw.randrange(len(lines))
            lines[row] = draw.choice((" " * draw.randrange(5) + lines[row], lines[row][draw.randrange(3) :], ""))
            return "\n".join(lines)


def edit_at_random(client: Client, folder: Path, edits: int, seed: int) -> None:
    """Changes specs at random and compares each state with a check; after some changes it begins anew."""
    draw = random.Random(seed)
    sizes = {spec: (ROOT / spec).read_text(encoding="utf-8") for spec in SPECS}
    texts = [text for text in sizes.values() if len(text) < 3000]
    path = folder / "spec.yaml"
    uri = client.open(path, GOOD)
    text = GOOD
    for number in range(edits):
        text = draw.choice(texts) if number % 12 == 0 else edited(text, draw)
        client.change(uri, text)
        if draw.random() < 0.7:  # others are superseded, as when somebody types fast
            try:
                same(client, uri, path, text)
            except UnicodeEncodeError:  # half a character: no file holds it, and the server must stand it
                assert client.problems(uri)


@pytest.mark.slow
def test_after_random_edits_the_problems_are_those_of_a_check(client: Client, tmp_path: Path) -> None:
    edit_at_random(client, tmp_path, 300, seed=1)


@pytest.mark.exhaustive
def test_after_thousands_of_edits_the_problems_are_those_of_a_check(client: Client, tmp_path: Path) -> None:
    edit_at_random(client, tmp_path, 5_000, seed=2)


def test_texts_that_are_typed_fast_are_given_up(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    many = "inputs: {x: [8]}\nlayers:\n" + "  - dense: 8\n" * 400
    uri = client.open(path, many)
    client.problems(uri)
    seen = set()
    for count in range(30):
        client.change(uri, many + f"  - dense: {{units: 8, name: d{count}}}\n" + "  - dens: 3\n" * (count == 29))
    while client.diagnostics[uri][1] != client.versions[uri]:
        client.receive()
        seen.add(client.diagnostics[uri][1])
    assert len(seen) < 20, "each of the texts was checked to its end"
    assert [item["code"] for item in client.problems(uri)] == ["E201"]


def test_neither_tensorflow_nor_much_memory_is_taken(tmp_path: Path) -> None:
    client = Client.of_dlspec()
    for spec in ("cnn/resnet152", "start/digits", "embeddings/skip_gram", "start/churn"):
        spec = f"specs/{spec}.yaml"
        client.problems(client.open(ROOT / spec, (ROOT / spec).read_text(encoding="utf-8")))
    assert client.memory() < 150
    loaded = Path(f"/proc/{client.process.pid}/maps").read_text(encoding="utf-8")
    assert "tensorflow" not in loaded and "sklearn" not in loaded
    assert client.close() == 0


def test_without_the_library_the_command_names_it() -> None:
    hide = "import sys; sys.modules['pygls'] = None; from dlspec.cli.main import run; sys.exit(run(['lsp']))"
    result = subprocess.run([sys.executable, "-c", hide], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "`dlspec lsp` needs pygls: pip install 'dlspec[lsp]'" in result.stderr
