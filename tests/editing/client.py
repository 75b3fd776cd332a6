"""A minimal client of the language server protocol over standard input and output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

Message = dict[str, Any]


class Client:
    """A server in a process of its own, and what it said so far.

    Args:
        command: What starts the server.
        capabilities: Those of this client.
        settings: Answers to questions for settings, by section.

    Attributes:
        diagnostics: The last problems of each document, and the number of the text that they are of.
        said: All messages that it logs or shows.
    """

    def __init__(
        self, command: list[str], capabilities: Message | None = None, settings: Message | None = None
    ) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.settings = settings or {}
        self.number = 0
        self.diagnostics: dict[str, tuple[list[Message], int | None]] = {}
        self.said: list[str] = []
        self.refreshed: list[str] = []
        self.versions: dict[str, int] = {}
        answer = self.request(
            "initialize", {"processId": os.getpid(), "rootUri": None, "capabilities": capabilities or {}}
        )
        self.capabilities: Message = answer["capabilities"]
        self.notify("initialized", {})

    @classmethod
    def of_dlspec(cls, capabilities: Message | None = None) -> Client:
        """The server of dlspec."""
        return cls([sys.executable, "-m", "dlspec", "lsp", "--stdio"], capabilities)

    def send(self, message: Message) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def receive(self) -> Message:
        """The next message, whatever it is; questions of the server are answered."""
        assert self.process.stdout is not None
        length = 0
        while (line := self.process.stdout.readline().strip()) or not length:
            assert line or self.process.poll() is None, "the server has ended"
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        message: Message = json.loads(self.process.stdout.read(length))
        method = message.get("method", "")
        if method == "textDocument/publishDiagnostics":
            sent = message["params"]
            self.diagnostics[sent["uri"]] = (sent["diagnostics"], sent.get("version"))
        elif method in ("window/logMessage", "window/showMessage"):
            self.said.append(message["params"]["message"])
        elif method == "workspace/configuration":
            answers = [self.settings.get(item.get("section"), {}) for item in message["params"]["items"]]
            self.send({"id": message["id"], "result": answers})
        elif method and "id" in message:
            self.refreshed.append(method)
            self.send({"id": message["id"], "result": None})
        return message

    def request(self, method: str, parameters: Message | None) -> Any:
        """The result of a request; an error of the server fails."""
        message = self.answer(method, parameters)
        assert "error" not in message, message
        return message["result"]

    def answer(self, method: str, parameters: Message | None) -> Message:
        """The answer to a request, an error included."""
        self.number += 1
        self.send({"id": self.number, "method": method, "params": parameters})
        while (message := self.receive()).get("id") != self.number or "method" in message:
            pass
        return message

    def notify(self, method: str, parameters: Message) -> None:
        self.send({"method": method, "params": parameters})

    def open(self, path: Path, text: str, language: str = "yaml") -> str:
        """Opens a text under the name of a file, which need not exist; its URI."""
        uri = path.as_uri()
        self.versions[uri] = 1
        document = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})
        return uri

    def change(self, uri: str, text: str) -> None:
        """Puts another text in the place of an open one."""
        self.versions[uri] += 1
        document = {"uri": uri, "version": self.versions[uri]}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})

    def problems(self, uri: str) -> list[Message]:
        """The problems of the newest text, once they are known."""
        while uri not in self.diagnostics or self.diagnostics[uri][1] != self.versions[uri]:
            self.receive()
        return self.diagnostics[uri][0]

    def at(self, method: str, uri: str, line: int, character: int, **more: Any) -> Any:
        """The answer to a request about a position, counted from 0."""
        position = {"line": line, "character": character}
        return self.request(method, {"textDocument": {"uri": uri}, "position": position, **more})

    def memory(self) -> float:
        """Memory of the server's process in MB: the most that it ever had."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return int(status.split("VmHWM:")[1].split()[0]) / 1000

    def close(self) -> int:
        """Ends the server as an editor does; its exit code."""
        self.request("shutdown", None)
        self.notify("exit", {})
        code = self.process.wait(20)
        self.process.communicate()
        return code
