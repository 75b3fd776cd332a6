"""Bad folders of sounds: what is said of them, where, before TensorFlow is imported."""

from __future__ import annotations

import struct
import wave
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
import pytest
from bad_inputs import Bad, cases, diagnose, expect
from builders import write

from dlspec.data.sources.audio_folder import AudioFolder
from dlspec.data.sources.base import DataProblem

SPEC = """\
inputs: {audio: [800, 1]}
layers:
  - conv1d: {filters: 4, kernel_size: 80, strides: 40}
  - global_average_pooling1d
  - dense: {units: 2, activation: softmax}
data:
  source: {audio_folder: {path: words}}
  targets: {word: label}
train: {loss: sparse_categorical_crossentropy}
"""


def sound(name: str, frames: int = 800, rate: int = 8000, channels: int = 1, width: int = 2) -> Callable[[Path], Any]:
    """Writes noise as PCM."""

    def make(folder: Path) -> None:
        path = folder / "words" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(0).bytes(frames * channels * width)
        with wave.open(str(path), "wb") as out:
            out.setparams((channels, width, rate, 0, "NONE", ""))
            out.writeframes(noise)

    return make


def good(folder: Path) -> None:
    for name in ("yes/a.wav", "yes/b.wav", "no/c.wav", "no/d.wav"):
        sound(name)(folder)


def put(content: bytes) -> Callable[[Path], Any]:
    return lambda folder: write(folder, "words/yes/b.wav", content)


def raw(values: np.ndarray, form: int, bits: int, rate: int = 8000, extensible: bool = False) -> bytes:
    """A WAV file of any form, with a chunk before the samples that readers skip."""
    samples = values.tobytes()
    layout = struct.pack("<HHIIHH", 0xFFFE if extensible else form, 1, rate, rate * bits // 8, bits // 8, bits)
    if extensible:
        layout += struct.pack("<HHIH", 22, bits, 4, form) + b"\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71"
    chunks = b"fmt " + struct.pack("<I", len(layout)) + layout
    chunks += b"LIST" + struct.pack("<I", 3) + b"abc\0" + b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WAVE" + chunks


def cut(folder: Path) -> None:
    path = folder / "words/yes/b.wav"
    path.write_bytes(path.read_bytes()[:-100])


FILE = "words/yes/b.wav"
PATH = "path: words}"


@cases(
    Bad("missing folder", "E601", "there is no folder `word`", "word", replace=((PATH, "path: word}"),)),
    Bad("outside", "E108", "`../words` leads out of the spec's folder", "../words",
        replace=((PATH, "path: ../words}"),)),
    Bad("missing column", "E602", "the source has no column `labels`", "labels",
        replace=(("word: label", "word: labels"),)),
    Bad("an empty class folder", "E608", "class folder `maybe` holds no sounds (.wav)", "words", "words/maybe",
        lambda f: (f / "words/maybe").mkdir()),
    Bad("a stray file", "E608", "`e.wav` stands beside the class folders of `words`", "words", "words/e.wav",
        sound("e.wav")),
    Bad("empty file", "E608", "`words/yes/b.wav` is empty", "words", FILE, put(b"")),
    Bad("another format", "E608", "`words/yes/b.wav` is no WAV file", "words", FILE, put(b"ID3\x04 an mp3 file")),
    Bad("a header alone", "E608", "`words/yes/b.wav` is cut off: it holds no samples", "words", FILE,
        put(raw(np.zeros(8, "<i2"), 1, 16)[:40])),
    Bad("cut off", "E608", "`words/yes/b.wav` is cut off: it claims 1,600 bytes of samples and has 1,500", "words",
        FILE, cut),
    Bad("no samples", "E608", "`words/yes/b.wav` holds no samples", "words", FILE, sound("yes/b.wav", 0)),
    Bad("compressed", "E608", "`words/yes/b.wav` holds samples of form 7 with 8 bits, expected PCM", "words", FILE,
        put(raw(np.zeros(800, np.uint8), 7, 8))),
    Bad("a rate of 0", "E608", "`words/yes/b.wav` claims 1 channels at 0 samples per second", "words", FILE,
        put(raw(np.zeros(800, "<i2"), 1, 16, rate=0))),
    Bad("another rate", "E608", "`words/yes/b.wav` has 16,000 samples per second, the first sound has 8,000", "words",
        FILE, sound("yes/b.wav", rate=16000)),
    Bad("not the stated rate", "E608", "`words/no/c.wav` has 8,000 samples per second, `sample_rate` is 16,000",
        "words", "words/no/c.wav", replace=((PATH, "path: words, sample_rate: 16000}"),)),
    Bad("another length", "E608", "`words/yes/b.wav` has 790 samples, the first sound has 800", "words", FILE,
        sound("yes/b.wav", 790)),
    Bad("too short", "E608", "`words/yes/b.wav` lasts 0.0988 s, shorter than `seconds: 0.1`", "words", FILE,
        sound("yes/b.wav", 790), ((PATH, "path: words, seconds: 0.1, pad: false}"),)),
    Bad("another number of channels", "E608", "`words/no/c.wav` has 1 channel, expected 2", "words", "words/no/c.wav",
        replace=((PATH, "path: words, channels: 2}"), ("800, 1", "800, 2"))),
    Bad("not a number", "E608", "column `audio` holds a value that is not a finite number", "{path: words}", FILE,
        put(raw(np.full(800, np.nan, "<f4"), 3, 32))),
    Bad("another shape than the model's", "E605", "input `audio` has shape [800, 1], the data (`audio`) give [1600, 1]",
        "{path: words, seconds: 0.2}", "", replace=((PATH, "path: words, seconds: 0.2}"),)),
    Bad("classes without units", "E604", "target `word` has 3 classes, the output has 2", "label", "",
        sound("maybe/e.wav")),
    Bad("one class only", "E604", "target `word` has a single class, `yes`", "label", "",
        lambda f: rmtree(f / "words/no")),
)  # fmt: skip
def test_bad_files(bad: Bad, tmp_path: Path) -> None:
    expect(bad, tmp_path, good, SPEC)


def test_a_good_folder(tmp_path: Path) -> None:
    good(tmp_path)
    assert diagnose(tmp_path, SPEC) == []
    table = AudioFolder(path="words").open(tmp_path)
    assert {name: (str(c.tensor), c.count, c.label) for name, c in table.columns.items()} == {
        "audio": ("[800, 1]", 4, False), "label": ("[] string", 4, True),
    }  # fmt: skip
    assert table.read(["label"])["label"].tolist() == ["no", "no", "yes", "yes"]
    assert (table.labels("label").values, table.labels("label").counts) == (("no", "yes"), (2, 2))


LINE = np.linspace(-1, 1, 9)[:-1]


@pytest.mark.parametrize("extensible", [False, True])
@pytest.mark.parametrize(
    ("form", "bits", "values", "exact"),
    [
        (1, 8, np.round(LINE * 128 + 128).astype(np.uint8), 1e-7),
        (1, 16, np.round(LINE * 2**15).astype("<i2"), 1e-7),
        (1, 24, np.round(LINE * 2**23).astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3], 1e-7),
        (1, 32, np.round(LINE * 2**31).astype("<i4"), 1e-7),
        (3, 32, LINE.astype("<f4"), 0),
        (3, 64, LINE.astype("<f8"), 1e-7),
    ],
)
def test_every_form_of_samples(
    tmp_path: Path, form: int, bits: int, values: np.ndarray, exact: float, extensible: bool
) -> None:
    write(tmp_path, "words/a.wav", raw(values, form, bits, extensible=extensible))
    samples = AudioFolder(path="words").open(tmp_path).read(["audio"])["audio"]
    assert samples.shape == (1, 8, 1)
    assert samples.dtype == np.float32
    np.testing.assert_allclose(samples[0, :, 0], LINE, atol=exact)


