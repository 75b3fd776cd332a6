"""``dlspec ablate`` by the real command line: what it leaves out, its figures, interruptions and refusals."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from dlspec.components.registry import BUILT_IN
from dlspec.passes import compile_spec
from dlspec.passes.state import Checked
from dlspec.tuning.studies.ablation_page import rows
from dlspec.tuning.studies.figures import summary
from tests.studies.test_studies import cli
from tests.support import ROOT, dlspec

SPEC = """
name: spare
params: {depth: 2, drop: 0.2}
data:
  source: {sklearn: digits}
  inputs: {image: {column: images, prepare: [{rescaling: 1 / 16}], augment: [{gaussian_noise: 0.05}]}}
  targets: {digit: {column: target, class_weights: balanced}}
  split: {validation: 0.2, test: 0.3, by: stratified}
  batch_size: 64
blocks:
  Mix:
    layers:
      - dense: {units: $channels, activation: relu, kernel_regularizer: {l2: 1e-3}}
      - add: [input, prev]
layers:
  - flatten
  - dense: {units: 16, activation: relu, kernel_regularizer: {l2: 1e-3}, name: wide}
  - residual:
      - dense: {units: 16, activation: relu}
      - batch_normalization
  - dropout: $drop
  - Mix: {repeat: $depth, name: deep}
  - layer_normalization: {if: "$depth > 5"}
  - dense: {units: 8, activation: relu, from: wide, name: side}
  - concatenate: [deep, side, wide]
  - dropout: 0.1
  - dense: {units: 10, activation: softmax, name: digit}
train:
  loss: sparse_categorical_crossentropy
  optimizer: {adam_w: {learning_rate: {cosine_decay: {initial_learning_rate: 0.01, decay_steps: 60}}, clipnorm: 1}}
  metrics: [accuracy]
  epochs: 2
  callbacks: [{early_stopping: {patience: 5}}]
"""
SMALL = """
name: small
data:
  source: {sklearn: wine}
  inputs: {x: {column: data, prepare: [normalization]}}
  targets: {kind: {column: target}}
  split: {test: 0.3, by: stratified}
layers:
  - dense: {units: 8, activation: relu}
  - dropout: 0.3
  - dense: {units: 3, activation: softmax, name: kind}
train: {loss: sparse_categorical_crossentropy, metrics: [accuracy], epochs: 2, seed: 7}
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, dict[str, Any]]:
    """The folder of an ablation of :data:`SMALL`, what the command printed, and its document."""
    folder = tmp_path_factory.mktemp("ablation")
    (folder / "small.yaml").write_text(SMALL)
    code, out, err = cli("ablate", str(folder / "small.yaml"), "--run", str(folder / "study"), "-q")
    assert code == 0, out + err
    return folder, out, json.loads((folder / "study" / "study.json").read_text())


def _listed(spec: Path, *options: str) -> str:
    code, out, err = cli("ablate", str(spec), "--list", *options)
    assert code == 0, out + err
    return out


def test_list_names_what_the_spec_declares(tmp_path: Path) -> None:
    """Layers, blocks, skips and turns of the graph, aids of all components; and why others are left out."""
    spec = tmp_path / "spare.yaml"
    spec.write_text(SPEC)
    out = _listed(spec)
    kinds = dict(re.findall(r"^(\S+) +([a-z]+) +[\d,]+ +[\d,]+$", out, re.M))
    assert kinds == {
        "residual.skip": "skip",
        "residual": "block",
        "dense": "layer",
        "batch_normalization": "normalization",
        "dropout": "regularizer",
        "deep.turn": "turn",
        "deep": "block",
        "side": "layer",
        "concatenate.skip": "skip",
        "Mix.dense": "layer",
        "Mix.add.skip": "skip",
        "kernel_regularizer": "penalty",
        "gaussian_noise": "regularizer",
        "class_weights": "balancing",
        "cosine_decay": "schedule",
        "clipnorm": "clipping",
        "weight_decay": "regularizer",
        "early_stopping": "stopping",
    }
    assert "compared by accuracy" in out
    assert re.search(r"left out: flatten \(layer\): E\d+", out)
    assert all(len(line) <= 80 for line in out.splitlines())


