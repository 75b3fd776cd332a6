"""What a spec brings along belongs to its compilation alone: another one in the process may have the same names."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from dlspec.components.registry import BUILT_IN, Catalogue, NameTaken, find, kinds, names
from dlspec.passes import Checked, Compilation, Workspace, compile_spec

SPEC = """
layers: [{dense: {units: 1, name: y}}]
extensions: [loading_examples.py]
data: {source: {python: loading_examples:examples}, inputs: {x: x}, targets: {y: y}}
train: {loss: mse}
"""
LOADING = """
import numpy as np

from helping_with_examples import WIDTH


def examples():
    import helping_with_examples  # the one beside this file, whenever it is asked for

    assert helping_with_examples.WIDTH == WIDTH
    return {"x": np.zeros((12, WIDTH)), "y": np.arange(12.0)}
"""


def spec_of(folder: Path, width: int) -> Path:
    """A spec whose own code makes examples of that width; its files are called the same in every folder."""
    folder.mkdir()
    (folder / "loading_examples.py").write_text(LOADING)
    (folder / "helping_with_examples.py").write_text(f"WIDTH = {width}\n")
    (folder / "spec.yaml").write_text(SPEC)
    return folder / "spec.yaml"


def compiled(spec: Path) -> Compilation:
    return compile_spec(spec, workspace=Workspace(allow_code=True))


def width(state: Compilation) -> int | None:
    graph = state.reached(Checked).graph
    return graph.nodes[0].outputs[0].shape[0]


def test_two_compilations_do_not_see_each_others_code(tmp_path: Path) -> None:
    first, second = spec_of(tmp_path / "one", 3), spec_of(tmp_path / "two", 5)
    before = dict(sys.modules)
    assert [width(compiled(spec)) for spec in (first, second, first)] == [3, 5, 3]
    assert not {"loading_examples", "helping_with_examples"} & set(sys.modules)
    assert all(sys.modules[name] is module for name, module in before.items())
    (tmp_path / "one" / "helping_with_examples.py").write_text("WIDTH = 7  # as an editor saves it\n")
    assert width(compiled(first)) == 7


def test_threads_do_not_see_each_others_code(tmp_path: Path) -> None:
    specs = [spec_of(tmp_path / str(number), number) for number in range(1, 7)]
    together = Barrier(len(specs))

    def run(spec: Path) -> list[int | None]:
        together.wait(timeout=60)
        return [width(compiled(spec)) for _ in range(5)]

    with ThreadPoolExecutor(len(specs)) as threads:
        assert list(threads.map(run, specs)) == [[number] * 5 for number in range(1, 7)]


def test_code_that_may_not_run_is_not_looked_at(tmp_path: Path) -> None:
    spec = spec_of(tmp_path / "one", 3)
    (spec.parent / "loading_examples.py").write_text("raise SystemExit('it ran')\n")
    state = compile_spec(spec)
    assert [item.code for item in state.diagnostics.items] == ["E110"]
    assert [item.code for item in compiled(spec).diagnostics.items] == ["E610"]


COMPONENTS = {
    "layer": "from dlspec.components.layers.base import Layer\nclass Shrink(Layer): ...\n",
    "loss": "import dlspec.components.training.losses as losses\nclass Shrink(losses.Loss): ...\n",
    "source": "def later():\n    from dlspec.data.sources.csv import Csv as Table\n    class Shrink(Table): ...\n",
    "": "from dlspec.core.errors import Problem\nclass Shrink(Problem): ...\n",
}


@pytest.mark.parametrize("kind", COMPONENTS)
def test_components_in_files_of_a_spec_are_refused(tmp_path: Path, kind: str) -> None:
    spec = spec_of(tmp_path / "one", 3)
    with (spec.parent / "loading_examples.py").open("a") as stream:
        stream.write(COMPONENTS[kind])
    found = [(item.code, item.message, item.span and item.span.line) for item in compiled(spec).diagnostics.items]
    told = f"`loading_examples.py` declares the {kind} `Shrink` as dlspec itself does, which is for dlspec alone"
    assert found == ([("E110", told, 3)] if kind else [])


def test_a_file_that_nothing_runs_is_told(tmp_path: Path) -> None:
    spec = spec_of(tmp_path / "one", 3)
    (spec.parent / "left_over.py").write_text("")
    files = "[loading_examples.py, helping_with_examples.py, left_over.py]"
    spec.write_text(SPEC.replace("[loading_examples.py]", files))
    (item,) = compiled(spec).diagnostics.items
    assert (item.code, item.message) == ("W401", "`left_over.py` of `extensions` is used nowhere")
    assert item.span is not None and (item.span.line, item.span.column) == (3, 61)


def test_a_module_is_imported_once_for_a_catalogue(tmp_path: Path) -> None:
    (tmp_path / "counted_once.py").write_text("from beside_counted import seen\nseen.append(1)\n")
    (tmp_path / "beside_counted.py").write_text("seen = []\n")
    catalogue = Catalogue({"counted_once": tmp_path / "counted_once.py"})
    for _ in range(2):
        with catalogue.running():
            assert catalogue.module("counted_once").seen == [1]
    with Catalogue(catalogue.files).running():
        import beside_counted  # type: ignore[import-not-found]  # of another catalogue: not the one that was filled

        assert beside_counted.seen == []


def test_a_module_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "fails_at_once.py").write_text("import beside_failing\n1 / 0\n")
    (tmp_path / "beside_failing.py").write_text("")
    catalogue = Catalogue({"fails_at_once": tmp_path / "fails_at_once.py"})
    path = list(sys.path)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), catalogue.running():
            catalogue.module("fails_at_once")
    assert sys.path == path and not {"fails_at_once", "beside_failing"} & set(sys.modules)


def test_a_module_of_python_packages_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "yaml.py").write_text("")
    import yaml

    catalogue = Catalogue({"yaml": tmp_path / "yaml.py"})
    with catalogue.running(), pytest.raises(NameTaken):
        catalogue.module("yaml")
    assert sys.modules["yaml"] is yaml


def test_every_catalogue_has_what_is_built_in() -> None:
    for catalogue in (BUILT_IN, Catalogue({"loading": Path("loading.py")})):
        assert catalogue.kinds() == kinds() and catalogue.names("loss") == names("loss")
        assert catalogue.find("layer", "dense") is find("layer", "dense") is not None
