"""The documentation as a site: it builds without a network, no page fetches anything, every link leads somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from dlspec.components import registry
from dlspec.core.codes import CODES
from docs.site.markdown import anchor, converted
from tests.reporting import browser
from tests.support import ROOT, SPECS

# MkDocs in a process that cannot reach anything.
_ALONE = """
import socket, sys

def refused(self, address):
    raise AssertionError(f"the site reached out to {address}")

socket.socket.connect = socket.socket.connect_ex = refused
from mkdocs.__main__ import cli
cli(["build", "--strict", "--site-dir", sys.argv[1]])
"""
PAGES = (
    "index.html",
    "components/layers-convolution.html",
    "codes/E402.html",
    "gallery/index.html",
    "recipes/keras.html",
)


class _Page(HTMLParser):
    """Anchors, links and fetched resources of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.resources: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" and given.get("rel") not in ("canonical", "prev", "next"):
            self.resources.append(given["href"])
        self.resources += [given[name] for name in ("src", "srcset", "poster", "data") if name in given and tag != "a"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    words = [sys.executable, "-c", _ALONE, str(folder)]
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.slow
@pytest.mark.xdist_group("site")
def test_every_link_leads_to_a_page_and_no_page_fetches_anything(site: Path) -> None:
    pages = {path: _Page(path) for path in site.rglob("*.html")}
    assert len(pages) > 300
    del pages[site / "404.html"]  # served for any address, so that its links begin at the topmost folder
    for path, page in pages.items():
        for resource in page.resources:
            assert "://" not in resource and not resource.startswith("//"), f"{path}: {resource}"
            assert resource.startswith("data:") or (path.parent / unquote(resource).split("?")[0]).exists(), resource
        for link in page.links:
            if "://" in link:
                continue
            file, _, fragment = unquote(link).partition("#")
            target = (path.parent / file).resolve() if file else path
            assert target.is_file(), f"{path}: {link}"
            assert not fragment or fragment in pages[target].anchors, f"{path}: {link}"
    for style in site.rglob("*.css"):
        fetched = re.findall(r"url\(\s*[\"']?(?!data:|#)([^)\"']+)|@import", style.read_text(encoding="utf-8"))
        assert not [name for name in fetched if "://" in name or name.startswith("//")], style


@pytest.mark.slow
@pytest.mark.xdist_group("site")
def test_everything_that_is_declared_has_its_page(site: Path) -> None:
    assert {path.stem for path in (site / "codes").glob("*.html")} == {*CODES, "index"}
    index = _Page(site / "components" / "index.html").links
    fragments = {link.partition("#")[2] for link in index}
    for kind in registry.kinds():
        for name in registry.names(kind):
            owner = registry.find(kind, name)
            assert owner is not None and anchor(owner.registered_name) in fragments, f"{kind} {name}"
    for spec in SPECS:
        page = site / "gallery" / Path(spec).relative_to("specs").with_suffix(".html")
        assert page.is_file() and page.with_suffix(".svg").is_file(), spec


@pytest.mark.slow
@pytest.mark.xdist_group("site")
@pytest.mark.skipif(browser.find() is None, reason="no Chromium: `apt-get install chromium`")
def test_pages_fit_a_wide_and_a_narrow_window_and_fetch_only_files(site: Path, tmp_path: Path) -> None:
    program = browser.find()
    assert program is not None
    with browser.browser(program, tmp_path / "profile") as tab:
        for page in PAGES:
            for width in (1280, 400):
                tab.open(site / page, width)
                sizes = tab.ask("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
                assert sizes[0] <= sizes[1], f"{page} is {sizes[0]} wide in a window of {sizes[1]}"
    assert tab.requests and not [url for url in tab.requests if not url.startswith(("file:", "data:"))]


def test_every_document_is_in_the_menu() -> None:
    menu = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    for path in [*ROOT.glob("docs/*.md"), *ROOT.glob("docs/recipes/*.md")]:
        page = path.relative_to(ROOT / "docs").as_posix()
        assert re.search(rf"[:-] {re.escape(page)}$", menu, re.MULTILINE), f"mkdocs.yml: `nav` lacks {page}"


def test_links_that_leave_the_documents_are_those_of_the_site() -> None:
    text = "[a](../README.md#how-fast) [b](decisions/) [c](../LICENSE) [d](../templates/python/model.py.jinja)\n"
    assert converted(text, "export.md", ROOT) == (
        "[a](overview.md#how-fast) [b](decisions/index.md) [c](license.md) d\n"
    )
    assert converted("[a](../../README.md)\n", "recipes/dates.md", ROOT) == "[a](../overview.md)\n"
    assert converted("[Data\nhere](docs/data.md#csv)\n", "overview.md", ROOT) == "[Data\nhere](data.md#csv)\n"


def test_words_that_say_how_a_block_is_tested_are_left_out() -> None:
    text = "```yaml wrong E202\n# a.yaml\nname: a\n```\n\n```console slow\n$ [a](b)\n```\n"
    assert converted(text, "checking.md", ROOT) == (
        '```yaml title="a.yaml"\nname: a\n```\n\n```console\n$ [a](b)\n```\n'
    )


def test_lists_have_the_form_that_python_markdown_asks_for() -> None:
    text = "As follows:\n- one\n  more\n\n  ```sh\n  ls\n  ```\n- two\n\nEnd.\n"
    assert converted(text, "data.md", ROOT) == (
        "As follows:\n\n- one\n    more\n\n    ```sh\n    ls\n    ```\n- two\n\nEnd.\n"
    )


def test_anchors_are_those_of_github() -> None:
    assert anchor("Several `sources`, 2 × 2 & more") == "several-sources-2--2--more"
