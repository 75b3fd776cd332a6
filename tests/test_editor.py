"""The real yaml-language-server with our schema: what an editor completes, explains and underlines.

Runs where the server is installed (``make editor`` puts it into the environment; continuous integration does).
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dlspec.cli.main import run
from dlspec.components import registry
from tests.support import ROOT, SPECS

LOCAL = ROOT / ".venv" / "node" / "node_modules" / ".bin" / "yaml-language-server"
SERVER = str(LOCAL) if LOCAL.exists() else shutil.which("yaml-language-server")
pytestmark = [
    pytest.mark.skipif(SERVER is None, reason="yaml-language-server is not installed: run `make editor`"),
    pytest.mark.slow,
]


class Editor:
    """A minimal client of the language server protocol over stdio."""

    def __init__(self) -> None:
        assert SERVER is not None
        self.process = subprocess.Popen([SERVER, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.number = 0
        self.diagnostics: dict[str, list[dict[str, Any]]] = {}
        schema = (ROOT / "schemas" / "spec.json").as_uri()
        self.settings = {"schemas": {schema: ["*.yaml"]}, "validate": True, "completion": True, "hover": True}
        self.request("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
        self.notify("initialized", {})
        self.notify("workspace/didChangeConfiguration", {"settings": {"yaml": self.settings}})

    def send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        length = 0
        while (line := self.process.stdout.readline().strip()) or not length:
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        message: dict[str, Any] = json.loads(self.process.stdout.read(length))
        if message.get("method") == "textDocument/publishDiagnostics":
            self.diagnostics[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif message.get("method") == "workspace/configuration":
            answers = [self.settings if item.get("section") == "yaml" else {} for item in message["params"]["items"]]
            self.send({"id": message["id"], "result": answers})
        elif "method" in message and "id" in message:
            self.send({"id": message["id"], "result": None})
        return message

    def request(self, method: str, parameters: dict[str, Any]) -> Any:
        self.number += 1
        self.send({"id": self.number, "method": method, "params": parameters})
        while (message := self.receive()).get("id") != self.number or "method" in message:
            pass
        assert "error" not in message, message
        return message["result"]

    def notify(self, method: str, parameters: dict[str, Any]) -> None:
        self.send({"method": method, "params": parameters})

    def open(self, text: str, name: str) -> str:
        uri = f"file:///{name}.yaml"
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})
        return uri

    def problems(self, text: str, name: str) -> list[str]:
        uri = self.open(text, name)
        while uri not in self.diagnostics:
            self.receive()
        return [item["message"] for item in self.diagnostics[uri]]

    def complete(self, text: str, name: str) -> list[str]:
        """Labels offered at the ``|`` in the text."""
        before, after = text.split("|")
        uri = self.open(before + after, name)
        position = {"line": before.count("\n"), "character": len(before) - (before.rfind("\n") + 1)}
        result = self.request("textDocument/completion", {"textDocument": {"uri": uri}, "position": position})
        return [item["label"] for item in result["items"]]

    def explain(self, text: str, name: str, line: int, character: int) -> str:
        """What is shown for the word at a place, once the text has been looked at."""
        assert self.problems(text, name) == []
        document = {"uri": f"file:///{name}.yaml"}
        position = {"line": line, "character": character}
        result = self.request("textDocument/hover", {"textDocument": document, "position": position})
        return str(result["contents"]["value"])


@pytest.fixture(scope="module")
def editor() -> Iterator[Editor]:
    client = Editor()
    yield client
    client.process.kill()
    client.process.communicate()


@pytest.mark.parametrize("spec", SPECS)
def test_our_specs_have_no_problem(editor: Editor, spec: str) -> None:
    assert editor.problems((ROOT / spec).read_text(), Path(spec).stem) == []


def test_layers_complete_by_name(editor: Editor) -> None:
    labels = editor.complete("inputs: {x: [4]}\nlayers:\n  - |\n", "layers")
    assert {"conv2d", "dense", "residual", "repeat", "lstm"} <= set(labels)
    assert set(labels) <= {*registry.names("layer"), "residual", "repeat", "parallel"}, "nothing but steps is offered"


def test_a_layers_own_options_complete(editor: Editor) -> None:
    labels = editor.complete("inputs: {x: [4]}\nlayers:\n  - conv2d:\n      |\n", "options")
    assert {"filters", "kernel_size", "padding", "name", "from", "if", "repeat"} <= set(labels)
    assert "units" not in labels


def test_choices_complete(editor: Editor) -> None:
    labels = editor.complete("inputs: {x: [4]}\nlayers:\n  - conv2d:\n      padding: |\n", "choices")
    assert {"same", "valid"} <= set(labels)


def test_the_train_section_completes(editor: Editor) -> None:
    assert {"loss", "optimizer", "epochs"} <= set(editor.complete("train:\n  |\n", "train"))
    assert {"adam", "sgd"} <= set(editor.complete("train:\n  optimizer: |\n", "optimizer"))


def test_hover_explains(editor: Editor) -> None:
    text = "inputs: {x: [4]}\nlayers:\n  - dense: {units: 3}\n"
    assert "Size of the output's last axis" in editor.explain(text, "hover", 2, 13)


def test_an_option_that_layers_share_is_explained_and_completed(editor: Editor) -> None:
    text = "inputs: {x: [4]}\nlayers:\n  - dense: {units: 3, trainable: false}\n"
    assert "Whether training changes the layer's weights. Default: `true`." in editor.explain(text, "shared", 2, 24)
    labels = editor.complete("inputs: {x: [4]}\nlayers:\n  - dense:\n      dtype: |\n", "shared_choices")
    assert {"float16", "mixed_bfloat16"} <= set(labels)
    assert {"dtype", "trainable"} <= set(editor.complete("inputs: {x: [4]}\nlayers:\n  - dense:\n      |\n", "keys"))


def test_a_misspelt_option_is_underlined(editor: Editor) -> None:
    (message,) = editor.problems("inputs: {x: [4]}\nlayers:\n  - dense: {units: 3, activaton: relu}\n", "misspelt")
    assert message == "Property activaton is not allowed."


def test_the_line_that_init_writes_leads_to_the_schema_beside_the_spec(editor: Editor, tmp_path: Path) -> None:
    assert run(["init", str(tmp_path / "first.yaml")]) == 0
    line = (tmp_path / "first.yaml").read_text().splitlines()[0]
    # The server knows our schema by its settings, too: another one shows that the line is followed.
    (tmp_path / ".dlspec/schema.json").write_text('{"properties": {"only_here": {"type": "string"}}}')
    assert editor.complete(f"{line}\n|\n", str(tmp_path / "second").removeprefix("/")) == ["only_here"]
