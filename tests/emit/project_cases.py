"""Small specs that together say everything that the section `data` can say, each with the files that it reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

Case = Callable[[Path], str]
CASES: dict[str, Case] = {}
_ROWS = 60


def case(function: Case) -> Case:
    """Registers a case under its own name."""
    CASES[function.__name__] = function
    return function


def spec(data: str, *, shape: str = "[2]", units: int = 3, loss: str = "sparse_categorical_crossentropy") -> str:
    """A spec of one input and one output around a section `data`."""
    last = {"sparse_categorical_crossentropy": "softmax", "binary_crossentropy": "sigmoid"}.get(loss, "linear")
    return (
        f"inputs: {{x: {shape}}}\nlayers:\n  - flatten\n  - dense: {{units: {units}, activation: {last}, name: y}}\n"
        f"data:\n{data}\n  batch_size: 8\ntrain: {{loss: {loss}, epochs: 2}}\n"
    )


def table(folder: Path, name: str = "a.csv", *, gaps: bool = False, rows: int = _ROWS, seed: int = 0) -> None:
    """A CSV file of numbers, words, dates, groups and parts."""
    random = np.random.default_rng(seed)
    lines = ["a,b,kind,who,day,part,tags,ids,yes,flag"]
    for row in range(rows):
        a = "" if gaps and row % 7 == 0 else f"{random.normal():.3f}"
        kind = "" if gaps and row % 11 == 3 else ["low", "mid", "high"][min(2, row % 5)]
        part = ["train", "Train ", "val", "test"][row % 4]
        tags = ["red; blue", "blue", "", "green;red"][row % 4]
        ids = " ".join(str(number) for number in random.integers(1, 9, row % 5))
        yes = row % 3 % 2
        lines.append(
            f"{a},{random.integers(9)},{kind},p{row % 9},2024-0{1 + row % 9}-1{row % 7},{part},{tags},{ids},{yes},"
            f"{'true' if row % 2 else 'false'}"
        )
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _columns(more: str = "", split: str = "{validation: 0.2, test: 0.2}", target: str = "{kind: kind}") -> str:
    return (
        f"  source: {{csv: a.csv}}\n  inputs: {{x: {{columns: [a, b]{more}}}}}\n  targets: {target}\n  split: {split}"
    )


# --- splits -----------------------------------------------------------------------------------------------------------


@case
def everything_trains(folder: Path) -> str:
    table(folder)
    return spec("  source: {csv: a.csv}\n  inputs: {x: {columns: [a, b]}}\n  targets: {kind: kind}\n  shuffle: false")


@case
def by_chance(folder: Path) -> str:
    table(folder)
    return spec(_columns(split="{validation: 0.2, seed: 5}"))


@case
def stratified_with_a_rare_class(folder: Path) -> str:
    table(folder, rows=12)
    return spec(_columns(split="{validation: 0.3, test: 0.3, by: stratified}"))


@case
def grouped(folder: Path) -> str:
    table(folder)
    return spec(_columns(split="{validation: 0.2, test: 0.2, by: {grouped: who}}"))


@case
def by_dates_with_a_gap(folder: Path) -> str:
    table(folder)
    return spec(_columns(split="{validation: 0.2, test: 0.1, by: {time: {column: day, gap: 2}}}"))


@case
def by_order(folder: Path) -> str:
    table(folder)
    return spec(_columns(split="{test: 0.2, by: time}"))


@case
def by_a_column(folder: Path) -> str:
    table(folder)
    return spec(_columns(split="{by: {column: part}}"))


@case
def a_source_for_the_test(folder: Path) -> str:
    table(folder)
    table(folder, "b.csv", seed=1, gaps=True, rows=30)
    return spec(
        _columns(", missing: drop", split="{validation: 0.2, test: {csv: b.csv}}", target="{kind: who}"), units=9
    )


# --- values -----------------------------------------------------------------------------------------------------------


@case
def filled_and_dropped(folder: Path) -> str:
    table(folder, gaps=True)
    more = ", missing: {median: {indicator: true}}, prepare: [normalization]"
    return spec(_columns(more, target="{kind: {column: kind, missing: drop}}"), shape="[4]")


@case
def words_filled(folder: Path) -> str:
    table(folder, gaps=True)
    feature = "{column: kind, missing: most_frequent, prepare: [{string_lookup: {output_mode: one_hot}}]}"
    data = f"  source: {{csv: a.csv}}\n  inputs: {{x: {feature}}}\n  targets: {{yes: yes}}\n  split: {{test: 0.3}}"
    return spec(data, shape="[4]", units=1, loss="binary_crossentropy")


@case
def weights_of_classes(folder: Path) -> str:
    table(folder)
    return spec(_columns(target="{kind: {column: kind, class_weights: {low: 3, high: 0.5}}}"))


@case
def balanced_one_hot(folder: Path) -> str:
    table(folder)
    return spec(_columns(target="{kind: {column: kind, class_weights: balanced}}"), loss="categorical_crossentropy")


@case
def balanced_yes_and_no(folder: Path) -> str:
    table(folder)
    target = "{yes: {column: yes, class_weights: balanced}}"
    return spec(_columns(target=target), units=1, loss="binary_crossentropy")


@case
def weights_of_one_of_two_outputs(folder: Path) -> str:
    table(folder)
    target = "{y: {column: kind, class_weights: balanced}, z: b}"
    text = spec(_columns(target=target)).replace("loss: sparse_categorical_crossentropy", "loss: {y: LOSS, z: mse}")
    text = text.replace("LOSS", "sparse_categorical_crossentropy")
    return text.replace("data:\n", "  - dense: {units: 1, from: x, name: z}\noutputs: [z, y]\ndata:\n", 1)


@case
def oversampled(folder: Path) -> str:
    table(folder)
    return spec(_columns() + "\n  oversample: true")


@case
def oversampled_in_order(folder: Path) -> str:
    table(folder)
    return spec(_columns() + "\n  oversample: true\n  shuffle: false")


@case
def several_labels(folder: Path) -> str:
    table(folder)
    return spec(_columns(target='{tags: {column: tags, separator: ";"}}'), loss="binary_crossentropy")


@case
def columns_of_yes_and_no(folder: Path) -> str:
    table(folder)
    return spec(_columns(target="{y: {columns: [yes, flag]}}"), units=2, loss="binary_crossentropy")


@case
def listed_classes(folder: Path) -> str:
    table(folder)
    return spec(_columns(target="{b: {column: b, classes: [8, 7, 6, 5, 4, 3, 2, 1, 0]}}"), units=9)


@case
def token_ids(folder: Path) -> str:
    table(folder)
    data = "  source: {csv: a.csv}\n  inputs: {x: {column: ids, length: 3}}\n  targets: {kind: kind}"
    return spec(data, shape="{shape: [3], dtype: int32}").replace(
        "  - flatten\n", "  - embedding: {input_dim: 9, output_dim: 2}\n  - flatten\n"
    )


# --- random changes ---------------------------------------------------------------------------------------------------


def _images(folder: Path, channels: int = 3, count: int = 24) -> None:
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (count, 8, 6, channels), np.uint8)
    np.savez(
        folder / "a.npz",
        image=image,
        mask=image[..., 0] // 90,
        kind=np.arange(count) % 3,
        word=np.array(["b", "a", "c"] * 8),
    )


def _augmented(layers: str, target: str = "{kind: kind}", **options: object) -> str:
    data = (
        f"  source: {{npz: a.npz}}\n  inputs: {{x: image}}\n  targets: {target}\n  augment: [{layers}]\n"
        f"  split: {{test: 0.2}}"
    )
    return spec(data, shape="[8, 6, 3]", **options)  # type: ignore[arg-type]


@case
def changed_images(folder: Path) -> str:
    _images(folder)
    return _augmented(
        "{random_flip: horizontal_and_vertical}, {random_brightness: 0.2}, {random_zoom: 0.1}", "{word: word}"
    )


@case
def layers_inside_layers(folder: Path) -> str:
    _images(folder)
    return _augmented("{rand_augment: {num_ops: 1}}, {gaussian_noise: 0.1}")


@case
def mixed_images(folder: Path) -> str:
    _images(folder)
    return _augmented("mix_up, {random_flip: horizontal}", loss="categorical_crossentropy")


@case
def changed_masks(folder: Path) -> str:
    _images(folder)
    text = _augmented("{random_flip: horizontal}, {random_contrast: 0.3}", "{mask: mask}")
    return text.replace(
        "  - flatten\n  - dense: {units: 3, activation: softmax",
        "  - conv2d: {filters: 3, kernel_size: 1, activation: softmax",
    )


# --- sources ----------------------------------------------------------------------------------------------------------


@case
def quoted_csv(folder: Path) -> str:
    lines = [f'{row};"line\nof ""{row}""";{"x" if row % 2 else "y"};{"true" if row % 3 else ""}' for row in range(20)]
    (folder / "a.csv").write_text("n;text;kind;flag\n" + "\n".join(lines) + "\n", encoding="utf-8")
    feature = "{column: text, prepare: [{text_vectorization: {output_sequence_length: 4}}]}"
    data = f'  source: {{csv: {{path: a.csv, delimiter: ";"}}}}\n  inputs: {{x: {feature}}}\n  targets: {{kind: kind}}'
    return spec(data, shape="{shape: [4], dtype: int64}").replace(
        "  - flatten\n", "  - embedding: {input_dim: 90, output_dim: 2}\n  - flatten\n"
    )


