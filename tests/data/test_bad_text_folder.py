"""Bad folders of texts: what is said of them, where, before TensorFlow is imported."""

from __future__ import annotations

from pathlib import Path
from shutil import rmtree

import numpy as np
from bad_inputs import Bad, cases, diagnose, expect
from builders import write

from dlspec.data.sources.text_folder import TextFolder

SPEC = """\
layers:
  - embedding: {input_dim: 50, output_dim: 4}
  - global_average_pooling1d
  - dense: {units: 2, activation: softmax}
data:
  source: {text_folder: reviews}
  inputs: {text: {column: text, prepare: [{text_vectorization: {max_tokens: 50, output_sequence_length: 5}}]}}
  targets: {mood: label}
train: {loss: sparse_categorical_crossentropy}
"""


def good(folder: Path) -> None:
    for number, (kind, text) in enumerate([("good", "a fine film"), ("good", "läuft"), ("bad", "no"), ("bad", "dull")]):
        write(folder, f"reviews/{kind}/{number}.txt", text)


def put(name: str, content: str | bytes) -> object:
    return lambda folder: write(folder, f"reviews/{name}", content)


@cases(
    Bad("missing folder", "E601", "there is no folder `revews`", "revews",
        replace=(("text_folder: reviews", "text_folder: revews"),)),
    Bad("a file", "E601", "`spec.yaml` is a file, expected a folder", "spec.yaml",
        replace=(("text_folder: reviews", "text_folder: spec.yaml"),)),
    Bad("outside", "E108", "`../reviews` leads out of the spec's folder", "../reviews",
        replace=(("text_folder: reviews", "text_folder: ../reviews"),)),
    Bad("a link outside", "E108", "`reviews/bad/link.txt` is a link that leads out of the spec's folder", "reviews", "",
        lambda f: ((f.parent / "s.txt").write_text("x"), (f / "reviews/bad/link.txt").symlink_to("../../../s.txt"))),
    Bad("missing column", "E602", "the source has no column `labels`", "labels",
        replace=(("mood: label", "mood: labels"),)),
    Bad("no class folders", "E602", "the source has no column `label`", "label", "",
        lambda f: (rmtree(f / "reviews/good"), rmtree(f / "reviews/bad"), write(f, "reviews/a.txt", "a"))),
    Bad("an empty class folder", "E608", "class folder `mixed` holds no texts (.txt)", "reviews", "reviews/mixed",
        lambda f: (f / "reviews/mixed").mkdir()),
    Bad("an empty folder", "E608", "folder `reviews` holds no texts (.txt)", "reviews", "reviews",
        lambda f: (rmtree(f / "reviews"), (f / "reviews").mkdir())),
    Bad("a stray file", "E608", "`stray.txt` stands beside the class folders of `reviews`", "reviews",
        "reviews/stray.txt", put("stray.txt", "x")),
    Bad("an empty file", "E608", "`reviews/good/9.txt` is empty", "text", "reviews/good/9.txt",
        put("good/9.txt", "")),
    Bad("blanks alone", "E608", "`reviews/good/9.txt` is empty", "text", "reviews/good/9.txt",
        put("good/9.txt", " \n\n")),
    Bad("Latin-1", "E608", "line 2 of `reviews/good/9.txt` is not UTF-8", "text", "reviews/good/9.txt",
        put("good/9.txt", "gut\nl\u00e4uft".encode("latin-1"))),
    Bad("UTF-16", "E608", "line 1 of `reviews/good/9.txt` is not UTF-8", "text", "reviews/good/9.txt",
        put("good/9.txt", "gut".encode("utf-16"))),
    Bad("text for numbers", "E603", "column `text` holds text (`no`), expected numbers", "text", "reviews/bad/2.txt",
        replace=((", prepare: [{text_vectorization: {max_tokens: 50, output_sequence_length: 5}}]", ""),)),
    Bad("classes without units", "E604", "target `mood` has 3 classes, the output has 2", "label", "",
        put("mixed/9.txt", "so so")),
    Bad("one class only", "E604", "target `mood` has a single class, `good`: there is nothing to learn", "label", "",
        lambda f: rmtree(f / "reviews/bad")),
)  # fmt: skip
def test_bad_files(bad: Bad, tmp_path: Path) -> None:
    folder = tmp_path / "spec"
    folder.mkdir()
    expect(bad, folder, good, SPEC)


def test_a_good_folder(tmp_path: Path) -> None:
    good(tmp_path)
    assert diagnose(tmp_path, SPEC) == []
    table = TextFolder(path="reviews").open(tmp_path)
    assert {name: (str(c.tensor), c.count, c.label) for name, c in table.columns.items()} == {
        "text": ("[] string", 4, False), "label": ("[] string", 4, True),
    }  # fmt: skip
    assert table.read(["text"])["text"].tolist() == ["no", "dull", "a fine film", "läuft"]
    assert table.take(["label", "text"], np.array([3, 0]))["label"].tolist() == ["good", "bad"]
    assert (table.labels("label").values, table.labels("label").counts) == (("bad", "good"), (2, 2))
    assert table.where(3) == "reviews/good/1.txt"
