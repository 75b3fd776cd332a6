"""Examples per second of each source against the best pipeline written by hand for the same files, and peak memory.

Both sides give batches of the same size from the same files, shuffled and prefetched, and are passed over in a compiled
loop without a model, ours as training takes them; what is read before the first batch is not measured, since both read
it once.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from tests.bench.measuring import paired, report

BATCH = 64


def data_speed() -> bool:
    """Every source."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        return all([table_in_memory(folder), parquet_streamed(folder), images_streamed(folder), images_held(folder)])


def passing(source: Any, steps: int) -> Callable[[], None]:
    """A pass over all batches, made as training makes it: a compiled loop. A feed has an order of its own in each."""
    import tensorflow as tf

    from dlspec.data.feeding.feed import Feed
    from dlspec.training.loop.steps import repeated

    seen, epochs = tf.Variable(0.0), count()

    def look(batch: Any) -> Any:  # at a value of each part, since TensorFlow makes nothing that nobody looks at
        for part in tf.nest.flatten(batch):
            value = tf.reshape(part, [-1])[0]
            seen.assign_add(tf.cast(tf.strings.length(value) if value.dtype == tf.string else value, tf.float32))
        return tf.constant(True)

    take = repeated(look)

    def run() -> None:
        if isinstance(source, Feed):
            source.set_epoch(next(epochs))
            batches = source.batches()
        else:
            batches = iter(source)
        assert take(batches, steps)[0] == steps

    return run