@case
def row_groups(folder: Path) -> str:
    import pyarrow as pa
    from pyarrow import parquet

    random = np.random.default_rng(0)
    columns = {
        "signal": pa.FixedSizeListArray.from_arrays(pa.array(random.normal(size=120)), 2),
        "kind": pa.array(["low", "mid", "high"] * 20).dictionary_encode(),
    }
    parquet.write_table(pa.table(columns), folder / "a.parquet", row_group_size=17)
    return spec(
        "  source: {parquet: a.parquet}\n  inputs: {x: signal}\n  targets: {kind: kind}\n"
        "  split: {test: 0.2}\n  oversample: true"
    )


@case
def arrays(folder: Path) -> str:
    np.save(folder / "x.npy", np.random.default_rng(0).normal(size=(20, 2)).astype(">f8"))
    np.save(folder / "y.npy", np.array(["a", "b", "a", "c"] * 5))
    return spec("  source: {npy: [x.npy, y.npy]}\n  targets: {y: y}\n  split: {test: 0.2}")


@case
def bundled(folder: Path) -> str:
    data = (
        "  source: {sklearn: linnerud}\n  inputs: {x: {columns: [chins, jumps]}}\n"
        "  targets: {y: {columns: [weight, pulse]}}"
    )
    return spec(data, units=2, loss="mse")


