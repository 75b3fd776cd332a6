"""The documents: every spec in them is checked, every link leads somewhere, every command and option is described."""

from __future__ import annotations

import ast
import importlib
import json
import re
from pathlib import Path
from textwrap import indent

import click
import pytest
from jsonschema import Draft202012Validator

from dlspec.cli.main import cli
from dlspec.components.registry import names
from dlspec.passes import compile_spec
from dlspec.syntax.source import load
from tests.documents import DOCUMENTS, Block, blocks, furnish
from tests.support import ROOT

TEXTS = {document: (ROOT / document).read_text(encoding="utf-8") for document in DOCUMENTS}


def _whole(block: Block) -> bool:
    return re.search(r"^(layers|extends):", block.text, re.MULTILINE) is not None


SPECS = [pytest.param(block, id=block.id) for block in blocks("yaml") if _whole(block)]


@pytest.mark.parametrize("block", SPECS)
def test_specs_give_the_diagnostics_that_the_document_names(block: Block, tmp_path: Path) -> None:
    furnish(tmp_path)
    path = tmp_path / (block.file or "spec.yaml")
    path.write_text(block.text, encoding="utf-8")
    found = {item.code for item in compile_spec(path).diagnostics.items}
    assert found == set(block.words) - {"wrong", "proposed"}
    assert ("wrong" in block.words) == any(code[0] != "W" for code in found)


def test_fragments_are_part_of_the_language() -> None:
    schema = json.loads((ROOT / "schemas/spec.json").read_text(encoding="utf-8"))
    for block in blocks("yaml"):
        if not _whole(block):
            listed = block.text.lstrip().startswith("- ")
            text = "layers:\n" + indent(block.text, "  ") if listed else block.text
            document = load(text)  # by YAML 1.2, in which `1e-3` is a number
            assert not document.diagnostics.items, block.id
            errors = Draft202012Validator(schema).iter_errors(document.data)
            assert [error.message for error in errors] == [], block.id


def _anchors(text: str) -> set[str]:
    """The anchors that headings make, as GitHub forms them."""
    bare = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", bare, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", TEXTS[document]):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        path = (ROOT / document).parent / file if file else ROOT / document
        assert path.exists(), f"{document}: {target}"
        if anchor:
            assert anchor in _anchors(path.read_text(encoding="utf-8")), f"{document}: {target}"


def test_every_document_is_linked_from_the_readme() -> None:
    for document in DOCUMENTS:
        assert document == "README.md" or f"]({document})" in TEXTS["README.md"], document


def _commands() -> dict[str, click.Command]:
    context = click.Context(cli)
    found = {name: cli.get_command(context, name) for name in cli.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}


def test_every_command_is_in_the_readme() -> None:
    for name in _commands():
        assert f"dlspec {name}" in TEXTS["README.md"], name


def test_every_option_is_described() -> None:
    written = "\n".join(TEXTS.values())
    for name, command in _commands().items():
        assert command.help, name
        for parameter in command.params:
            described = getattr(parameter, "help", None) or any(option in written for option in parameter.opts)
            described = described or (parameter.name or "").upper() in (command.help or "")
            described = described or parameter.name == "spec"
            assert described, f"{name} {parameter.opts}"


def test_every_option_that_documents_name_exists() -> None:
    known = {option for command in _commands().values() for p in command.params for option in p.opts}
    known |= {"--help", "--version"}
    for document in ("README.md", "docs/language.md", "docs/run-folder.md"):
        lines = [line for line in TEXTS[document].splitlines() if "dlspec " in line]
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", "\n".join(lines)):
            assert option in known, f"{document}: {option}"


def test_layers_of_the_flops_page_exist() -> None:
    page = TEXTS["docs/flops.md"]
    (table,) = re.findall(r"^\| Layers.*?\n\n|^\| Layers.*\Z", page, re.MULTILINE | re.DOTALL)
    for row in table.strip().splitlines()[2:]:
        for name in re.findall(r"`(\w+)`", row.split("|")[1]):
            assert name in names("layer"), name


@pytest.mark.parametrize("block", [pytest.param(block, id=block.id) for block in blocks("python")])
def test_python_in_documents_parses_and_its_imports_exist(block: Block) -> None:
    for node in ast.walk(ast.parse(block.text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dlspec"):
            path = (node.module or "").replace(".", "/")
            if f"`{path}.py`" in TEXTS[block.document]:
                continue  # the file that the document tells how to add
            module = importlib.import_module(node.module or "")
            for alias in node.names:
                assert hasattr(module, alias.name), f"{block.id}: {node.module}.{alias.name}"


def test_the_layer_of_the_guide_is_the_real_one() -> None:
    (guide,) = [block.text for block in blocks("python", "CONTRIBUTING.md") if block.text.startswith("class ")]
    assert guide.strip() in (ROOT / "dlspec/components/layers/activation.py").read_text(encoding="utf-8")


def test_documents_are_in_plain_lines() -> None:
    for document, text in TEXTS.items():
        assert str(ROOT) not in text, document
        for number, line in enumerate(re.sub(r"```.*?```", "", text, flags=re.DOTALL).splitlines(), 1):
            assert len(line) <= 160 or line.startswith("|"), f"{document}:{number}"
            assert not re.match(r"(<{7} |={7}$|>{7} )", line), f"{document}:{number}: a merge was not finished"