def test_a_variant_differs_by_one_thing(tmp_path: Path) -> None:
    """The difference to the whole as people read it: parameters that nothing uses any more go as well."""
    spec = tmp_path / "spare.yaml"
    spec.write_text(SPEC.replace("  - dropout: 0.1\n", ""))

    def changed(name: str) -> list[str]:
        lines = _listed(spec, "--diff", "--only", name).splitlines()
        return [line for line in lines if line[:1] in "+-" and not line.startswith(("---", "+++"))]

    assert [line[1:].strip() for line in changed("dropout")] == [
        "params: {depth: 2, drop: 0.2}",
        "params: {depth: 2}",
        "- {dropout: $drop}",
    ]
    assert changed("weight_decay") == ["+      weight_decay: 0"]
    assert [line.strip() for line in changed("deep.turn")] == [
        "-- Mix: {repeat: $depth, name: deep}",
        "+- Mix: {repeat: $depth - 1, name: deep}",
    ]
    skip = changed("residual.skip")
    assert any("residual" in line for line in skip if line[0] == "-")
    assert not any("residual" in line for line in skip if line[0] == "+")


def test_a_name_goes_to_what_takes_the_place(tmp_path: Path) -> None:
    """Steps further down still have the tensor that they name."""
    spec = tmp_path / "named.yaml"
    spec.write_text(SMALL.replace("  - dropout: 0.3", "  - dense: {units: 8, name: deep}\n  - add: [deep, prev]"))
    out = _listed(spec, "--diff", "--only", "deep")
    assert "+- identity: {name: deep}" in out


def test_what_has_no_effect_is_left_out(tmp_path: Path) -> None:
    """A regularizer of which an expression makes none."""
    spec = tmp_path / "none.yaml"
    regularized = "activation: relu, kernel_regularizer: $none}"
    spec.write_text(SMALL.replace("activation: relu}", regularized).replace("data:", "params: {none: null}\ndata:", 1))
    assert "left out: kernel_regularizer (penalty): it has no effect in this spec" in _listed(spec)


def test_a_loss_does_not_compare_what_is_part_of_it(tmp_path: Path) -> None:
    """Without metrics, a variant without a penalty would win by that alone."""
    spec = tmp_path / "loss.yaml"
    text = SMALL.replace("metrics: [accuracy], ", "")
    spec.write_text(text.replace("activation: relu}", "activation: relu, kernel_regularizer: l2}"))
    out = _listed(spec)
    assert "compared by loss" in out
    assert "left out: kernel_regularizer (penalty): it is part of `loss`" in out


