"""``dlspec serve``: a real service, asked over HTTP by programs and by a browser."""

from __future__ import annotations

import base64
import http.client
import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from PIL import Image

from tests.reporting import browser
from tests.support import ROOT, dlspec

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("serving")]

HOUSES = """
data:
  source: {csv: houses.csv}
  inputs:
    area: {column: area, missing: {median: {indicator: true}}, prepare: [normalization]}
    built: {column: built, prepare: [{date_parts: [year]}, normalization]}
    town: {column: "town <name>", missing: {constant: none}, prepare: [{string_lookup: {output_mode: one_hot}}]}
  targets:
    price: {column: price, prepare: [normalization]}
  split: {validation: 0.2, seed: 1}
layers:
  - concatenate: {from: [area, built, town]}
  - dense: 8
  - dense: 1
train: {loss: mse, epochs: 1}
"""
ROWS: list[dict[str, Any]] = [
    {"area": 80.5, "built": "1990-05-01", "town <name>": "Ulm"},
    {"area": None, "built": "2004-11-12", "town <name>": None},
    {"area": 120, "built": "2015-03-09", "town <name>": "Wrocław"},
]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of a table and one of pictures."""
    folder = tmp_path_factory.mktemp("serve")
    lines = [
        f"{40 + number % 90},{1950 + number % 70}-0{1 + number % 9}-15,{('Ulm', 'Bonn')[number % 2]},{number * 900}"
        for number in range(120)
    ]
    (folder / "houses.csv").write_text("\n".join(["area,built,town <name>,price", *lines, ""]), encoding="utf-8")
    (folder / "houses.yaml").write_text(HOUSES, encoding="utf-8")
    for spec in (folder / "houses.yaml", ROOT / "specs/start/digit_images.yaml"):
        done = dlspec("train", str(spec), "--runs", str(folder / "runs"), "--set", "train.epochs=1")
        assert done.returncode == 0, done.stderr
    return folder / "runs"


@contextmanager
def served(runs: Path, name: str, *options: str) -> Iterator[tuple[str, Any]]:
    """A running service: its address, and its process."""
    command = [sys.executable, "-m", "dlspec", "serve", name, "--runs", str(runs), "--port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if f"serving {name} at http://127.0.0.1:" not in line:
            process.kill()
            pytest.fail(line + process.communicate()[1])
        yield line.split()[3], process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def houses(runs: Path) -> Iterator[str]:
    """The address of a service of the table's run."""
    with served(runs, "houses", "--most-rows", "50", "--most-bytes", "20000") as (address, _):
        yield address


def ask(address: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any]:
    """Status and JSON of an answer."""
    kinds = {"Content-Type": "application/json", **headers}
    request = urllib.request.Request(f"{address}{path}", body, kinds)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def predict(address: str, rows: Any) -> tuple[int, Any]:
    return ask(address, "predict", json.dumps({"rows": rows}).encode())


def test_rows_are_answered_as_predict_does(houses: str, runs: Path, tmp_path: Path) -> None:
    status, found = predict(houses, ROWS)
    assert status == 200
    (tmp_path / "rows.json").write_text(json.dumps(ROWS), encoding="utf-8")
    done = dlspec("predict", "houses", str(tmp_path / "rows.json"), "--runs", str(runs), "--format", "json")
    expected = [row["price"] for row in json.loads(done.stdout)]
    assert [row["price"] for row in found["rows"]] == pytest.approx(expected, rel=1e-5)
    assert len(set(expected)) == len(ROWS)


def test_what_may_be_missing_may_be_left_out(houses: str) -> None:
    whole = predict(houses, [{"area": None, "built": "2004-11-12", "town <name>": None}])
    assert predict(houses, [{"built": "2004-11-12"}]) == whole and whole[0] == 200


@pytest.mark.parametrize(
    ("rows", "errors"),
    [
        ([{**ROWS[0], "area": "80"}], [{"at": "rows.0.area", "message": "Input should be a valid number"}]),
        ([ROWS[0], {"area": 80}], [{"at": "rows.1.built", "message": "Field required"}]),
        ([{**ROWS[0], "are": 80}], [{"at": "rows.0.are", "message": "the model takes no such column"}]),
        ([], [{"at": "rows", "message": "List should have at least 1 item after validation, not 0"}]),
        (ROWS * 20, [{"at": "rows", "message": "List should have at most 50 items after validation, not 60"}]),
    ],
)
def test_rows_of_another_form_are_refused(rows: Any, errors: Any, houses: str) -> None:
    assert predict(houses, rows) == (422, {"errors": errors})


def test_values_that_do_not_fit_are_diagnosed(houses: str) -> None:
    status, found = predict(houses, [{**ROWS[0], "built": "last spring"}])
    assert status == 422
    (error,) = found["errors"]
    assert error["code"] == "E603" and "`last spring` is no date" in error["message"] and "help" in error


def test_no_number_is_no_json(houses: str) -> None:
    status, found = ask(houses, "predict", b'{"rows": [{"area": NaN, "built": "2004-11-12"}]}')
    assert (status, found["errors"][0]["message"]) == (422, "Input should be a finite number")
    status, found = ask(houses, "predict", b'{"rows": [')
    assert status == 422 and found["errors"][0]["message"].startswith("the body is no JSON")


