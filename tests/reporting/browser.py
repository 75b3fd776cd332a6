"""A headless Chromium, driven through a pipe: what a reader would see of a page, without any package in between."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# The browser reads commands from file 3 and writes answers to file 4; copied first, since ours may have those numbers.
_CONNECT = """
import fcntl, os, sys
ours = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3]]
for number, file in zip((3, 4), ours):
    os.dup2(file, number)
os.execvp(sys.argv[3], sys.argv[3:])
"""
# Everything that is wrong with the layout, as sentences; [] for a page that is as it should be.
LAYOUT = r"""
(() => {
  const wrong = [], width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width)
    wrong.push(`the page is ${document.documentElement.scrollWidth} wide, the window ${width}`);
  const shown = element => element.checkVisibility({contentVisibilityAuto: true});
  const words = element => [...element.childNodes].filter(n => n.nodeType === 3).map(n => n.data).join('').trim();
  const name = element => `<${element.tagName.toLowerCase()}> “${words(element).slice(0, 30)}”`;
  for (const element of document.body.querySelectorAll('*')) {
    if (!shown(element)) continue;
    const box = element.getBoundingClientRect();
    if (box.width && (box.right > width + 1 || box.left < -1)) wrong.push(`${name(element)} leaves the window`);
    const hides = getComputedStyle(element).overflowX !== 'visible';
    if (!(element instanceof SVGElement) && hides && element.scrollWidth > element.clientWidth + 1)
      wrong.push(`${name(element)} is cut: ${element.scrollWidth} in ${element.clientWidth}`);
  }
  const size = element => parseFloat(getComputedStyle(element).fontSize);
  const texts = [...document.body.querySelectorAll('*')].filter(
    e => shown(e) && words(e) && !e.closest('title, desc, style, defs') && size(e) > 0);
  const boxes = texts.map(element => {
    const range = document.createRange();
    const rects = [...element.childNodes].filter(n => n.nodeType === 3 && n.data.trim()).flatMap(
      n => { range.selectNodeContents(n); return [...range.getClientRects()]; });
    return {element, rects: element instanceof SVGElement ? [element.getBoundingClientRect()] : rects};
  });
  for (let i = 0; i < boxes.length; i++) {
    const svg = boxes[i].element.closest('svg');
    if (svg) {
      const frame = svg.getBoundingClientRect(), box = boxes[i].rects[0];
      if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 2)
        wrong.push(`${name(boxes[i].element)} leaves its picture`);
    }
    for (let j = i + 1; j < boxes.length; j++) {
      const hit = boxes[i].rects.some(a => boxes[j].rects.some(b =>
        Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1.5 &&
        Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 0.4 * Math.min(a.height, b.height)));
      if (hit) wrong.push(`${name(boxes[i].element)} and ${name(boxes[j].element)} overlap`);
    }
  }
  return wrong;
})()
"""


def find() -> str | None:
    """The browser's program, or None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Tab:
    """One page in the browser.

    Attributes:
        requests: Everything that was fetched.
        messages: What the browser complains about.
    """

    def __init__(self, to: int, back: int) -> None:
        self._to, self._back, self._rest, self._number = to, back, b"", 0
        self._session: str | None = None
        self.requests: list[str] = []
        self.messages: list[str] = []
        target = self._send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self._send(f"{domain}.enable")

    def open(self, page: Path | str, width: int, height: int = 900, dark: bool = False, media: str = "") -> None:
        """Shows a file, or what is at an address, in a window of that size."""
        phone = width < 600
        self._send(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=2 if phone else 1, mobile=phone,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._send("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self._send("Page.navigate", url=page if isinstance(page, str) else page.as_uri())
        while self._receive().get("method") != "Page.loadEventFired":
            pass

    def ask(self, script: str) -> Any:
        """The value of a JavaScript expression."""
        answer = self._send("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def picture(self, path: Path) -> None:
        """Saves the whole page as it is seen."""
        data = self._send("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"]
        path.write_bytes(base64.b64decode(data))

    def pdf(self) -> bytes:
        """The page as it is printed."""
        return base64.b64decode(self._send("Page.printToPDF", printBackground=True)["data"])

    def _send(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            piece = os.read(self._back, 1 << 20)
            assert piece, "the browser is gone"
            self._rest += piece
        text, self._rest = self._rest.split(b"\0", 1)
        message: dict[str, Any] = json.loads(text)
        if message.get("method") == "Network.requestWillBeSent":
            self.requests.append(message["params"]["request"]["url"])
        if message.get("method") == "Log.entryAdded":
            self.messages.append(message["params"]["entry"]["text"])
        return message


@contextmanager
def browser(program: str, profile: Path) -> Iterator[Tab]:
    """A running browser with one tab; its profile goes into an empty folder."""
    commands, to = os.pipe()
    back, answers = os.pipe()

    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe"]
    started = [sys.executable, "-c", _CONNECT, str(commands), str(answers), program]
    process = subprocess.Popen(
        [*started, *options, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=(commands, answers),
    )  # fmt: skip
    os.close(commands)
    os.close(answers)
    try:
        yield Tab(to, back)
    finally:
        process.terminate()
        process.wait(timeout=20)
        os.close(to)
        os.close(back)