def test_listing_starts_no_tensorflow(tmp_path: Path) -> None:
    """Neither TensorFlow nor Keras is imported to say what could be left out."""
    (tmp_path / "small.yaml").write_text(SMALL)
    code = (
        "import sys; from dlspec.cli.main import run; "
        f"code = run(['ablate', {str(tmp_path / 'small.yaml')!r}, '--list']); "
        "assert code == 0 and not {'tensorflow', 'keras'} & set(sys.modules), code"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_figures_are_those_of_the_reports(trained: tuple[Path, str, dict[str, Any]]) -> None:
    """Means of the runs' own measures; differences seed by seed with Student's interval, by numpy and scipy."""
    folder, out, facts = trained
    ablation = facts["ablation"]
    assert ablation["seeds"] == [7, 8, 9] and ablation["part"] == "test" and ablation["measure"] == "accuracy"
    values: dict[str, list[float]] = {}
    for member in facts["members"]:
        report = json.loads((folder / "study" / member["folder"] / "report.json").read_text())
        assert report["status"] == "finished" and member["measures"] == report["metrics"]
        name = member["title"].removeprefix("without ").rpartition(",")[0]
        values.setdefault(name, []).append(report["metrics"]["test"]["accuracy"])
    assert list(values) == ["whole", "dense", "dropout"]
    for variant in ablation["variants"][1:]:
        apart = np.subtract(values[variant["name"]], values["whole"])
        (line,) = [each for each in variant["differences"] if (each["part"], each["measure"]) == ("test", "accuracy")]
        half = stats.t.ppf(0.975, 2) * apart.std(ddof=1) / np.sqrt(3)
        assert np.allclose([line["mean"], line["low"], line["high"]], [mean := apart.mean(), mean - half, mean + half])
        shown = "0" if abs(apart.mean()) < 1e-6 else f"{apart.mean():+.2g}"
        row = next(each for each in out.splitlines() if each.startswith(variant["name"]))
        assert row.split()[1:3] == [f"{np.mean(values[variant['name']]):.4g}", shown]
    assert {each["part"] for each in ablation["variants"][1]["differences"]} == {"train", "test"}


def test_table_fits_a_terminal_and_the_page_has_its_figures(trained: tuple[Path, str, dict[str, Any]]) -> None:
    folder, out, _ = trained
    lines = out.splitlines()
    assert all(len(line) <= 80 for line in lines if str(folder) not in line)
    page = (folder / "study" / "report.html").read_text()
    for line in lines[:4]:
        assert all(f">{cell}<" in page for cell in re.split(r"  +", line.strip())), line
    assert "<svg" in page and "variants/dropout.yaml" in page


def test_names_in_the_picture_are_whole(trained: tuple[Path, str, dict[str, Any]]) -> None:
    """What stands on the right half of the picture is written to its left."""
    text = (trained[0] / "study" / "report.html").read_text()
    labels = re.findall(r'<text style="font-size: 7px;([^"]*)" x="([\d.]+)" [^>]*>([^<]+)<', text)
    names = [each["name"] for each in trained[2]["ablation"]["variants"][1:]]
    assert sorted(name for _, _, name in labels) == sorted(names)
    width = float(re.search(r'class="plot" viewBox="0 0 ([\d.]+)', text)[1])
    for style, x, name in labels:
        assert 0 < float(x) < width
        if "end" not in style:
            assert float(x) + 5 * len(name) < width


def test_variants_are_specs(trained: tuple[Path, str, dict[str, Any]]) -> None:
    """Each checks by itself, and has the parameters that the document says."""
    folder, _, facts = trained
    for variant in facts["ablation"]["variants"]:
        state = compile_spec(folder / "study" / variant["spec"])
        assert isinstance(state, Checked), variant["name"]
        assert (state.graph.parameters, state.graph.flops) == (variant["parameters"], variant["flops"])


def test_finished_ablation_is_only_shown(trained: tuple[Path, str, dict[str, Any]]) -> None:
    folder, out, _ = trained
    before = {path: path.stat().st_mtime_ns for path in sorted((folder / "study").rglob("*.json"))}
    code, again, err = cli("ablate", str(folder / "small.yaml"), "--run", str(folder / "study"), "-q")
    assert code == 0 and again == out and "is finished" in err
    assert before == {path: path.stat().st_mtime_ns for path in before}
    code, _, err = cli("ablate", str(folder / "small.yaml"), "--run", str(folder / "study"), "--seeds", "2")
    assert code == 1 and "E507" in err and "lists other members" in err


def test_training_that_fails_is_a_result(tmp_path: Path) -> None:
    """Without clipping these steps diverge: the table says so, and all else is compared."""
    spec = tmp_path / "steep.yaml"
    spec.write_text(
        SMALL.replace(
            "metrics: [accuracy]", "metrics: [accuracy], optimizer: {sgd: {learning_rate: 1e30, clipnorm: 1e-30}}"
        )
    )
    code, out, err = cli("ablate", str(spec), "--run", str(tmp_path / "s"), "--seeds", "1", "--only", "clipnorm", "-q")
    assert code == 0, out + err
    assert re.search(r"^clipnorm +fails", out, re.M) and "Without clipnorm training fails: E508" in out, out
    code, again, _ = cli("ablate", str(spec), "--run", str(tmp_path / "s"), "--seeds", "1", "--only", "clipnorm", "-q")
    assert code == 0 and again == out


def test_refusals(tmp_path: Path) -> None:
    """Studies within studies, learners without a metric, nothing to leave out: words before anything starts."""
    spec = tmp_path / "small.yaml"
    spec.write_text(SMALL.replace("{loss", "{method: {k_fold: 3}, loss"))
    code, _, err = cli("ablate", str(spec))
    assert code == 1 and "E569" in err and "`k_fold`" in err and "--set train.method=null" in err
    assert "dropout" in _listed(spec, "--set", "train.method=null")
    code, _, err = cli("ablate", str(ROOT / "specs" / "generative" / "gan.yaml"))
    assert code == 1 and "E570" in err and "`metrics`" in err
    code, _, err = cli("ablate", str(ROOT / "specs" / "linear" / "perceptron.yaml"))
    assert code == 1 and "E571" in err and "nothing can be left out" in err
    spec.write_text(SMALL)
    code, _, err = cli("ablate", str(spec), "--only", "drop")
    assert code == 1 and "E571" in err and "`dense`, `dropout`" in err
    code, _, err = cli("ablate", str(spec), "--diff")
    assert code == 2 and "--diff goes with --list" in err


def test_phases_and_learners_with_metrics_are_listed() -> None:
    """Options inside of phases count; learners are compared by their first metric."""
    out = _listed(ROOT / "specs" / "learning" / "distillation.yaml")
    assert "compared by digit_accuracy" in out and "Student.dense" in out


@pytest.mark.parametrize(
    "name",
    [name for name in BUILT_IN.names("layer") if getattr(BUILT_IN.find("layer", name), "aid", "")],
)
def test_what_a_layer_declares_as_an_aid_can_be_left_out(name: str, tmp_path: Path) -> None:
    """Its output has the shape of its input, as in every example of it."""
    owner: Any = BUILT_IN.find("layer", name)
    for example in owner.examples:
        if "return_loss" in example.value:
            continue
        shape = "[" + ", ".join("null" if size is None else str(size) for size in example.inputs[0]) + "]"
        written = f"{name}: {example.value}" if example.value else name
        (tmp_path / "alone.yaml").write_text(f"inputs: {{x: {shape}}}\nlayers:\n  - {written}\n")
        state = compile_spec(tmp_path / "alone.yaml")
        assert isinstance(state, Checked), example
        ((_, edge),) = state.graph.outputs
        assert state.graph.tensor(edge).shape == example.inputs[0], example


def _document(differences: list[list[float]], direction: str) -> Any:
    """A document with variants of such differences."""
    lines = [summary(float(group), "test", "score", each, 1 / len(each)) for group, each in enumerate(differences, 1)]
    whole = {"name": "whole", "aid": "", "spec": "", "parameters": 1, "flops": 1, "failure": None}
    variants = [
        {**whole, "name": f"part{int(line['group'])}", "group": line["group"], "differences": [line]} for line in lines
    ]
    means = [summary(float(group), "test", "score", [0.5], 1) for group in range(len(differences) + 1)]
    ablation = {"measure": "score", "direction": direction, "part": "test", "seeds": [0, 1, 2], "left_out": []}
    ablation["variants"] = [{**whole, "group": 0.0, "differences": []}, *variants]
    return {"ablation": ablation, "summaries": means, "members": []}


def test_effects_follow_from_intervals() -> None:
    """Better or worse by the direction of the measure; nothing where 0 is inside, or all differences are the same."""
    differences = [[-0.3, -0.31, -0.29], [0.3, 0.31, 0.29], [-0.3, 0.3, 0.1], [-0.1, -0.1, -0.1]]
    for direction, first, second in (("up", "helps", "harms"), ("down", "harms", "helps")):
        effects = {row.variant["name"]: row.effect for row in rows(_document(differences, direction))}
        expected = {"whole": "open", "part1": first, "part2": second, "part3": "open", "part4": "open"}
        assert effects == expected
    order = [row.variant["name"] for row in rows(_document(differences, "up"))]
    assert order == ["whole", "part1", "part4", "part3", "part2"]


@pytest.mark.slow
def test_killed_ablation_goes_on(tmp_path: Path) -> None:
    """Killed at random moments, it ends with the same figures, and trains nothing twice."""
    from tests.studies.test_kills import _facts, killed_again_and_again

    spec = tmp_path / "small.yaml"
    spec.write_text(SMALL.replace("epochs: 2", "epochs: 4"))
    command = ("ablate", "--seeds", "2", "--only", "dropout")
    met = killed_again_and_again(spec, tmp_path / "killed", 4, 3, 9.0, *command)
    assert met >= 2
    assert dlspec(*command, str(spec), "--run", str(tmp_path / "whole"), "--workers", "2", "-q").returncode == 0
    assert _facts(tmp_path / "killed") == _facts(tmp_path / "whole")


@pytest.mark.slow
def test_the_same_command_goes_on_and_another_begins_anew(tmp_path: Path) -> None:
    """An unfinished ablation with other variants or seeds is left alone."""
    spec = tmp_path / "small.yaml"
    spec.write_text(SMALL)
    options = (str(spec), "--runs", str(tmp_path / "runs"), "--only", "dropout", "--seeds", "1", "-q")
    assert dlspec("ablate", *options).returncode == 0
    (first,) = (tmp_path / "runs" / "small").glob("ablation-*")
    facts = json.loads((first / "study.json").read_text())
    (first / "study.json").write_text(json.dumps({**facts, "finished": False}))
    assert dlspec("ablate", *options[:-2], "2", "-q").returncode == 0
    assert len(list((tmp_path / "runs" / "small").glob("ablation-*"))) == 2
