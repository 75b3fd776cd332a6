"""The Markdown documents: their code blocks, and the commands in them run for real.

``python -m tests.documents`` writes what the commands of every ``console`` block print into the documents anew.

The first word after the fence is the language; further words say how a block is to be tested:

* ``yaml`` a whole spec (it has ``layers:``) is checked and gives nothing but what further words name: ``yaml W404``;
  ``yaml wrong E202`` must give that error, ``yaml proposed`` shows what a change would make of it. A first line
  ``# name.yaml`` makes it a file for the commands. A fragment is held against the schema.
* ``python`` with a first line ``# name.py`` is a file for the commands as well.
* ``console`` lines that start with ``$ `` are run; the others are the output. ``slow`` starts TensorFlow; ``training``
  does, and only the form of its output is compared; so it does with ``tutorial``, whose trainings tests shorten.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests import tutorial
from tests.support import ROOT
from tests.warm import with_daemon

DOCUMENTS = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    *(path.relative_to(ROOT).as_posix() for path in sorted(ROOT.glob("docs/*.md"))),
    *(path.relative_to(ROOT).as_posix() for path in sorted(ROOT.glob("docs/recipes/*.md"))),
)
_FENCE = re.compile(r"^```(\w*)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# ([a-z0-9_]+\.yaml)\n")
_MODULE = re.compile(r"# ([a-z0-9_]+\.py)\n")
_ELISION = "…"


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes:
        words: What follows the language on the line of the fence.
    """

    document: str
    line: int
    language: str
    words: tuple[str, ...]
    text: str

    @property
    def id(self) -> str:
        """For the names of tests."""
        return f"{self.document}:{self.line}"

    @property
    def file(self) -> str:
        """The file that the block is, or ""."""
        match = _FILE.match(self.text) if self.language == "yaml" else None
        return match.group(1) if match else ""

    @property
    def slow(self) -> bool:
        """Whether its commands start TensorFlow."""
        return self.training or "slow" in self.words

    @property
    def training(self) -> bool:
        """Whether its figures differ between machines."""
        return "training" in self.words or self.tutorial

    @property
    def tutorial(self) -> bool:
        """Whether it is about the tables of :mod:`tests.tutorial`."""
        return "tutorial" in self.words


def blocks(language: str = "", *documents: str) -> list[Block]:
    """The blocks of a language, in all documents unless some are named."""
    found = []
    for document in documents or DOCUMENTS:
        text = (ROOT / document).read_text(encoding="utf-8")
        for match in _FENCE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(Block(document, line, match.group(1), tuple(match.group(2).split()), match.group(3)))
    return [block for block in found if not language or block.language == language]


def commands(block: Block) -> Iterator[tuple[str, str]]:
    """Each command of a console block with the output that the document shows."""
    command, shown = "", []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            if command:
                yield command, "\n".join(shown)
            command, shown = line[2:], []
        else:
            shown.append(line)
    if command:
        yield command, "\n".join(shown)


def furnish(folder: Path) -> None:
    """Fills a folder with what the documents speak of: the specs, their data, a folder of images, an archive."""
    import numpy as np
    from PIL import Image

    shutil.copytree(ROOT / "specs", folder / "specs")
    shutil.copytree(ROOT / "schemas", folder / "schemas")
    for block in blocks("python"):
        if match := _MODULE.match(block.text):
            (folder / match[1]).write_text(block.text, encoding="utf-8")
    for data in ROOT.glob("specs/start/*.csv"):
        shutil.copy(data, folder)
    for block in blocks("yaml"):
        if block.file:
            assert not (folder / block.file).exists(), f"{block.id}: there are two files {block.file}"
            (folder / block.file).write_text(block.text, encoding="utf-8")
    pixels = np.random.Generator(np.random.Philox(0)).integers(0, 255, (8, 24, 24), np.uint8)
    for number, image in enumerate(pixels):
        path = folder / "photos" / ("cat", "dog")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    tutorial.furnish(folder)
    texts = [("the cat sleeps", "die Katze schläft"), ("the dog sees the cat", "der Hund sieht die Katze")]
    rows = "".join(f"{english},{german}\n" for english, german in texts * 8)
    (folder / "pairs.csv").write_text(f"english,german\n{rows}", encoding="utf-8")
    np.savez(folder / "waves.npz", signal=np.ones((8, 50, 3), np.float32), kind=np.arange(8) % 3)


def run(command: str, folder: Path) -> str:
    """Everything that a command of a document prints in `folder`, on a terminal of 80 columns without colour."""
    environment = {name: value for name, value in os.environ.items() if name not in ("DLSPEC_TRACEBACK", "FORCE_COLOR")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    environment |= {"COLUMNS": "80", "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
    if "dlspec daemon" in command or (folder / "daemons").exists():
        environment["DLSPEC_DAEMON"] = str(folder / "daemons")
    environment = with_daemon(environment)
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=600, check=False,
    )  # fmt: skip
    return "\n".join(line.rstrip() for line in done.stdout.rstrip("\n").split("\n")) if done.stdout else ""


def form(output: str) -> list[str]:
    """The lines of an output without its figures; several lines of one form count as one."""
    lines: list[str] = []
    for line in output.splitlines():
        # How much time is left depends on the machine, in words as well: `4.0 s`, `1 min 2 s`, nothing at all.
        line = re.sub(r"  [0-9][^ ]* examples/s.*", "", line)
        line = re.sub(r"( [0-9.]+ (s|min|h))+( left)$", "", line)
        line = re.sub(r"\b[0-9]+ min [0-9]+ s\b", "1 s", line)
        line = re.sub(r" -(?=[0-9])", " ", line)  # a figure below 0 is a figure too
        bare = re.sub(
            r"\b[0-9][0-9.e+-]*(TZ?[0-9]+Z-[0-9a-f]{4})?", "#", re.sub(r"\d{8}T\d{6}Z-[0-9a-f]{4}", "#", line)
        )
        bare = " ".join(bare.split())
        if bare != _ELISION and bare not in lines[-1:]:
            lines.append(bare)
    return lines


def _shorten(output: str) -> str:
    """A training's output with the middle epochs left out."""
    lines = output.splitlines()
    epochs = [number for number, line in enumerate(lines) if re.match(r"epoch +\d+/", line)]
    if len(epochs) > 4:
        lines[epochs[2] : epochs[-1]] = [_ELISION]
    return "\n".join(lines)


def main() -> None:
    """Writes the output of all commands anew; those of the documents named on the command line if there are any."""
    for document in sys.argv[1:] or DOCUMENTS:
        path = ROOT / document
        text = path.read_text(encoding="utf-8")
        for block in blocks("console", document):
            print(block.id, flush=True)
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                furnish(folder)
                written = ""
                for command, _ in commands(block):
                    output = run(command, folder)
                    if "internal error" in output or "Traceback (most recent call last)" in output:
                        sys.exit(f"{block.id}: `{command}` broke:\n{output}")
                    output = _shorten(output) if block.training else output
                    written += f"$ {command}\n" + (f"{output}\n" if output else "")
            text = text.replace(f"{block.text}```", f"{written}```")
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
