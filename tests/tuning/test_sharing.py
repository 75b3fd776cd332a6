"""Trials of one process share prepared data that would be the same, and measure what they would alone."""

from __future__ import annotations

import gc
import re
import shutil
import weakref
import zipfile
from pathlib import Path
from typing import Any

import pytest

from dlspec.components import registry
from dlspec.components.sections.data import Data
from dlspec.data.binding.signature import of_graph
from dlspec.data.checks.dependence import VISITING, dependence
from dlspec.passes import compile_spec
from dlspec.passes.state import Compilation
from dlspec.tuning.workers import sharing
from dlspec.tuning.workers.trial import COMPLETED, Result, Task, run

HERE = Path(__file__).parent


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    shutil.copy(HERE / "houses.yaml", tmp_path / "houses.yaml")
    write(tmp_path / "houses.csv")
    return tmp_path / "houses.yaml"


def write(path: Path, factor: int = 3) -> None:
    rows = [f"{n % 5},{n * 7 % 90},{'abc'[n % 3]},{n % 5 * factor + n % 3}" for n in range(60)]
    path.write_text("\n".join(["rooms,area,city,price", *rows]), encoding="utf-8")


def key_of(spec: Path, *overrides: str) -> str:
    state = compile_spec(spec, overrides)
    assert not state.diagnostics.errors, [error.message for error in state.diagnostics.errors]
    return key(state)


def key(state: Compilation) -> str:
    assert state.graph is not None and state.data_section is not None
    return dependence(state.data_section, state.folder, of_graph(state.graph), state.method)  # type: ignore[arg-type]


def trained(spec: Path, number: int, **values: Any) -> tuple[Result, list[bytes]]:
    """A trial's result, and its weights."""
    folder = spec.parent / f"trial_{number}"
    result = run(Task(spec, (), {"units": 4, "batch": 8, **values}, folder, "val_loss", True, 2))
    assert result.status == COMPLETED, result.reason
    shown = result.facts()
    del shown["seconds"]
    with zipfile.ZipFile(folder / "model.keras") as model:
        weights = model.read("model.weights.h5")
    import h5py

    found: list[bytes] = []
    path = folder / "weights.h5"
    path.write_bytes(weights)
    with h5py.File(path) as file:
        file.visititems(lambda _, item: found.append(item[()].tobytes()) if isinstance(item, h5py.Dataset) else None)
    assert len(found) >= 4
    return shown, found  # type: ignore[return-value]


def test_trials_in_one_process_measure_what_each_measures_alone(spec: Path) -> None:
    cases: list[dict[str, Any]] = [{}, {"units": 8}, {"batch": 16}, {}]
    sharing.forget()
    together = []
    for number, values in enumerate(cases):
        together.append(trained(spec, number, **values))
        if number == 0:
            first = sharing._HELD[0][1]
        assert sharing._HELD[0][1] is first
    for number, values in enumerate(cases):
        sharing.forget()
        assert trained(spec, 10 + number, **values) == together[number]


def test_a_model_that_was_trained_is_not_kept_by_the_layers_of_its_preparation(
    spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dlspec.training import train

    made: list[weakref.ref[Any]] = []
    build = train.build

    def watched(graph: Any) -> Any:
        model = build(graph)
        made.append(weakref.ref(model))
        return model

    monkeypatch.setattr(train, "build", watched)
    for number in range(2):
        trained(spec, number)
    gc.unfreeze()
    gc.collect()
    assert len(made) == 2 and [one() for one in made] == [None, None]


def test_changed_files_are_read_anew(spec: Path) -> None:
    sharing.forget()
    before = trained(spec, 0)
    write(spec.with_name("houses.csv"), factor=5)
    assert trained(spec, 1) != before


# What another value of each option of `data` looks like.
CHANGES = {
    "source": "data.source={csv: {path: houses.csv, delimiter: ','}}",
    "sources": "data.source=null data.sources={houses: {csv: 'houses.csv'}}",
    "inputs": "data.inputs.rooms.prepare=[]",
    "targets": "data.targets.price.column=area",
    "split": "data.split.seed=1",
    "augment": "data.inputs.rooms.augment=[{gaussian_noise: 0.1}]",
    "oversample": "data.oversample=true",
    "weight": "data.weight=area",
    "weight_file": "data.weight_file=weights.csv",
    "examples": "data.examples={pairs: {input: rooms, same: city}}",
    "bad": "data.bad=skip",
    "cache": "data.cache=none",
    "batch_size": "data.batch_size=4",
    "shuffle": "data.shuffle=false",
    "seed": "data.seed=5",
}


def test_every_option_of_data_counts_but_those_that_visit(spec: Path) -> None:
    assert set(CHANGES) == set(Data.fields)
    before = key_of(spec)
    for option, change in CHANGES.items():
        state = compile_spec(spec, tuple(re.split(r" (?=data\.)", change)))
        assert state.data_section is not None, option
        assert (key(state) == before) == (option in VISITING), option


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ("params.units={int: [8, 16]}", True),
        ("train.optimizer={sgd: 0.1}", True),
        ("train.loss=mae", False),
        ("train.metrics=[mae]", False),
        ("inputs.city=[5]", False),
    ],
)
def test_what_the_model_takes_and_is_compared_with_counts(spec: Path, change: str, same: bool) -> None:
    state = compile_spec(spec, (change,))
    assert state.graph is not None
    assert (key(state) == key_of(spec)) == same


