"""The page of the language for programs: its examples are specs, and it names everything that there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dlspec.components import registry
from dlspec.core.workspace import Workspace
from dlspec.passes import compile_spec
from tests.support import asked


@pytest.fixture(scope="module")
def page() -> str:
    from dlspec import __version__
    from dlspec.views.agent import page

    return page(__version__)


def test_the_command_prints_the_page(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(capsys, "docs", "--agent") == page


@pytest.mark.parametrize("number", range(3))
def test_its_examples_are_specs_without_a_warning(page: str, number: int, tmp_path: Path) -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 3
    path = tmp_path / "spec.yaml"
    path.write_text(blocks[number], encoding="utf-8")
    assert compile_spec(path, workspace=Workspace()).diagnostics.items == []


def test_it_names_every_component_and_option(page: str) -> None:
    sections = dict(re.findall(r"^## Kind `(\w+)`\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    assert set(sections) == set(registry.kinds())
    for kind in registry.kinds():
        for name in registry.names(kind):
            owner = registry.find(kind, name)
            assert owner is not None
            (line,) = re.findall(rf"^- `{re.escape(owner.registered_name)}`.*", sections[kind], re.MULTILINE)
            for option in owner.fields:
                assert option in line or f"`{option}`" in sections[kind].partition("\n- ")[0], (kind, name, option)


def test_it_fits_where_a_program_reads_it(page: str) -> None:
    assert len(page.encode()) < 80_000
    guide = page.partition("## Kind")[0]
    assert max(map(len, guide.splitlines())) <= 160
    assert "{{" not in page and page.endswith("\n")