def _texts(folder: Path) -> None:
    for kind in ("no", "yes"):
        (folder / "texts" / kind).mkdir(parents=True)
        for number in range(6):
            (folder / "texts" / kind / f"{number}.txt").write_bytes(f"{kind} {number}\r\nand more".encode())


_TEXT = "{column: %s, prepare: [{text_vectorization: {output_sequence_length: 4}}]}"


def _of_text(source: str, column: str, target: str) -> str:
    data = f"  source: {source}\n  inputs: {{x: {_TEXT % column}}}\n  targets: {{y: {target}}}\n  split: {{test: 0.2}}"
    return spec(data, shape="{shape: [4], dtype: int64}").replace(
        "  - flatten\n", "  - embedding: {input_dim: 90, output_dim: 2}\n  - flatten\n"
    )


@case
def folders_of_texts(folder: Path) -> str:
    _texts(folder)
    return _of_text("{text_folder: texts}", "text", "label")


@case
def lines_of_two_files(folder: Path) -> str:
    (folder / "a.en").write_text("".join(f"sentence {row}\n" for row in range(12)), encoding="utf-8")
    (folder / "a.de").write_text("".join(f"{'Satz' if row % 2 else 'Wort'}\n" for row in range(12)), encoding="utf-8")
    return _of_text("{text_lines: [a.en, a.de]}", "en", "de")


