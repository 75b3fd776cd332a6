"""Examples per second of further sources against the best pipeline written by hand; see :mod:`tests.bench.data`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from tests.bench.data import BATCH, compared, feed, photographs, prepared

# Passes that are over in a tenth of a second are repeated: a machine of few cores is shared out in slices as long.
PASSES = 5


def sources_speed() -> bool:
    """Every one; all are measured, whatever the others give."""
    measures = (
        arrays,
        mapped,
        bundled,
        texts,
        folders_of_texts,
        sounds,
        windows,
        records,
        images_named_by_a_table,
        masks,
    )
    with tempfile.TemporaryDirectory() as name:
        good = [measure(Path(name)) for measure in measures]
    return all(good)


def _part(folder: Path, source: Any, column: str, shape: tuple[int, ...], target: str, **options: Any) -> Any:
    """The training part of one column; the target is a number, or a class where `classes` says how many or in what
    shape their probabilities come."""
    from dlspec.components.sections.data import Feature, Target
    from dlspec.components.training.losses import MeanSquaredError, SparseCategoricalCrossentropy
    from dlspec.core.ir import Tensor

    classes, dtype = options.pop("classes", 0), options.pop("dtype", "float32")
    loss = SparseCategoricalCrossentropy() if classes else MeanSquaredError()
    answers = classes if isinstance(classes, tuple) else (classes or 1,)
    return prepared(
        source, {"x": Feature(column=column)}, {"y": Target(column=target)},
        ({"x": Tensor(shape, dtype)}, {"y": Tensor(answers)}), loss, folder, **options,
    )  # fmt: skip


def _held(x: Any, y: Any) -> Any:
    """Arrays in memory, shuffled and batched as the guides of TensorFlow do it."""
    import tensorflow as tf

    whole = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(y))
    return whole.batch(BATCH).prefetch(tf.data.AUTOTUNE)


def arrays(folder: Path) -> bool:
    """Pictures of 28 x 28 in an archive."""
    import numpy as np

    from dlspec.data.sources.npz import Npz

    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((30_000, 28, 28), np.float32), rng.standard_normal((30_000, 1), np.float32)
    np.savez(folder / "a.npz", x=x, y=y)
    part = _part(folder, Npz(path="a.npz"), "x", (28, 28), "y")
    return compared("npz", feed(part), _held(x, y), len(y), 7, PASSES)


def mapped(folder: Path) -> bool:
    """The same in files of their own, which stay on the disk and are mapped into memory."""
    import numpy as np

    from dlspec.data.sources.npy import Npy

    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((30_000, 28, 28), np.float32), rng.standard_normal((30_000, 1), np.float32)
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", y)
    part = _part(folder, Npy(path=("x.npy", "y.npy")), "x", (28, 28), "y")
    return compared("npy", feed(part), _held(x, y), len(y), 7, PASSES)


def bundled(folder: Path) -> bool:
    """The handwritten digits of scikit-learn."""
    import numpy as np
    from sklearn.datasets import load_digits

    from dlspec.data.sources.sklearn import Sklearn

    x, y = load_digits(return_X_y=True)
    part = _part(folder, Sklearn(set="digits"), "data", (64,), "target", classes=10)
    by_hand = _held(x.astype(np.float32), y.astype(np.int32)[:, None])
    return compared("sklearn", feed(part), by_hand, len(y), 7, 20 * PASSES)


def texts(folder: Path) -> bool:
    """A text per line, as the model's own vectorisation takes it."""
    import numpy as np
    import tensorflow as tf

    from dlspec.data.sources.text_lines import TextLines

    count = 30_000
    lines = [f"line number {row} of a text of some words\t{'ab'[row % 2]}" for row in range(count)]
    (folder / "a.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    source = TextLines(path=("a.txt",), separator="\t", names=("text", "kind"))
    part = _part(folder, source, "text", (1,), "kind", classes=2, dtype="string")
    x = tf.constant([[line.split("\t")[0]] for line in lines])
    y = np.arange(count, dtype=np.int32)[:, None] % 2
    return compared("text_lines", feed(part), _held(x, y), count, 7, PASSES)


def folders_of_texts(folder: Path) -> bool:
    """A file per text, against Keras's utility, which reads each once."""
    import keras

    from dlspec.data.sources.text_folder import TextFolder

    count = 2000
    for number in range(count):
        path = folder / "texts" / "ab"[number % 2] / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"text number {number}\n" * 20, encoding="utf-8")
    part = _part(folder, TextFolder(path="texts"), "text", (1,), "label", classes=2, dtype="string")
    utility = keras.utils.text_dataset_from_directory(folder / "texts", batch_size=None, shuffle=False, verbose=False)
    by_hand = utility.cache().shuffle(count).batch(BATCH).prefetch(8)
    return compared("text_folder", feed(part), by_hand, count, 7, 10 * PASSES)


def sounds(folder: Path) -> bool:
    """WAV files of a quarter of a second, decoded anew, against Keras's utility."""
    import keras
    import numpy as np
    from scipy.io import wavfile

    from dlspec.data.sources.audio_folder import AudioFolder

    rng, count = np.random.default_rng(0), 2000
    for number in range(count):
        path = folder / "sounds" / "ab"[number % 2] / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        wavfile.write(path, 16_000, rng.integers(-9999, 9999, 4000).astype(np.int16))
    part = _part(folder, AudioFolder(path="sounds"), "audio", (4000, 1), "label", classes=2, cache="none")
    utility = keras.utils.audio_dataset_from_directory(
        folder / "sounds", batch_size=BATCH, output_sequence_length=4000, seed=1, verbose=False
    )
    return compared("audio_folder decoded anew", feed(part), utility, count, 5, PASSES)