def test_files_in_folders_count(tmp_path: Path) -> None:
    (tmp_path / "images" / "cats").mkdir(parents=True)
    before = of_source("image_folder", tmp_path, path="images")
    (tmp_path / "images" / "cats" / "1.png").write_bytes(b"1")
    assert of_source("image_folder", tmp_path, path="images") != before


def of_source(name: str, place: Path, allow_outside: bool = False, **options: Any) -> str:
    """What data of one source depend on."""
    data = Data(source=_component("source", name, **options), targets={})
    signature = of_graph(compile_spec(HERE / "iris.yaml").graph)  # type: ignore[arg-type]
    return dependence(data, place, signature, None, allow_outside=allow_outside)


@pytest.mark.parametrize("options", [{}, {"folder": "photos"}])
def test_images_that_a_table_names_count(tmp_path: Path, options: dict[str, str]) -> None:
    start = tmp_path / options.get("folder", ".")
    start.mkdir(exist_ok=True)
    (tmp_path / "labels.csv").write_text("file,kind,mask\na.png,1,m.png\nb.png,0,m.png\nmissing.png,1,m.png\n")
    for name in ("a.png", "b.png", "m.png", "other.png"):
        (start / name).write_bytes(b"1")
    given = {
        "table": _component("source", "csv", path="labels.csv"),
        "images": ("file",),
        "masks": ("mask",),
        **options,
    }
    before = of_source("image_table", tmp_path, **given)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "metrics.csv").write_bytes(b"1")
    assert of_source("image_table", tmp_path, **given) == before
    for name in ("b.png", "m.png", "missing.png"):
        (start / name).write_bytes(b"22")
        after = of_source("image_table", tmp_path, **given)
        assert after != before
        before = after


@pytest.mark.parametrize("allowed", [True, False])
def test_a_table_elsewhere_is_read_where_it_may_be(tmp_path: Path, allowed: bool) -> None:
    folder = tmp_path / "spec"
    folder.mkdir()
    (tmp_path / "labels.csv").write_text("file\na.png\n")
    given = {"table": _component("source", "csv", path="../labels.csv"), "images": ("file",)}
    (folder / "a.png").write_bytes(b"1")
    before = of_source("image_table", folder, allowed, **given)
    (folder / "a.png").write_bytes(b"22")
    assert (of_source("image_table", folder, allowed, **given) != before) == allowed


def test_files_that_match_count(tmp_path: Path) -> None:
    (tmp_path / "a-1.tfrecord").write_bytes(b"1")
    features = {"x": _component("section", "record_feature", shape=(), dtype="float32")}
    before = of_source("tfrecord", tmp_path, path="a-*.tfrecord", features=features)
    (tmp_path / "a-2.tfrecord").write_bytes(b"1")
    assert of_source("tfrecord", tmp_path, path="a-*.tfrecord", features=features) != before


def _component(kind: str, name: str, **options: Any) -> Any:
    owner = registry.find(kind, name)
    assert owner is not None
    return owner(**options)
