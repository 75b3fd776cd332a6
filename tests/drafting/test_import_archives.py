"""``dlspec import`` of damaged and hostile files: each ends in a diagnostic, and nothing of it runs."""

from __future__ import annotations

import base64
import json
import marshal
import random
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest

from dlspec.backends.importing.archives import read_source
from dlspec.backends.keras import archive as keras_archive
from dlspec.cli.main import run
from dlspec.core.errors import Problem
from dlspec.drafting.models.drafting import drafted
from tests.support import dlspec_here


def layer(kind: str, name: str, config: dict[str, Any] | None = None, *, of: str = "x", **more: Any) -> dict[str, Any]:
    """A layer as Keras saves it, called on the output of another one."""
    tensor = {
        "class_name": "__keras_tensor__",
        "config": {"shape": [None, 4], "dtype": "float32", "keras_history": [of, 0, 0]},
    }
    calls = [] if kind == "InputLayer" else [{"args": [tensor], "kwargs": {}}]
    module = more.pop("module", "keras.layers")
    return {
        "module": module, "class_name": kind, "config": {"name": name, "trainable": True, **(config or {})},
        "registered_name": None, "name": name, "inbound_nodes": calls, **more,
    }  # fmt: skip


def model(*listed: dict[str, Any], end: str = "") -> dict[str, Any]:
    """A functional model of layers behind the input `x`."""
    first = layer("InputLayer", "x", {"batch_shape": [None, 4], "dtype": "float32"})
    names = [item["name"] for item in listed]
    return {
        "module": "keras.src.models.functional", "class_name": "Functional", "registered_name": "Functional",
        "config": {
            "name": "small", "layers": [first, *listed], "input_layers": [["x", 0, 0]],
            "output_layers": [[end or names[-1], 0, 0]],
        },
    }  # fmt: skip


DENSE = layer("Dense", "dense", {"units": 3})


