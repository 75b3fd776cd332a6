"""Projects of sequences: they train as ``dlspec train`` does, and then write the same texts, token by token."""

from __future__ import annotations

import csv
import gzip
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.emit.projects import differences, emitted, run_project, train_project, train_spec
from tests.support import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

SPECS = ROOT / "specs" / "sequence"
WAYS = {
    "greedy": "greedy",
    "beam": "{beam: {width: 3, length_penalty: 0.6}}",
    "sample": "{sample: {temperature: 0.9, top_k: 12, top_p: 0.95, seed: 3}}",
}
_GPT = ["params.width=16", "params.hidden=32", "train.epochs=1"]
_TOPICS = ['The "for" statement', "An import"]
# The gallery's specs, smaller; how many lines of their tables; and the texts that their models are given.
SMALL = {
    "number_words": (["params.width=32", "params.hidden=64", "train.epochs=2"], 1500, ["seven", "sixty one thousand"]),
    "dates": ([*_GPT, "train.epochs=2"], 800, ["the third of march nineteen eighty four"]),
    "char_gpt": (_GPT, 30, _TOPICS),
    "piece_lstm": (["params.width=16", "params.pieces=120", "train.epochs=2"], 60, _TOPICS),
    "masked_words": (["params.width=16", "params.words=200", "train.epochs=2"], 60, []),
}


WRITING = [name for name, (*_, texts) in SMALL.items() if texts]


class Trained(NamedTuple):
    """A spec that is trained both ways."""

    spec: Path
    settings: list[str]
    run: Path
    project: Path
    found: dict[str, float]


def smaller(folder: Path, name: str) -> Path:
    """The spec `name` on the first lines of its table, without what is expected of its size."""
    for path in {SPECS / f"{name}.yaml", SPECS / "number_words.yaml"}:
        text = re.sub(r"^expect: .*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        (folder / path.name).write_text(text, encoding="utf-8")
    for table in SPECS.glob("*.csv.gz"):
        with gzip.open(table, "rt", encoding="utf-8", newline="") as whole:
            rows = [row for row, _ in zip(csv.reader(whole), range(SMALL[name][1]), strict=False)]
        with gzip.open(folder / table.name, "wt", encoding="utf-8", newline="") as part:
            csv.writer(part).writerows(rows)
    return folder / f"{name}.yaml"


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=[pytest.mark.exhaustive] * (name in ("dates", "piece_lstm"))) for name in WRITING],
)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp(request.param)
    spec, settings = smaller(folder, request.param), SMALL[request.param][0]
    state, _ = emitted(spec, folder / "project", *settings)
    ours, run = train_spec(state, folder / "runs")
    return Trained(spec, settings, run, folder / "project", differences(ours, train_project(folder / "project")))


def test_the_same_curve(trained: Trained) -> None:
    assert max(trained.found.values()) == 0, trained.found
    assert "perplexity" in trained.found


@pytest.mark.exhaustive
def test_hidden_steps(tmp_path: Path) -> None:
    state, _ = emitted(smaller(tmp_path, "masked_words"), tmp_path / "project", *SMALL["masked_words"][0])
    ours, _ = train_spec(state, tmp_path / "runs")
    found = differences(ours, train_project(tmp_path / "project"))
    # Of 20 rows it is the same to the bit, of 60 it is 5e-7 off: rounding in float32, whose reason is not known.
    assert found.pop("perplexity") <= 1e-6, found
    assert max(found.values()) == 0, found


@pytest.mark.parametrize("way", WAYS)
def test_the_same_tokens(trained: Trained, way: str, tmp_path: Path) -> None:
    state, _ = emitted(trained.spec, tmp_path / "project", *trained.settings, f"generate={WAYS[way]}")
    given = SMALL[trained.spec.stem][2]
    said = run_project(
        tmp_path / "project", "generate.py", *given, "--model", str(trained.project / "output" / "model.keras")
    )
    expected = texts_of_run(trained.run, state.generator, given)
    assert said == "".join(f"{text}\n" for text in expected)
    assert any(expected)


def texts_of_run(folder: Path, generator: Any, texts: list[str]) -> list[str]:
    """What ``dlspec predict`` gives for some texts in the one input that is to be given."""
    import numpy as np

    from dlspec.training.saved import open_run
    from dlspec.training.written_answers import texts_of
    from dlspec.views.pages.index import Run

    saved = open_run(Run(folder))
    assert saved.writer is not None
    writer = replace(saved.writer, generator=generator)
    name = (writer.others or [writer.fed])[0]
    return texts_of(saved, writer, {name: np.array(texts, object)}, 0)