@case
def lines_with_a_separator(folder: Path) -> str:
    (folder / "a.txt").write_text("".join(f"sentence {row}\t{'ab'[row % 2]}\n" for row in range(12)), encoding="utf-8")
    return _of_text('{text_lines: {path: a.txt, separator: "\\t", names: [text, kind]}}', "text", "kind")


@case
def folders_of_sounds(folder: Path) -> str:
    from scipy.io import wavfile

    random = np.random.default_rng(0)
    for number, dtype in enumerate(("uint8", "int16", "int32", "float32") * 3):
        samples = random.uniform(-1, 1, (90 + 10 * number, 2))
        scaled = {"uint8": samples * 127 + 128, "float32": samples}.get(dtype)
        scaled = samples * (np.iinfo(dtype).max if scaled is None else 1) if scaled is None else scaled
        path = folder / "sounds" / "ab"[number % 2] / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        wavfile.write(path, 100, scaled.astype(dtype))
    data = (
        "  source: {audio_folder: {path: sounds, seconds: 1.2}}\n  targets: {y: label}\n"
        "  split: {test: 0.2}\n  augment: [{random_time_shift: 0.2}]"
    )
    return spec(data, shape="[120, 1]", units=2)


def _pictures(folder: Path, name: str, mode: str, kinds: tuple[str, ...] = ("",)) -> None:
    from PIL import Image

    random = np.random.default_rng(0)
    for kind in kinds:
        (folder / name / kind).mkdir(parents=True)
        for number in range(8):
            pixels = random.integers(0, 256, (9, 7) if mode == "L" else (9, 7, 3), np.uint8)
            pixels = pixels // 128 * 255 if name == "masks" else pixels
            Image.fromarray(pixels, mode).save(folder / name / kind / f"{number}.png")


@case
def folders_of_images(folder: Path) -> str:
    _pictures(folder, "photos", "RGB", ("cat", "dog"))
    data = (
        "  source: {image_folder: {path: photos, size: [6, 5]}}\n"
        "  inputs: {x: {column: image, prepare: [{rescaling: 1 / 255}]}}\n  targets: {y: label}\n"
        "  split: {test: 0.25, by: stratified}"
    )
    return spec(data, shape="[6, 5, 3]", units=2)


@case
def images_with_masks(folder: Path) -> str:
    _pictures(folder, "photos", "RGB")
    _pictures(folder, "masks", "L")
    source = "{image_masks: {images: photos, masks: masks, size: [6, 5], channels: 1, values: [255, 0]}}"
    text = spec(
        f"  source: {source}\n  targets: {{mask: {{column: mask, class_weights: balanced}}}}\n  split: {{test: 0.25}}",
        shape="[6, 5, 1]",
        units=2,
    )
    return text.replace(
        "  - flatten\n  - dense: {units: 2, activation: softmax",
        "  - conv2d: {filters: 2, kernel_size: 1, activation: softmax",
    )


@case
def images_of_a_table(folder: Path) -> str:
    _pictures(folder, "photos", "RGB")
    (folder / "a.csv").write_text("file,kind\n" + "".join(f"{n}.png,{n % 2}\n" for n in range(8)), encoding="utf-8")
    source = "{image_table: {table: {csv: a.csv}, images: file, folder: photos}}"
    return spec(
        f"  source: {source}\n  inputs: {{x: file}}\n  targets: {{kind: kind}}\n  split: {{test: 0.25}}",
        shape="[9, 7, 3]",
        units=2,
    )


