"""The report's page: what stands on it, what does not get onto it, and how it looks in a real browser."""

from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import browser
import pytest
import sample_runs as runs

from dlspec.training.run.report import Report
from dlspec.views.pages.page import page, read_history

pytestmark = pytest.mark.slow
KINDS = ("digits", "diabetes", "shapes", "cancer", "strange")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    """A finished run of each kind."""
    found = {}
    for kind in KINDS:
        folder = tmp_path_factory.mktemp(kind)
        runs.write_shapes(folder)
        runs.write_strange(folder)
        found[kind] = runs.train(folder, getattr(runs, kind.upper()))
    return found


def text(report: Report) -> str:
    """The page's words without its markup."""
    source = (report.folder / "report.html").read_text(encoding="utf-8")
    body = re.sub(r"<(style|svg)\b.*?</\1>", " ", source, flags=re.DOTALL)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", body)))


def test_a_classification_says_what_people_ask_for(made: dict[str, Report]) -> None:
    words = text(made["digits"])
    for expected in (
        "% accuracy",
        "examples of the test split; always answering “1” would be right in 10.0 %",
        "Confusion matrix",
        "precision recall F1 examples",
        "Furthest off",
        "Chosen by chance",
        "FLOPs per example",
        "conv2d [6, 6, 8] 80",
        "train 1,169 65.1 %",
        "dlspec train spec.yaml",
        "sparse_categorical_crossentropy",
        "tensorflow",
    ):
        assert expected in words, expected
    assert "results" in json.loads((made["digits"].folder / "report.json").read_text())


def test_a_regression_is_held_against_the_mean(made: dict[str, Report]) -> None:
    words = text(made["diabetes"])
    assert re.search(
        r"R² 0\.\d+ Off by \d+\.\d+ \(root mean square\) on 88 examples of the test split; always answering", words
    )
    assert "Predicted against true" in words and "Residuals" in words
    assert "bmi" in words and "scikit-learn's diabetes, row" in words
    assert "The course of a disease from ten measures." in words


def test_a_segmentation_shows_its_masks(made: dict[str, Report]) -> None:
    source = (made["shapes"].folder / "report.html").read_text(encoding="utf-8")
    assert "mean IoU" in source and source.count("<img src=") == 3 * 16
    assert "<figcaption>model</figcaption>" in source


def test_a_yes_or_no_from_logits_is_read_as_one(made: dict[str, Report]) -> None:
    report = made["cancer"]
    found = report.facts["results"]["outputs"]["dense"]
    assert found["accuracy"] == pytest.approx(report.metrics["test"]["binary_accuracy"], abs=1e-6)
    assert 0.9 < found["auc"] <= 1
    assert "Hits and false alarms" in text(report)
    assert len(list((report.folder / "tensorboard" / "train").iterdir())) == 1  # the spec says `log: tensorboard`


def test_the_page_is_whole_small_and_silent(made: dict[str, Report]) -> None:
    for report in made.values():
        source = (report.folder / "report.html").read_text(encoding="utf-8")
        assert len(source.encode()) < 2_000_000
        assert "<script" not in source.lower()
        assert set(re.findall(r"(?:src|href)=\"(\w+:|#)", source)) <= {"data:", "#"}
        names = re.findall(r'\bid="([^"]+)"', source)
        assert len(names) == len(set(names))
        _Balanced().feed(source)


class _Balanced(HTMLParser):
    """Every element that is opened is closed in its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag


def test_text_of_strangers_stays_text(made: dict[str, Report]) -> None:
    words = text(made["strange"])
    for name in ("</table><script>x", "two$y$", "</p><script>alert('description')</script> & <b>bold</b>"):
        assert name in words
    for name in runs.HOSTILE[:2]:
        assert name in words


def test_a_failed_run_has_a_page_too(made: dict[str, Report]) -> None:
    report = made["digits"]
    facts = {
        **report.facts,
        "status": "failed",
        "metrics": {},
        "error": {"code": "E508", "message": "the <loss> became nan"},
    }
    del facts["results"], facts["model"]
    source = page(facts, read_history(report.folder / "metrics.csv")[:1], None, None, "name: x\n")
    assert "E508" in source and "the &lt;loss&gt; became nan" in source


@pytest.mark.skipif(browser.find() is None, reason="no Chromium: `apt-get install chromium`")
def test_a_browser_shows_all_of_it_and_asks_nobody(made: dict[str, Report], tmp_path: Path) -> None:
    program = browser.find()
    assert program is not None
    with browser.browser(program, tmp_path) as tab:
        for kind, report in made.items():
            source = report.folder / "report.html"
            for width, dark in ((1280, False), (375, False), (768, True)):
                tab.open(source, width, dark=dark)
                assert tab.ask(browser.LAYOUT) == [], (kind, width)
                tab.picture(report.folder / f"seen-{width}.png")
            assert tab.pdf().startswith(b"%PDF")
        fetched = [url for url in tab.requests if not url.startswith("data:")]
        assert all(url.startswith("file:") and url.endswith("/report.html") for url in fetched)
        assert tab.messages == []


@pytest.mark.skipif(browser.find() is None, reason="no Chromium: `apt-get install chromium`")
def test_the_browser_would_notice(tmp_path: Path) -> None:
    program = browser.find()
    assert program is not None
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<body><div style='width: 3000px'>wide</div>"
        "<p style='position: absolute; top: 50px'>one above</p><p style='position: absolute; top: 50px'>another</p>"
        "<div style='overflow: hidden; width: 30px; white-space: nowrap'>much too long</div>"
        "<svg width='100' height='20'><text x='90' y='10'>outside</text></svg></body>"
    )
    (tmp_path / "profile").mkdir()
    with browser.browser(program, tmp_path / "profile") as tab:
        tab.open(bad, 800)
        wrong = "\n".join(tab.ask(browser.LAYOUT))
    for expected in ("the page is 3008 wide", "overlap", "is cut", "leaves its picture"):
        assert expected in wrong