def archive(path: Path, tree: Any, **members: bytes) -> Path:
    """A `.keras` file with this config."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("config.json", tree if isinstance(tree, bytes | str) else json.dumps(tree))
        for name, data in members.items():
            file.writestr(name, data)
    return path


def refused(path: Path) -> Problem:
    """The problem that a file ends in."""
    with pytest.raises(Problem) as caught:
        drafted(read_source(path))
    return caught.value


def test_the_small_model_is_read(tmp_path: Path) -> None:
    text = drafted(read_source(archive(tmp_path / "m.keras", model(DENSE)))).text
    lines = ["# imported from m.keras", "name: small", "inputs: {x: [4]}", "layers:", "  - dense: 3"]
    assert text.split("\n") == [*lines, "expect: {parameters: 15, output: [3]}", ""]


def lambda_layer(marker: Path) -> dict[str, Any]:
    """A Lambda whose code would write a file."""
    code = compile(f"open({str(marker)!r}, 'w').write('ran')", "theirs.py", "exec")
    text = base64.b64encode(marshal.dumps(code)).decode()
    return layer(
        "Lambda", "scaled", {"function": {"class_name": "__lambda__", "config": {"code": text, "defaults": None}}}
    )


def test_code_is_named_and_does_not_run(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    hidden = layer(
        "Dense",
        "hidden",
        {"units": 2, "activation": {"class_name": "__lambda__", "config": {"code": "eA=="}}},
        of="scaled",
    )
    theirs = layer("Scale", "theirs", {}, of="hidden", module="os")
    kept = layer("Dense", "kept", {"units": 2}, of="theirs")
    problem = refused(archive(tmp_path / "m.keras", model(lambda_layer(marker), hidden, theirs, kept)))
    assert problem.code == "E803"
    assert problem.message == (
        "a spec has no words for parts of `m.keras`: `scaled`: the layer `Lambda`; "
        "`hidden`: the activation that is Python code; `theirs`: the class `Scale` of `os`"
    )
    assert not marker.exists()


def nested(depth: int) -> str:
    return '{"class_name": "Functional", "config": ' + "[" * depth + "]" * depth + "}"


def cycle() -> dict[str, Any]:
    return model(layer("Dense", "a", {"units": 4}, of="b"), layer("Dense", "b", {"units": 4}, of="a"))


TREES: dict[str, tuple[Any, str]] = {
    "no JSON": (b"{", "its config is no JSON"),
    "not UTF-8": (b"\xff\xfe", "its config is no JSON"),
    "a long number": ('{"class_name": "Functional", "config": {"a": ' + "9" * 5000 + "}}", "its config is no JSON"),
    "deep": (nested(500), "nested deeper than 100 levels"),
    "very deep": (nested(200_000), "its config"),
    "a list": ("[1]", "it describes no model"),
    "nothing": ("null", "it describes no model"),
    "no graph": (
        {"class_name": "BertBackbone", "registered_name": "hub>Bert", "config": {"layers": 2}},
        "`hub>Bert` has no graph",
    ),
    "unbuilt": ({"class_name": "Sequential", "config": {"name": "s", "layers": [DENSE]}}, "was never built"),
    "empty": ({"class_name": "Sequential", "config": {"name": "s", "layers": []}}, "was never built"),
    "a circle": (cycle(), "depends on itself"),
    "no such layer": (model(DENSE, end="other"), "there is no layer `other`"),
    "no such call": (
        model(layer("Dense", "dense", {"units": 3}, inbound_nodes=[])),
        "nothing says what enters `dense`",
    ),
    "two of a name": (model(DENSE, DENSE), "two layers are called `dense`"),
    "absurd units": (model(layer("Dense", "dense", {"units": 10**15})), "a spec does not hold"),
    "negative units": (model(layer("Dense", "dense", {"units": -3})), "a spec does not hold"),
    "text as units": (model(layer("Dense", "dense", {"units": "$x"})), "a spec does not hold"),
    "a path": (model(layer("StringLookup", "../../x", {"vocabulary": "/etc/passwd"})), "a spec does not hold"),
    "a name that is YAML": (model(layer("Den: {se", "a", {})), "the layer `Den: {se`"),
}


@pytest.mark.parametrize(("value", "lost"), [(0, True), (1, True), (None, False), (False, False)])
def test_an_option_without_words_is_lost_unless_it_says_nothing(value: Any, lost: bool, tmp_path: Path) -> None:
    path = archive(tmp_path / "m.keras", model(layer("Dense", "dense", {"units": 3, "later": value})))
    if lost:
        assert f"its option `later: {value}`" in refused(path).message
    else:
        assert "  - dense: 3" in drafted(read_source(path)).text


@pytest.mark.parametrize("case", TREES)
def test_trees_that_are_no_models(case: str, tmp_path: Path) -> None:
    tree, expected = TREES[case]
    problem = refused(archive(tmp_path / "m.keras", tree))
    assert problem.code in ("E801", "E802", "E803")
    assert expected in problem.message


def test_archives_beyond_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = tmp_path / "bomb.keras"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("config.json", " " * 20_000_000)
    assert "compressed more than 200 times" in refused(bomb).message
    twice = tmp_path / "twice.keras"
    with zipfile.ZipFile(twice, "w") as file, pytest.warns(UserWarning, match="Duplicate name"):
        file.writestr("config.json", "{}")
        file.writestr("config.json", json.dumps(model(DENSE)))
    assert "more than one `config.json`" in refused(twice).message
    monkeypatch.setattr(keras_archive, "MAX_CONFIG", 100)
    assert "is larger than" in refused(archive(tmp_path / "large.keras", model(DENSE))).message
    monkeypatch.setattr(keras_archive, "MAX_MEMBERS", 1)
    assert "more than 1 members" in refused(archive(tmp_path / "many.keras", "{}", other=b"")).message


def test_a_member_that_lies_about_its_size(tmp_path: Path) -> None:
    data = json.dumps(model(DENSE)).encode()
    path = archive(tmp_path / "m.keras", data)
    body = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = body.index(mark) + offset
        body[place : place + 4] = struct.pack("<I", len(data) + 5000)
    path.write_bytes(body)
    assert refused(path).code == "E801"


def test_what_is_no_model_file(tmp_path: Path) -> None:
    import h5py

    weights = tmp_path / "weights.h5"
    with h5py.File(weights, "w") as file:
        file["layers/dense/vars/0"] = [1.0]
    assert "it holds weights alone" in refused(weights).message
    numbers = tmp_path / "numbers.h5"
    with h5py.File(numbers, "w") as file:
        file.attrs["model_config"] = [1, 2]
    assert "`model_config` is no text" in refused(numbers).message
    assert "No such file" in refused(tmp_path / "absent.keras").message
    assert "is no run with a model" in refused(tmp_path).message
    empty = tmp_path / "empty.keras"
    empty.write_bytes(b"")
    assert "its config is no JSON" in refused(empty).message


@pytest.mark.parametrize("seed", range(3))
def test_damaged_bytes(seed: int, tmp_path: Path) -> None:
    # A byte that is changed or cut off anywhere ends in a diagnostic, or changes nothing that matters.
    generator = random.Random(seed)
    whole = archive(
        tmp_path / "whole.keras", model(DENSE), **{"model.weights.h5": zlib.compress(b"x" * 100)}
    ).read_bytes()
    path = tmp_path / "damaged.keras"
    outcomes = {"read": 0, "refused": 0}
    for _ in range(100):
        data = bytearray(whole)
        if generator.random() < 0.3:
            data = data[: generator.randrange(len(data))]
        else:
            for _ in range(generator.randint(1, 4)):
                data[generator.randrange(len(data))] = generator.randrange(256)
        path.write_bytes(data)
        try:
            drafted(read_source(path))
            outcomes["read"] += 1
        except Problem as problem:
            assert problem.code in ("E801", "E802", "E803")
            outcomes["refused"] += 1
    assert outcomes["refused"] > 60


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    archive(tmp_path / "m.keras", model(DENSE))
    assert run(["import", "m.keras", "-o", "m.yaml"]) == 0
    assert (
        capsys.readouterr().err
        == "wrote m.yaml: 6 lines, 1 layer, 15 parameters, 27 FLOPs; next: dlspec check m.yaml\n"
    )
    assert run(["check", "m.yaml"]) == 0
    assert run(["import", "m.keras", "-o", "m.yaml"]) == 2
    assert "`m.yaml` exists; --force overwrites it" in capsys.readouterr().err
    assert run(["import", "m.keras"]) == 0
    assert capsys.readouterr().out == (tmp_path / "m.yaml").read_text(encoding="utf-8")
    assert run(["import", "m.keras", "-o", "m.txt"]) == 2
    assert run(["import", "other.keras"]) == 1
    assert "error[E801]: `other.keras` cannot be read as a Keras model" in capsys.readouterr().err


def test_compile_settings_that_are_lost_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    huber = {"name": "huber", "reduction": "sum_over_batch_size"}
    adam = {"learning_rate": 0.0010000000474974513}
    tree = {**model(DENSE), "compile_config": {
        "loss": {"module": "keras.losses", "class_name": "Huber", "config": huber},
        "optimizer": {"module": "keras.optimizers", "class_name": "Adam", "config": adam},
        "metrics": [{"module": "theirs", "class_name": "function", "config": "closeness"}, "mae"],
    }}  # fmt: skip
    archive(tmp_path / "m.keras", tree)
    assert run(["import", str(tmp_path / "m.keras")]) == 0
    captured = capsys.readouterr()
    assert "warning[W801]: the file does not say `delta` of the loss `huber`" in captured.err
    assert "warning[W801]: left out: the metric `closeness`" in captured.err
    assert "train:\n  loss: huber\n  optimizer: adam\n  metrics: [mean_absolute_error]\n" in captured.out


def test_nothing_heavy_is_loaded(tmp_path: Path) -> None:
    archive(tmp_path / "m.keras", model(DENSE))
    code = (
        "import sys\nfrom dlspec.cli.main import run\n"
        f"assert run(['import', {str(tmp_path / 'm.keras')!r}]) == 0\n"
        "assert not {'tensorflow', 'keras', 'numpy', 'h5py', 'jinja2'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_help_names_what_it_reads() -> None:
    text = dlspec_here("import", "--help").stdout
    assert "dlspec import model.keras -o model.yaml" in text and "keras.applications.ResNet50" in text