@case
def windows(folder: Path) -> str:
    table(folder)
    source = "{timeseries: {table: {csv: a.csv}, targets: [a, b], series: [b], window: 5, horizon: 2, stride: 3}}"
    return spec(
        f"  source: {source}\n  targets: {{y: future}}\n  split: {{test: 0.25, by: time}}",
        shape="[5, 1]",
        units=4,
        loss="mse",
    ).replace("activation: linear, name: y}", "activation: linear}\n  - reshape: {target_shape: [2, 2], name: y}")


@case
def records(folder: Path) -> str:
    import tensorflow as tf

    def feature(**kind: object) -> object:
        return tf.train.Feature(**kind)

    with tf.io.TFRecordWriter(str(folder / "a.tfrecord.gz"), "GZIP") as writer:
        for number in range(12):
            features = {
                "x": feature(float_list=tf.train.FloatList(value=[number, 0.5])),
                "raw": feature(bytes_list=tf.train.BytesList(value=[np.int16([number, 3]).tobytes()])),
                "kind": feature(bytes_list=tf.train.BytesList(value=[b"ab"[number % 2 : number % 2 + 1]])),
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    source = "{tfrecord: {path: '*.gz', features: {raw: {dtype: int16, shape: [2], decode: raw}, kind: string}}}"
    return spec(
        f"  source: {source}\n  inputs: {{x: raw}}\n  targets: {{y: kind}}\n  split: {{test: 0.25}}",
        units=2,
        shape="{shape: [2], dtype: int16}",
    ).replace("  - flatten\n", "  - rescaling: 0.1\n  - flatten\n")


@case
def a_function_that_yields(folder: Path) -> str:
    text = (
        "def rows(count):\n    for number in range(count):\n"
        "        yield {'x': [number, 1.5], 'kind': 'ab'[number % 2]}\n"
    )
    (folder / "loading.py").write_text(text, encoding="utf-8")
    source = "{python: {function: loading:rows, arguments: {count: 20}}}"
    return (
        spec(f"  source: {source}\n  inputs: {{x: x}}\n  targets: {{y: kind}}\n  split: {{test: 0.25}}", units=2)
        + "extensions: [loading.py]\n"
    )


@case
def a_function_that_returns(folder: Path) -> str:
    text = "import numpy as np\n\n\ndef rows():\n    return {'x': np.ones((20, 2)), 'kind': ['a', 'b'] * 10}\n"
    (folder / "making.py").write_text(text, encoding="utf-8")
    return (
        spec("  source: {python: making:rows}\n  targets: {y: kind}\n  split: {test: 0.25}", units=2)
        + "extensions: making.py\n"
    )


# --- text that would like to be code ----------------------------------------------------------------------------------

HOSTILE = (
    "it's", '"quoted"', "'''", '"""', "a\\", "{{ 7 * 7 }}", "{% raw %}", "__import__('os')", "lambda", "Ω", "# no",
    "%s",
)  # fmt: skip


@case
def names_of_columns_and_classes(folder: Path) -> str:
    import pyarrow as pa
    from pyarrow import csv

    columns = {name: [float(place), 2.0, 3.0, 4.0] * 6 for place, name in enumerate(HOSTILE)}
    (folder / "it's {{ here }}").mkdir()
    rows = {**columns, "kind": list(HOSTILE) * 2}
    csv.write_csv(pa.table(rows), folder / "it's {{ here }}" / "a.csv")
    data = {
        "source": {"csv": "it's {{ here }}/a.csv"},
        "inputs": {"x": {"columns": list(HOSTILE)}},
        "targets": {"kind": {"column": "kind", "class_weights": {HOSTILE[0]: 2, HOSTILE[5]: 3}}},
        "batch_size": 8,
    }
    text = spec("DATA", shape=f"[{len(HOSTILE)}]", units=len(HOSTILE))
    return text.replace("data:\nDATA\n  batch_size: 8\n", f"data: {json.dumps(data)}\n")