def windows(folder: Path) -> bool:
    """Windows over three columns, against Keras's utility."""
    import keras
    import numpy as np

    from dlspec.data.sources.csv import Csv
    from dlspec.data.sources.timeseries import Timeseries

    rows, window = 20_000, 48
    values = np.random.default_rng(0).standard_normal((rows, 3)).astype(np.float32)
    np.savetxt(folder / "series.csv", values, "%.6g", ",", header="a,b,c", comments="")
    source = Timeseries(table=Csv(path="series.csv"), targets=("a",), series=("a", "b", "c"), window=window)
    part = _part(folder, source, "past", (window, 3), "future")
    utility = keras.utils.timeseries_dataset_from_array(
        values[:-1], values[window:, :1], window, batch_size=BATCH, shuffle=True, seed=1
    )
    return compared("timeseries", feed(part), utility, part.count, 5)


def records(folder: Path) -> bool:
    """Records of 100 numbers and a label, read anew, against TensorFlow's own reader and parser of batches."""
    import numpy as np
    import tensorflow as tf

    from dlspec.data.sources.tfrecord import RecordFeature, Tfrecord

    rng, count, path = np.random.default_rng(0), 20_000, str(folder / "a.tfrecord")
    with tf.io.TFRecordWriter(path) as writer:
        for number in range(count):
            floats = tf.train.FloatList(value=rng.standard_normal(100))
            label = tf.train.Int64List(value=[number % 2])
            features = {"x": tf.train.Feature(float_list=floats), "y": tf.train.Feature(int64_list=label)}
            writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    declared = {"x": RecordFeature(shape=(100,)), "y": RecordFeature(dtype="int64")}
    source = Tfrecord(path=("a.tfrecord",), features=declared)
    part = _part(folder, source, "x", (100,), "y", classes=2, cache="none")
    wanted = {"x": tf.io.FixedLenFeature((100,), "float32"), "y": tf.io.FixedLenFeature((), "int64")}

    def parse(messages: Any) -> Any:
        found = tf.io.parse_example(messages, wanted)
        return found["x"], found["y"]

    batches = tf.data.TFRecordDataset(path).shuffle(count).batch(BATCH)
    by_hand = batches.map(parse, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
    return compared("tfrecord read anew", feed(part), by_hand, count, 7, PASSES)


def images_named_by_a_table(folder: Path) -> bool:
    """Photographs, resized, against TensorFlow's decoder."""
    import tensorflow as tf

    from dlspec.data.sources.csv import Csv
    from dlspec.data.sources.image_table import ImageTable

    files = sorted(photographs(folder).rglob("*.jpg"))
    rows = [f"{file.relative_to(folder).as_posix()},{file.parent.name}" for file in files]
    (folder / "photos.csv").write_text("\n".join(["image,label", *rows, ""]), encoding="utf-8")
    source = ImageTable(table=Csv(path="photos.csv"), size=(128, 128))
    part = _part(folder, source, "image", (128, 128, 3), "label", classes=2, cache="none")

    def load(path: Any, label: Any) -> Any:
        return tf.image.resize(tf.io.decode_jpeg(tf.io.read_file(path), 3), (128, 128)), label

    labels = [int(file.parent.name == "flower") for file in files]
    listed = tf.data.Dataset.from_tensor_slices(([str(file) for file in files], labels)).shuffle(len(files))
    by_hand = listed.map(load, num_parallel_calls=tf.data.AUTOTUNE).batch(BATCH).prefetch(tf.data.AUTOTUNE)
    return compared("image_table decoded anew", feed(part), by_hand, len(files), 7, PASSES)


def masks(folder: Path) -> bool:
    """Photographs and masks of their pixels, resized, against TensorFlow's decoders."""
    import numpy as np
    import tensorflow as tf
    from PIL import Image

    from dlspec.data.sources.image_masks import ImageMasks

    files = sorted(photographs(folder).rglob("*.jpg"))[:1000]
    for kind in ("seen", "outlined"):
        (folder / kind).mkdir()
    for number, file in enumerate(files):
        (folder / "seen" / f"{number:04}.jpg").write_bytes(file.read_bytes())
        light = np.asarray(Image.open(file).convert("L")) > 128
        Image.fromarray(light.astype(np.uint8)).save(folder / "outlined" / f"{number:04}.png")
    source = ImageMasks(images="seen", masks="outlined", size=(128, 128))
    part = _part(folder, source, "image", (128, 128, 3), "mask", classes=(128, 128, 2), cache="none")

    def load(image: Any, mask: Any) -> Any:
        seen = tf.image.resize(tf.io.decode_jpeg(tf.io.read_file(image), 3), (128, 128))
        return seen, tf.image.resize(tf.io.decode_png(tf.io.read_file(mask), 1), (128, 128), "nearest")

    paths = [[str(path) for path in sorted((folder / kind).iterdir())] for kind in ("seen", "outlined")]
    listed = tf.data.Dataset.from_tensor_slices(tuple(paths)).shuffle(len(files))
    by_hand = listed.map(load, num_parallel_calls=tf.data.AUTOTUNE).batch(BATCH).prefetch(tf.data.AUTOTUNE)
    return compared("image_masks decoded anew", feed(part), by_hand, len(files), 7, PASSES)