def test_several_channels_a_cut_and_silence(tmp_path: Path) -> None:
    sound("a.wav", 10, channels=2)(tmp_path)
    sound("b.wav", 4, channels=2)(tmp_path)
    stereo = AudioFolder(path="words", seconds=6 / 8000, channels=2).open(tmp_path)
    mono = AudioFolder(path="words", seconds=6 / 8000).open(tmp_path)
    both = stereo.take(["audio"], np.array([1, 0]))["audio"]
    assert both.shape == (2, 6, 2)
    assert (both[0, 4:] == 0).all()
    assert (both[1] != 0).all()
    np.testing.assert_allclose(mono.read(["audio"])["audio"][::-1], both.mean(axis=2, keepdims=True), atol=1e-7)


def test_what_would_not_fit_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound("a.wav", 10)(tmp_path)
    table = AudioFolder(path="words", seconds=3600).open(tmp_path)
    assert not table.streamed
    monkeypatch.setattr("dlspec.data.sources.limits.machine_memory", lambda: 1_000_000)
    with pytest.raises(DataProblem, match=r"1 sounds of 28,800,000 samples takes 115\.2 MB") as caught:
        table.read(["audio"])
    assert caught.value.code == "E609"


def test_a_file_that_changes_after_it_was_checked(tmp_path: Path) -> None:
    good(tmp_path)
    table = AudioFolder(path="words").open(tmp_path)
    assert table.columns["audio"].count == 4
    put(b"short")(tmp_path)
    with pytest.raises(DataProblem, match=r"`words/yes/b\.wav` is cut off since it was first read"):
        table.read(["audio"])
    (tmp_path / "words/yes/b.wav").unlink()
    with pytest.raises(DataProblem, match=r"cannot read `words/yes/b\.wav`: No such file or directory"):
        table.read(["audio"])
