"""Small specs that together say everything that the section `data` can say, each with the files that it reads."""

from __future__ import annotations

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


# --- dates -----------------------------------------------------------------------------------------------------------


@case
def dates_taken_apart(folder: Path) -> str:
    table(folder)
    step = "{date_parts: {parts: [month, day_of_week, age], cyclic: true, since: '2025-01-01'}}"
    data = f"  source: {{csv: a.csv}}\n  inputs: {{x: {{column: day, prepare: [{step}, normalization]}}}}"
    return spec(f"{data}\n  targets: {{kind: kind}}\n  split: {{test: 0.2, by: {{time: day}}}}", shape="[5]")


@case
def texts_in_pieces(folder: Path) -> str:
    table(folder)
    step = "{subword_vectorization: {max_tokens: 20, algorithm: unigram, standardize: lower}}"
    data = f"  source: {{csv: a.csv}}\n  inputs: {{x: {{column: tags, prepare: [{step}], length: 6}}}}"
    targets = "  targets: {kind: kind}\n  split: {validation: 0.2, test: 0.2}"
    return spec(f"{data}\n{targets}", shape="{shape: [6], dtype: int64}").replace(
        "  - flatten", "  - embedding: {input_dim: 20, output_dim: 4}\n  - flatten"
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


def _few(target: str, split: str) -> str:
    loss = "loss: {sparse_categorical_crossentropy: {ignore_class: -1}}"
    return spec(_columns(split=split, target=target)).replace("loss: sparse_categorical_crossentropy", loss)


@case
def words_that_some_lack(folder: Path) -> str:
    table(folder, gaps=True)
    (folder / "a.csv").write_text((folder / "a.csv").read_text().replace("\n,", "\n0,"), encoding="utf-8")
    return _few("{kind: {column: kind, missing: ignore}}", "{validation: 0.2, by: stratified}")


@case
def numbers_that_some_lack(folder: Path) -> str:
    table(folder, gaps=True)
    text = (folder / "a.csv").read_text().replace("\n,", "\n0,")
    for number, word in enumerate(("low", "mid", "high")):
        text = text.replace(word, str(number))
    (folder / "a.csv").write_text(text, encoding="utf-8")
    return _few("{kind: {column: kind, missing: ignore}}", "{validation: 0.2, test: 0.2}")


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
def weights_of_examples(folder: Path) -> str:
    table(folder)
    return spec(_columns() + "\n  weight: b")


@case
def weights_of_examples_and_classes(folder: Path) -> str:
    return balanced_one_hot(folder).replace("  batch_size", "  weight: b\n  batch_size")


@case
def weights_of_examples_with_two_outputs(folder: Path) -> str:
    text = weights_of_one_of_two_outputs(folder).replace("  batch_size", "  weight: b\n  batch_size")
    return text.replace("epochs: 2", "epochs: 2, metrics: {y: [accuracy], z: [mae]}")


@case
def several_sources(folder: Path) -> str:
    """Of different lengths, with gaps, and with rows that are left out."""
    table(folder)
    table(folder, "b.csv", gaps=True, rows=31, seed=1)
    table(folder, "c.csv", rows=90, seed=2)
    inputs = (
        "  sources: {first: {csv: a.csv}, 'a \"b\\\\': {csv: b.csv}, longer: {csv: c.csv}}\n  inputs:\n"
        "    x: {columns: [a, b], prepare: [normalization], augment: [{gaussian_noise: 0.1}]}\n"
        "    other: {source: 'a \"b\\\\', columns: [a, b], missing: drop, prepare: [normalization], augment: "
        "[{gaussian_noise: 0.2}]}\n    third: {source: longer, columns: [b]}\n"
    )
    text = spec(f"{inputs}  targets: {{kind: kind}}\n  split: {{validation: 0.2, test: 0.1, by: stratified}}")
    text = text.replace("inputs: {x: [2]}", "inputs: {x: [2], other: [2], third: [1]}", 1)
    return text.replace("  - flatten\n", "  - concatenate: [x, other, third]\n")


@case
def several_sources_in_order(folder: Path) -> str:
    return several_sources(folder).replace("  batch_size", "  shuffle: false\n  weight: b\n  batch_size")


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
def noise_of_no_strength(folder: Path) -> str:
    _images(folder)
    return _augmented("{gaussian_noise: 0.0}, {random_flip: horizontal}")


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