def test_long_requests_are_refused_whether_they_say_so_or_not(houses: str) -> None:
    body = json.dumps({"rows": [{**ROWS[0], "town <name>": "x" * 20000}]}).encode()
    assert ask(houses, "predict", body)[0] == 413
    assert ask(houses, "nowhere") == (404, {"errors": [{"message": "Not Found"}]})
    connection = http.client.HTTPConnection(houses.split("/")[2], timeout=60)
    connection.request("POST", "/predict", iter([body[:9000], body[9000:]]), {"Content-Type": "application/json"})
    assert connection.getresponse().status == 413
    connection.close()


def test_many_ask_at_once(houses: str) -> None:
    alone = [predict(houses, [row]) for row in ROWS]
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda number: predict(houses, [ROWS[number % 3]]), range(30)))
    assert found == [alone[number % 3] for number in range(30)]


def test_health_and_measures(houses: str, runs: Path) -> None:
    status, found = ask(houses, "health")
    (run,) = (runs / "houses").iterdir()
    assert (status, found) == (200, {"status": "ready", "name": "houses", "run": run.name})

    def rows() -> float:
        text = urllib.request.urlopen(f"{houses}metrics", timeout=60).read().decode()
        lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        return float(lines["dlspec_rows_total"])

    predict(houses, ROWS)
    before = rows()
    predict(houses, ROWS)
    assert rows() == before + len(ROWS)


def test_the_interface_describes_what_is_taken_and_given(houses: str) -> None:
    _, document = ask(houses, "openapi.json")
    schemas = document["components"]["schemas"]
    assert set(schemas["Row"]["properties"]) == {"area", "built", "town <name>"}
    assert schemas["Row"]["required"] == ["built"]
    operation = document["paths"]["/predict"]["post"]
    for row, fits in ((ROWS[0], True), (ROWS[1], True), ({"area": "80", "built": ""}, False), ({"area": 1}, False)):
        assert Draft202012Validator(schemas["Row"]).is_valid(row) is fits
    refused = operation["responses"]["422"]["content"]["application/json"]["schema"]
    assert Draft202012Validator({**refused, **document}).is_valid(predict(houses, [])[1])


def test_pictures_come_as_files(runs: Path, tmp_path: Path) -> None:
    files = sorted((ROOT / "specs/start/digits").rglob("*.png"))[:3]
    with Image.open(files[2]) as picture:
        picture.save(tmp_path / "third.bmp")
        picture.save(tmp_path / "third.webp", lossless=True)  # which is in colour in any case
    files[2] = tmp_path / "third.bmp"
    colours = base64.b64encode((tmp_path / "third.webp").read_bytes()).decode()
    rows = [{"image": base64.b64encode(file.read_bytes()).decode()} for file in files]
    with served(runs, "digit_images") as (address, process):
        status, found = predict(address, rows)
        assert status == 200 and predict(address, [{"image": "no base 64"}])[0] == 422
        status, wrong = predict(address, [rows[0], {"image": base64.b64encode(b"no picture").decode()}])
        assert status == 422 and "image `row 2` cannot be read" in wrong["errors"][0]["message"]
        assert "[8, 8, 3]" in predict(address, [{"image": colours}])[1]["errors"][0]["message"]
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0
        assert "Traceback" not in process.stderr.read()
    done = dlspec("predict", "digit_images", *map(str, files), "--runs", str(runs), "--format", "json")
    for mine, other in zip(found["rows"], json.loads(done.stdout), strict=True):
        assert mine["digit"] == other["digit"]
        assert mine["digit probabilities"] == pytest.approx(other["digit probabilities"], abs=1e-5)


def test_a_port_that_is_taken(runs: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = dlspec("serve", "houses", "--runs", str(runs), "--port", str(port))
    assert done.returncode == 1
    assert f"cannot listen at 127.0.0.1, port {port}" in done.stderr and "TensorFlow" not in done.stderr


def test_what_it_needs_is_named() -> None:
    code = (
        "import sys; sys.modules['fastapi'] = None; from dlspec.cli.main import run; sys.exit(run(['serve', 'latest']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode and "pip install 'dlspec[serve]'" in done.stderr


@pytest.mark.skipif(browser.find() is None, reason="no Chromium: `apt-get install chromium`")
@pytest.mark.parametrize("width", [1280, 400])
def test_the_page_asks_in_a_browser(width: int, houses: str, tmp_path: Path) -> None:
    program = browser.find()
    assert program is not None
    with browser.browser(program, tmp_path / "profile") as tab:
        tab.open(houses, width)
        assert tab.ask(browser.LAYOUT) == []
        fill = "document.querySelector(`[data-name='%s']`).value = %s"
        for name, value in ROWS[0].items():
            tab.ask(fill % (name, json.dumps(str(value))))
        tab.ask("document.querySelector('button').click()")
        until = time.monotonic() + 30
        while "price" not in (text := tab.ask("document.getElementById('answer').textContent")):
            assert time.monotonic() < until, text
            time.sleep(0.1)
        assert json.loads(text) == predict(houses, [ROWS[0]])[1]["rows"][0]
        assert tab.ask(browser.LAYOUT) == [] and tab.messages == []
        assert {request.split("/")[2] for request in tab.requests} == {houses.split("/")[2]}
