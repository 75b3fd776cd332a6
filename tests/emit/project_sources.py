"""A small spec for every source, with the files that it reads; importing this adds them to the cases."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np

from tests.emit.project_cases import case, spec, table


@case
def quoted_csv(folder: Path) -> str:
    lines = [f'{row};"line\nof ""{row}""";{"x" if row % 2 else "y"};{"true" if row % 3 else ""}' for row in range(20)]
    (folder / "a.csv").write_text("n;text;kind;flag\n" + "\n".join(lines) + "\n", encoding="utf-8")
    feature = "{column: text, prepare: [{text_vectorization: {output_sequence_length: 4}}]}"
    data = f'  source: {{csv: {{path: a.csv, delimiter: ";"}}}}\n  inputs: {{x: {feature}}}\n  targets: {{kind: kind}}'
    return spec(data, shape="{shape: [4], dtype: int64}").replace(
        "  - flatten\n", "  - embedding: {input_dim: 90, output_dim: 2}\n  - flatten\n"
    )


def _price(row: int) -> str:
    return "-" if row % 9 == 4 else f"€ {row * 37 % 50}.{row % 10}00,{row % 10}0"


def _share(row: int) -> str:
    return f"({row},5 %)" if row % 4 == 0 else f"{row},5 %"


def _kind(row: int) -> str:
    return "?" if row % 11 == 5 else ("grün", "rot", "blau")[row % 3]


@case
def money_in_several_packed_files(folder: Path) -> str:
    """Numbers as a shop writes them, words for what is missing and for yes, in two files without a row of names."""
    for name, rows in (("a.csv.gz", range(30)), ("b.csv.gz", range(30, 60))):
        lines = [f"{_price(row)};{_share(row)};{'ja' if row % 3 else 'nein'};{_kind(row)}" for row in rows]
        (folder / name).write_bytes(gzip.compress("\n".join(["Umsätze", *lines, ""]).encode("cp1252")))
    source = (
        "{path: '*.csv.gz', delimiter: ';', names: [price, share, member, kind], skip_rows: 1, encoding: cp1252, "
        "decimal: ',', missing_words: ['-', '?'], true_words: [ja], false_words: [nein], numbers: [price, share]}"
    )
    return spec(
        f"  source: {{csv: {source}}}\n  inputs: {{x: {{columns: [price, share, member], missing: median}}}}\n"
        "  targets: {kind: {column: kind, missing: drop}}\n  split: {test: 0.2}",
        shape="[3]",
    )


@case
def drawn_inputs(folder: Path) -> str:
    """One input from the data, prepared, between two that are drawn."""
    table(folder)
    data = "  source: {csv: a.csv}\n  inputs: {x: {columns: [b], prepare: [normalization]}}\n  targets: {kind: kind}\n"
    text = spec(f"{data}  split: {{validation: 0.2, test: 0.2}}")
    inputs = "a: {shape: [2], draw: truncated_normal}, x: [1], z: {shape: [1], draw: {randint: {minval: 0, maxval: 5}}}"
    text = text.replace("inputs: {x: [2]}", f"inputs: {{{inputs}}}")
    return text.replace("  - flatten\n", "  - ops.cast: {from: z, dtype: float32}\n  - concatenate: [a, x, prev]\n")


@case
def nothing_but_draws(folder: Path) -> str:
    text = spec("  source: {draws: 50}\n  targets: {number: number}\n  shuffle: false", units=1, loss="mse")
    return text.replace("x: [2]", "x: {shape: [2], draw: {gamma: 2}}")


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
def lists_and_durations(folder: Path) -> str:
    import pyarrow as pa
    from pyarrow import parquet

    columns = {
        "list": [[float(number), 1.0] for number in range(60)],
        "grid": [[[number, 2], [3, 4]] for number in range(60)],
        "time": pa.array(range(60), pa.duration("ms")),
        "kind": ["low", "mid", "high"] * 20,
    }
    parquet.write_table(pa.table(columns), folder / "a.parquet")
    text = spec(
        "  source: {parquet: a.parquet}\n  inputs: {x: list, grid: grid, time: {columns: [time]}}\n"
        "  targets: {kind: kind}\n  split: {test: 0.2}"
    )
    return text.replace("{x: [2]}", "{x: [2], grid: [2, 2], time: [1]}").replace(
        "  - flatten\n", "  - flatten: {from: grid, name: flat}\n  - concatenate: [x, flat, time]\n"
    )


@case
def lines_of_json(folder: Path) -> str:
    """Numbers with gaps, dates as the words that they are, lists and truth, in a packed file."""
    rows = [
        {
            "when": f"2024-01-{row % 3 + 1:02d}",
            "pair": [row, 0.5],
            "member": row % 2 == 0,
            "kind": ["low", "mid", "high"][row % 3],
        }
        | ({"age": row % 7} if row % 5 else {})
        for row in range(60)
    ]
    (folder / "a.jsonl.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    text = spec(
        "  source: {json_lines: a.jsonl.gz}\n  inputs:\n    x: pair\n"
        "    row: {columns: [age], missing: median}\n    member: {columns: [member]}\n"
        "    when: {column: when, prepare: [{string_lookup: {output_mode: one_hot}}]}\n"
        "  targets: {kind: kind}\n  split: {test: 0.2}"
    )
    return text.replace("{x: [2]}", "{x: [2], row: [1], member: [1], when: [4]}").replace(
        "  - flatten\n", "  - concatenate: [x, row, member, when]\n"
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
        "  split: {test: 0.2}\n  augment: [{random_time_shift: 0.2}, {random_pitch: {semitones: 2, frame_length: 64}}]"
    )
    return spec(data, shape="[120, 1]", units=2)


def _pictures(folder: Path, name: str, mode: str, kinds: tuple[str, ...] = ("",)) -> None:
    """Images that are shown as 9×7, each turned in another way by its EXIF tag."""
    from PIL import Image

    random = np.random.default_rng(0)
    for kind in kinds:
        (folder / name / kind).mkdir(parents=True)
        for number in range(8):
            size = (9, 7) if number < 4 else (7, 9)
            pixels = random.integers(0, 256, size if mode == "L" else (*size, 3), np.uint8)
            pixels = pixels // 128 * 255 if name == "masks" else pixels
            turned = Image.Exif()
            turned[0x0112] = number + 1
            Image.fromarray(pixels, mode).save(folder / name / kind / f"{number}.png", exif=turned)


def _turned_jpegs(folder: Path) -> None:
    """Photographs from a camera that was held upright, large enough to be decoded at a fraction."""
    from PIL import Image

    turned = Image.Exif()
    turned[0x0112] = 6
    for number in range(2):
        slope = np.mgrid[:70, :90].sum(axis=0) + 40 * number
        Image.fromarray(np.stack([slope, slope // 2, 255 - slope], axis=-1).astype("uint8")).save(
            folder / f"{number}.JPG", exif=turned
        )
    (folder / ".DS_Store").write_bytes(b"")
    (folder / "@eaDir").mkdir()
    Image.new("RGB", (4, 4)).save(folder / "@eaDir" / "0.jpg")


@case
def folders_of_images(folder: Path) -> str:
    _pictures(folder, "photos", "RGB", ("cat", "dog", "dog/lying"))
    _turned_jpegs(folder / "photos" / "cat")
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
