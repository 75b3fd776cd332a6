"""The language server over standard input and output: from a text to its problems, and the memory that it takes."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from tests.bench.measuring import ROOT, report
from tests.editing.client import Client

_TIMES = 21
_LIMITS = {"500 layers": 0.060, "ResNet-152": 0.250}


def editor_speed() -> bool:
    """Seconds from a change, which nobody saved, to the problems of the new text; the median of many."""
    layers = "".join(f"  - dense: {{units: 64, activation: relu, name: d{number}}}\n" for number in range(500))
    texts = {
        "500 layers": f"inputs: {{x: [64]}}\nlayers:\n{layers}",
        "ResNet-152": (ROOT / "specs/cnn/resnet50.yaml")
        .read_text(encoding="utf-8")
        .replace("[3, 4, 6, 3]", "[3, 8, 36, 3]"),
    }
    texts["ResNet-152"] = texts["ResNet-152"].partition("expect:")[0]
    client, ok = Client.of_dlspec(), True
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts.items():
            uri = client.open(Path(folder, f"{name.replace(' ', '_')}.yaml"), text)
            assert client.problems(uri) == [], name
            seconds = []
            for number in range(_TIMES):
                wrong = number % 2 == 0  # a mistake is made, and taken back
                client.change(uri, text + ("  - dens: 3\n" if wrong and name == "500 layers" else "") + f"# {number}\n")
                start = time.perf_counter()
                client.problems(uri)
                seconds.append(time.perf_counter() - start)
            ok &= report(f"editor: change to problems, {name}", statistics.median(seconds), _LIMITS[name], " s")
        ok &= report("editor: memory of the server", client.memory(), 150, " MB")
    client.close()
    return ok
