"""What `dlspec init` and `dlspec data` make of images, sounds, texts, arrays and series; each draft passes `check`."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dlspec.cli.main import run
from dlspec.passes import compile_spec
from dlspec.passes.state import Checked
from tests.support import ROOT, asked, dlspec_here

START = ROOT / "specs/start"


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def drafted(*arguments: str) -> Checked:
    """Writes a spec, and checks it without a word."""
    done = dlspec_here("init", *arguments, "--output", "first.yaml", "--force")
    assert done.returncode == 0, done.stderr
    state = compile_spec(Path("first.yaml"))
    assert isinstance(state, Checked) and [str(item) for item in state.diagnostics.items] == []
    return state


def refused(*arguments: str) -> str:
    """What `init` says where it writes nothing, on one line."""
    done = dlspec_here("init", *arguments, "--output", "first.yaml")
    assert done.returncode in (1, 2) and not Path("first.yaml").exists()
    return " ".join(done.stderr.split())


def section(state: Checked) -> Any:
    assert state.data_section is not None
    return state.data_section


def layers(state: Checked) -> list[str]:
    return [node.layer.name for node in state.graph.nodes if node.layer is not None]


def answer(state: Checked) -> Any:
    """Shape of what the model gives."""
    return state.graph.tensor(state.graph.outputs[0][1]).shape


def paragraphs() -> list[dict[str, str]]:
    with (START / "topics.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_a_folder_of_images_names_its_classes() -> None:
    shutil.copytree(START / "digits", "digits")
    state = drafted("digits")
    assert section(state).source.given == {"path": "digits"}
    assert section(state).targets["label"].classes == list("0123456789")
    assert layers(state).count("conv2d") == 2 and answer(state) == (10,)


def test_images_of_several_sizes_and_colours_are_brought_to_one() -> None:
    for number, kind in enumerate(("cats", "dogs")):
        Path("photos", kind).mkdir(parents=True)
        for side in range(40, 46):
            colour = "L" if side == 42 else "RGB"
            Image.new(colour, (side, side + number)).save(Path("photos", kind, f"{side}.png"))
    given = section(drafted("photos")).source.given
    assert (tuple(given["size"]), int(given["channels"])) == ((96, 96), 3)


def test_images_beside_masks_are_a_segmentation() -> None:
    arrays = np.load(START / "masks.npz")
    for folder, name, factor in (("images", "image", 1), ("masks", "mask", 255)):
        Path("cells", folder).mkdir(parents=True)
        for number, values in enumerate(arrays[name][:12]):
            Image.fromarray((values * factor).astype(np.uint8)).save(Path("cells", folder, f"{number}.png"))
    state = drafted("cells")
    assert section(state).source.name == "image_masks" and list(section(state).source.values) == [0, 255]
    assert answer(state) == (16, 16, 2)


def test_sounds_of_several_lengths_get_one() -> None:
    shutil.copytree(START / "waves", "waves")
    assert section(drafted("waves")).source.given == {"path": "waves"}
    sound = next(Path("waves").rglob("*.wav"))
    whole = sound.read_bytes()
    shorter = bytearray(whole[:-1000])
    shorter[4:8], shorter[40:44] = ((len(shorter) - less).to_bytes(4, "little") for less in (8, 44))
    sound.write_bytes(shorter)
    assert section(drafted("waves")).source.given["seconds"] == 0.25


def test_texts_in_folders_lines_and_columns() -> None:
    rows = paragraphs()
    for number, row in enumerate(rows):
        Path("texts", row["topic"]).mkdir(parents=True, exist_ok=True)
        Path("texts", row["topic"], f"{number}.txt").write_text(row["text"], encoding="utf-8")
    Path("lines.txt").write_text("".join(f"{row['text']}\n" for row in rows), encoding="utf-8")
    Path("topics.txt").write_text("".join(f"{row['topic']}\n" for row in rows), encoding="utf-8")
    Path("both.txt").write_text("".join(f"{row['topic']}\t{row['text']}\n" for row in rows), encoding="utf-8")
    shutil.copy(START / "topics.csv", "topics.csv")
    words = 2000
    for arguments in (
        ("texts",),
        ("lines.txt", "--target", "topics.txt"),
        ("both.txt", "--target", "label"),
        ("topics.csv", "--target", "topic"),
    ):
        state = drafted(*arguments)
        [target] = section(state).targets.values()
        assert target.classes == ["classes", "debugger", "statements", "strings"], arguments
        assert [state.graph.nodes[one].outputs[0].shape for one in state.graph.inputs] == [(words,)], arguments


def test_arrays_enter_each_in_its_way() -> None:
    random = np.random.default_rng(0)
    rows = random.normal(size=(120, 12)).astype("float32")
    images, kind = random.integers(0, 255, (120, 16, 16), dtype=np.uint8), (rows[:, 0] > 0).astype(int)
    rows[3, 4] = np.nan
    size = random.normal(size=120)
    np.savez("all.npz", rows=rows, images=images, steps=random.normal(size=(120, 300, 2)), size=size, kind=kind)
    state = drafted("all.npz", "--target", "kind")
    inputs = section(state).inputs
    assert inputs["rows"].missing is not None and next(one.name for one in inputs["rows"].prepare) == "normalization"
    assert {"conv2d", "conv1d", "concatenate"} <= set(layers(state))
    assert state.method is not None and section(state).split.by.name == "stratified"


def test_rows_of_numbers_and_pixels_can_be_predicted() -> None:
    random = np.random.default_rng(0)
    rows = random.normal(size=(120, 6))
    np.savez("ahead.npz", now=rows, later=rows[:, :3] ** 2, cube=random.normal(size=(120, 3, 3, 3)))
    assert answer(drafted("ahead.npz", "--target", "later")) == (3,)
    Path("first.yaml").unlink()
    assert "`cube` holds an array, 3 × 3 × 3" in refused("ahead.npz", "--target", "cube")
    shutil.copy(START / "masks.npz", "masks.npz")
    state = drafted("masks.npz", "--target", "mask")
    assert answer(state) == (16, 16, 2) and "mean_io_u" in Path("first.yaml").read_text()


def test_a_series_is_predicted_from_what_was_before() -> None:
    shutil.copy(START / "co2.csv", "co2.csv")
    given = section(drafted("co2.csv", "--target", "co2")).source.given
    assert (given["time"], given["window"], given["horizon"]) == ("month", 24, 6)
    assert section(drafted("co2.csv", "--target", "co2", "--task", "regression")).source.name == "csv"


def test_a_table_with_other_columns_is_a_series_where_somebody_says_so() -> None:
    days = np.datetime64("2023-01-01") + np.arange(200)
    load, heat = np.sin(np.arange(200) / 3), np.cos(np.arange(200) / 3)
    rows = "".join(f"{day:%d.%m.%Y},{a:.4f},{b:.4f}\n" for day, a, b in zip(days.tolist(), load, heat, strict=True))
    Path("power.csv").write_text(f"day,load,heat\n{rows}")
    assert section(drafted("power.csv", "--target", "load")).source.name == "csv"
    given = section(drafted("power.csv", "--target", "load", "--task", "forecast")).source.given
    assert tuple(given["series"]) == ("load", "heat") and (given["window"], given["horizon"]) == (25, 7)
    assert given["first"] == "day"


def test_steps_that_are_missing_keep_a_table_a_table() -> None:
    lines = (START / "co2.csv").read_text().splitlines()
    Path("gaps.csv").write_text("\n".join([lines[0], *lines[1::7], *lines[2::7]]) + "\n")
    assert section(drafted("gaps.csv", "--target", "co2")).source.name == "csv"
    Path("holes.csv").write_text("\n".join([*lines[:9], lines[9].split(",")[0] + ",", *lines[10:]]) + "\n")
    Path("first.yaml").unlink()
    assert "numbers of `co2` are missing" in refused("holes.csv", "--target", "co2", "--task", "forecast")


def test_the_task_says_what_numbers_are() -> None:
    shutil.copy(START / "listing.csv", "listing.csv")
    assert answer(drafted("listing.csv", "--target", "rooms")) == (7,)
    assert answer(drafted("listing.csv", "--target", "rooms", "--task", "regression")) == (1,)
    Path("first.yaml").unlink()
    assert "these are classes" in refused("listing.csv", "--target", "city", "--task", "regression")
    assert "these are no classes" in refused("listing.csv", "--target", "area", "--task", "classification")


def test_what_else_is_needed_is_said_in_words() -> None:
    Path("flat").mkdir()
    shutil.copy(START / "digits/3/01.png", "flat")
    Path("empty").mkdir()
    Path("lines.txt").write_text("one text\nanother, longer text\n")
    assert "a folder for each class" in refused("flat")
    assert "holds no files that could be examples" in refused("empty")
    assert "`--target classes.txt`" in refused("lines.txt")


def test_data_shows_what_becomes_of_each(capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(START / "digits", "digits")
    shutil.copy(START / "masks.npz", "masks.npz")
    shown = asked(capsys, "data", "digits")
    assert "image   image" in shown and "`dlspec init digits --target label`" in shown
    assert "mask: one of 2 classes for each of 16 × 16 pixels" in asked(capsys, "data", "masks.npz")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "target", "measure", "least"),
    [("digits", (), "accuracy", 0.8), ("co2.csv", ("--target", "co2"), "r2_score", 0.5)],
)
def test_drafts_learn(data: str, target: tuple[str, ...], measure: str, least: float) -> None:
    from tests.support import as_documented

    (shutil.copytree if (START / data).is_dir() else shutil.copy)(START / data, data)
    drafted(data, *target)
    assert run(["train", "first.yaml", "--quiet"]) == 0
    [folder] = Path("runs/first").iterdir()
    report = as_documented("report", (folder / "report.json").read_text(encoding="utf-8"))
    assert report["metrics"]["test"][measure] >= least
