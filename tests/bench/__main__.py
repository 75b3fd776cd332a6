"""Runs every measurement and prints figures, limits and verdicts; exits with 1 where a limit is broken.

Every figure is a median of paired runs (A B A B …), since the machine's speed drifts while a single run does not.
"""

from __future__ import annotations

import gc
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.daemon import daemon_speed
from tests.bench.data import data_speed, memory
from tests.bench.editing import editor_speed
from tests.bench.generating import writing_speed
from tests.bench.growth import growth
from tests.bench.learning import adversarial_speed, sampling_speed, tree_speed
from tests.bench.measuring import ROOT, paired, process, report
from tests.bench.predicting import predict_speed
from tests.bench.sources import sources_speed
from tests.bench.steps import steps_speed
from tests.bench.training import auto_speed, end_to_end, jit_speed, train_footprint, train_speed


def main(wanted: list[str]) -> int:
    """All measurements but that of memory, which writes gigabytes, and of growth, which takes long; or those named."""
    trainings = (
        train_speed,
        auto_speed,
        jit_speed,
        steps_speed,
        adversarial_speed,
        train_footprint,
        end_to_end,
        daemon_speed,
    )
    known = {
        made.__name__: made
        for made in (
            static_commands,
            python_import,
            long_spec,
            build_time,
            editor_speed,
            data_speed,
            sources_speed,
            predict_speed,
            sampling_speed,
            writing_speed,
            tree_speed,
            *trainings,
            growth,
            memory,
        )
    }
    good = [known[name]() for name in wanted or [name for name in known if name not in ("growth", "memory")]]
    return 0 if all(good) else 1


def static_commands() -> bool:
    """``check`` and ``show`` of two networks against importing what reads a command line, YAML and JSON schemas."""
    bare = ["-c", "import click, yaml, jsonschema"]
    ok = True
    for command, name, limit in (("check", "ResNet-50", 1.5), ("show", "ResNet-50", 1.5), ("check", "ResNet-152", 1.8)):
        arguments = ["-m", "dlspec", command, f"specs/cnn/{name.lower().replace('-', '')}.yaml"]
        ours, base, ratio = paired(lambda a=arguments: process(a), lambda: process(bare))  # type: ignore[misc]
        ok &= report(f"{command} {name} ({ours:.3f} s) / bare imports ({base:.3f} s)", ratio, limit)
    return ok


def python_import() -> bool:
    """``import dlspec`` against importing what reads a command line and YAML, and how long it takes by itself."""
    ours, base, ratio = paired(lambda: process(["-c", "import dlspec"]), lambda: process(["-c", "import click, yaml"]))
    ok = report(f"import dlspec ({ours:.3f} s) / import click, yaml ({base:.3f} s)", ratio, 1.3)
    code = "import time; start = time.perf_counter(); import dlspec; print(time.perf_counter() - start)"
    taken = [float(subprocess.check_output([sys.executable, "-c", code], cwd=ROOT)) for _ in range(11)]
    return report("import dlspec, median of 11", statistics.median(taken) * 1000, 60, " ms") and ok


def long_spec() -> bool:
    """A spec of 5,000 layers, and one of 10,000."""
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for layers in (5_000, 10_000):
            paths[layers] = Path(folder, f"{layers}.yaml")
            pair = "  - dense: {units: 64, activation: relu}\n  - dropout: 0.1\n"
            expect = f"{{output: [64], parameters: {layers // 2 * 4160}}}"
            head = f"name: long\ninputs: {{x: [64]}}\nexpect: {expect}\nlayers:\n"
            paths[layers].write_text(head + pair * (layers // 2))
        check = {layers: ["-m", "dlspec", "check", str(path)] for layers, path in paths.items()}
        twice, once, ratio = paired(lambda: process(check[10_000]), lambda: process(check[5_000]), 5)
    ok = report("check of 5,000 layers, whole process", once, 1.5, " s")
    return report(f"check of 10,000 layers ({twice:.2f} s) / of 5,000", ratio, 2.3) and ok


def build_time() -> bool:
    """The ResNet-50 spec, checked and built, against the same functional graph written by hand."""
    import keras

    from dlspec.backends.keras.build import build
    from dlspec.passes import compile_spec
    from tests.bench.resnet50 import by_hand

    path = ROOT / "specs/cnn/resnet50.yaml"

    def timed(make: Callable[[], keras.Model]) -> float:
        keras.backend.clear_session()
        gc.collect()
        start = time.perf_counter()
        model = make()
        seconds = time.perf_counter() - start
        assert model.count_params() == 25_636_712
        return seconds

    def ours() -> keras.Model:
        graph = compile_spec(path).graph
        assert graph is not None
        return build(graph)

    mine, theirs, ratio = paired(lambda: timed(ours), lambda: timed(by_hand), 9)
    return report(f"check and build ResNet-50 ({mine:.2f} s) / by hand in Keras ({theirs:.2f} s)", ratio, 1.10)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