def compared(what: str, ours: Any, theirs: Any, examples: int, runs: int, passes: int = 1) -> bool:
    """Reports seconds of ours / theirs for a pass over the examples; short passes are repeated."""

    def seconds(run: Callable[[], None]) -> Callable[[], float]:
        def measured() -> float:
            start = time.perf_counter()
            for _ in range(passes):
                run()
            return (time.perf_counter() - start) / passes

        return measured

    steps = -(-examples // BATCH)
    mine, other, ratio = paired(seconds(passing(ours, steps)), seconds(passing(theirs, steps)), runs)
    return report(f"{what}: {examples / mine:,.0f} examples/s / by hand {examples / other:,.0f}", ratio, 1.0)


def prepared(source: Any, inputs: Any, targets: Any, signature: Any, loss: Any, folder: Path, **options: Any) -> Any:
    """The training part."""
    from dlspec.components.methods.supervised import Supervised
    from dlspec.components.sections.data import Data
    from dlspec.data.binding.signature import Signature
    from dlspec.data.feeding.pipeline import prepare

    data = Data(source=source, inputs=inputs, targets=targets, **options)
    return prepare(data, folder, Signature(*signature), Supervised(loss=loss)).train


def feed(part: Any) -> Any:
    """Our batches."""
    from dlspec.data.feeding.feed import Feed

    return Feed(part.examples, BATCH, seed=1, structure=lambda inputs, targets: (inputs["x"], targets["y"]))


def table_in_memory(folder: Path) -> bool:
    """A CSV file of 20 columns of numbers, normalised, against arrays of pandas' kind in tf.data."""
    import numpy as np
    import tensorflow as tf

    from dlspec.components.layers.preprocessing import Normalization
    from dlspec.components.sections.data import Feature, Target
    from dlspec.components.training.losses import MeanSquaredError
    from dlspec.core.ir import Tensor
    from dlspec.data.sources.csv import Csv

    rows, width = 50_000, 20
    values = np.random.default_rng(0).standard_normal((rows, width + 1))
    names = [f"c{column}" for column in range(width)]
    np.savetxt(folder / "a.csv", values, "%.6g", ",", header=",".join([*names, "y"]), comments="")
    part = prepared(
        Csv(path="a.csv"), {"x": Feature(columns=tuple(names), prepare=(Normalization(),))},
        {"y": Target(column="y")}, ({"x": Tensor((width,))}, {"y": Tensor((1,))}), MeanSquaredError(), folder,
    )  # fmt: skip
    x = (values[:, :width] - values[:, :width].mean(0)) / values[:, :width].std(0)
    pairs = (x.astype(np.float32), values[:, width:].astype(np.float32))
    by_hand = tf.data.Dataset.from_tensor_slices(pairs).shuffle(rows).batch(BATCH).prefetch(tf.data.AUTOTUNE)
    return compared("csv in memory", feed(part), by_hand, rows, 7, 5)


def parquet_streamed(folder: Path) -> bool:
    """A Parquet file read a row group at a time, against row groups in tf.data with a buffer that shuffles."""
    import numpy as np
    import pyarrow as pa
    import tensorflow as tf
    from pyarrow import parquet as pq

    from dlspec.components.sections.data import Feature, Target
    from dlspec.components.training.losses import MeanSquaredError
    from dlspec.core.ir import Tensor
    from dlspec.data.sources import parquet
    from dlspec.data.sources.parquet import Parquet

    rows, width, group = 400_000, 20, 20_000
    rng = np.random.default_rng(0)
    names = [f"c{column}" for column in range(width)]
    columns = {name: rng.standard_normal(rows, dtype=np.float32) for name in [*names, "y"]}
    pq.write_table(pa.table(columns), folder / "a.parquet", row_group_size=group)
    parquet.STREAMED_FROM = 1
    part = prepared(
        Parquet(path="a.parquet"), {"x": Feature(columns=tuple(names))}, {"y": Target(column="y")},
        ({"x": Tensor((width,))}, {"y": Tensor((1,))}), MeanSquaredError(), folder, cache="none",
    )  # fmt: skip
    file = pq.ParquetFile(folder / "a.parquet")

    def read(number: Any) -> Any:
        table = file.read_row_group(int(number))
        x = np.stack([table.column(name).to_numpy() for name in names], axis=1)
        return x, table.column("y").to_numpy()[:, None]

    def load(number: Any) -> Any:
        x, y = tf.numpy_function(read, [number], [tf.float32, tf.float32])
        return tf.ensure_shape(x, (None, width)), tf.ensure_shape(y, (None, 1))

    groups = tf.data.Dataset.range(file.num_row_groups).shuffle(file.num_row_groups)
    whole = groups.map(load, num_parallel_calls=tf.data.AUTOTUNE).unbatch()
    by_hand = whole.shuffle(4 * group).batch(BATCH).prefetch(tf.data.AUTOTUNE)
    return compared("parquet streamed", feed(part), by_hand, rows, 5)


def photographs(folder: Path, files: int = 2000) -> Path:
    """JPEG files of 256×256 in two classes, cut from scikit-learn's photographs."""
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_sample_images

    root = folder / "photos"
    if root.exists():
        return root
    rng = np.random.default_rng(0)
    for label, picture in zip(("china", "flower"), load_sample_images().images, strict=True):
        (root / label).mkdir(parents=True)
        for number in range(files // 2):
            top, left = rng.integers(0, picture.shape[0] - 256), rng.integers(0, picture.shape[1] - 256)
            cut = Image.fromarray(picture[top : top + 256, left : left + 256])
            cut.save(root / label / f"{number}.jpg", quality=90)
    return root


def images(folder: Path, what: str, cache: str, by_hand: Any) -> bool:
    """A folder of images, resized, against Keras's own utility."""
    from dlspec.components.sections.data import Feature, Target
    from dlspec.components.training.losses import SparseCategoricalCrossentropy
    from dlspec.core.ir import Tensor
    from dlspec.data.sources.image_folder import ImageFolder

    part = prepared(
        ImageFolder(path="photos", size=(128, 128)), {"x": Feature(column="image")}, {"y": Target(column="label")},
        ({"x": Tensor((128, 128, 3))}, {"y": Tensor((2,))}), SparseCategoricalCrossentropy(), folder, cache=cache,
    )  # fmt: skip
    return compared(what, feed(part), by_hand, part.count, 7, 5)


def images_streamed(folder: Path) -> bool:
    """Decoded for each batch."""
    import keras

    utility = keras.utils.image_dataset_from_directory(
        photographs(folder), image_size=(128, 128), batch_size=BATCH, seed=1, verbose=False
    )
    return images(folder, "image_folder decoded anew", "none", utility)


def images_held(folder: Path) -> bool:
    """Decoded once, in a new order every epoch."""
    import keras
    import tensorflow as tf

    utility = keras.utils.image_dataset_from_directory(
        photographs(folder), image_size=(128, 128), batch_size=None, shuffle=False, verbose=False
    )
    cached = utility.map(lambda image, label: (tf.cast(image, tf.uint8), label)).cache()
    by_hand = cached.shuffle(2000).batch(BATCH).prefetch(tf.data.AUTOTUNE)
    return images(folder, "image_folder held", "memory", by_hand)


# --- memory ---------------------------------------------------------------------------------------------------------

ROWS, WIDTH, PIECE = 4_750_000, 100, 250_000


def memory() -> bool:
    """Peak memory of training on a Parquet file of 2 GB, above that of TensorFlow with the same model."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "a.parquet")
        _write_large(path)
        size = path.stat().st_size / 1e9
        base, ours = (_peak(kind, path) for kind in ("base", "train"))
    return report(f"peak memory on a Parquet file of {size:.1f} GB above {base:.0f} MB", ours - base, 600, " MB")


def _write_large(path: Path) -> None:
    import numpy as np
    import pyarrow as pa
    from pyarrow import parquet as pq

    rng = np.random.default_rng(0)
    schema = pa.schema([(f"c{column}", pa.float32()) for column in range(WIDTH)] + [("y", pa.float32())])
    with pq.ParquetWriter(path, schema, compression="none", use_dictionary=False) as writer:
        for _ in range(ROWS // PIECE):
            values = [rng.standard_normal(PIECE, dtype=np.float32) for _ in schema]
            writer.write_table(pa.Table.from_arrays(values, schema=schema), row_group_size=PIECE)


def _peak(kind: str, path: Path) -> float:
    """Megabytes of a process of its own."""
    arguments = [sys.executable, "-m", "tests.bench.data", kind, str(path)]
    done = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    return float(done.stdout.split()[-1])


def _train(kind: str, path: Path) -> None:
    import os
    import resource

    import keras
    import numpy as np

    from dlspec.components.layers.preprocessing import Normalization
    from dlspec.components.sections.data import Feature, Split, Target
    from dlspec.components.training.losses import MeanSquaredError
    from dlspec.core.ir import Tensor
    from dlspec.data.sources.parquet import Parquet

    os.environ["DLSPEC_CACHE"] = str(path.parent / "cache")
    x = keras.Input((WIDTH,), name="x")
    model = keras.Model(x, keras.layers.Dense(1, name="y")(x))
    model.compile("sgd", "mse")
    if kind == "base":
        model.fit(np.zeros((10_000, WIDTH), np.float32), np.zeros((10_000, 1)), batch_size=BATCH, verbose=0)
    else:
        names = tuple(f"c{column}" for column in range(WIDTH))
        part = prepared(
            Parquet(path=path.name), {"x": Feature(columns=names, prepare=(Normalization(),))},
            {"y": Target(column="y")}, ({"x": Tensor((WIDTH,))}, {"y": Tensor((1,))}), MeanSquaredError(),
            path.parent, split=Split(validation=0.05),
        )  # fmt: skip
        assert part.streamed
        batches = feed(part)
        model.fit(batches.dataset, verbose=0, shuffle=False)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    _train(sys.argv[1], Path(sys.argv[2]))
