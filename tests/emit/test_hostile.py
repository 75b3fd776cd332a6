"""Hostile text in every place of a spec that takes text: refused by ``check``, or a plain constant; nothing runs."""

# ruff: noqa: E501 (tables of specs in small)
from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dlspec.export.python.module import emit_model
from dlspec.passes import compile_spec
from dlspec.syntax.dumping import dump
from tests.support import ROOT

CANARY = "dlspec_canary"
TEXTS = (
    '"', "'", '"""', "'''", '"""\nimport os\n"""', "a\nb", "\\", "\\n", "\\x22", '\\"', "{{ 7 * 7 }}", "{% raw %}", "{# x #}",
    "{{ self.__init__.__globals__ }}", f"__import__('os').system('touch {CANARY}')", f"\"+open('{CANARY}','w').name+\"",
    f"'); open('{CANARY}', 'w'); ('", f"$(__import__('os').system('touch {CANARY}'))", "${x}", "$$", "$", "$(1", "{x}", "{x!r}",
    "f'{1}'", "%s%n", "#", "# type: ignore", "x" * 300, "class", "None", "lambda: 0", "print", "__builtins__", "__class__",
    "ｋｅｒａｓ", "кeras", "a\u202eb", "a\u2028b", "é", "🐍", "a b", "a.b", "../../etc/passwd", "-", "0x", "1e999",
    "keras", "layers", "self", "build_model", "\t", "a\u00a0b", "null ", "~", "!!python/object/apply:os.system", "<<", "@", "*a", "&a",
)  # fmt: skip

INPUT = {"words": {"shape": [3], "dtype": "string"}}
LOOKUP = {"string_lookup": {"vocabulary": ["a", "b"]}}
TAIL = [{"embedding": {"input_dim": 9, "output_dim": 2}}, "flatten", {"dense": 1}]
Spec = dict[str, Any]


def texts(text: str, **more: Any) -> Spec:
    """A spec over texts."""
    return {"inputs": INPUT, "layers": [{"string_lookup": {"vocabulary": [text, "b"]}}, *TAIL], **more}


def numbers(*layers: Any, **more: Any) -> Spec:
    """A spec over numbers."""
    return {"inputs": {"a": [4]}, "layers": [*layers, {"dense": 1}], **more}


PLACES: dict[str, Callable[[str], Spec]] = {
    "name": lambda text: {"name": text, **numbers()},
    "description": lambda text: {"description": text, **numbers()},
    "vocabulary": lambda text: texts(text),
    "parameter": lambda text: {"params": {"word": text}, **texts("$word")},
    "list parameter": lambda text: {"params": {"list": [text, "c"]}, "inputs": INPUT,
                                    "layers": [{"string_lookup": {"vocabulary": "$list"}}, *TAIL]},
    "parameter name": lambda text: {"params": {text: 3}, **numbers({"dense": f"${text}"})},
    "input": lambda text: {"inputs": {text: [4]}, "layers": [{"dense": 1}]},
    "block": lambda text: {"blocks": {text: {"layers": [{"dense": 2}]}}, **numbers(text)},
    "block parameter": lambda text: {
        "inputs": INPUT, "layers": ["Look", *TAIL],
        "blocks": {"Look": {"params": {"word": text}, "layers": [{"string_lookup": {"vocabulary": ["$word", "b"]}}]}}},
    "argument": lambda text: {
        "inputs": INPUT, "layers": [{"Look": {"word": text}}, *TAIL],
        "blocks": {"Look": {"params": {"word": "a"}, "layers": [{"string_lookup": {"vocabulary": ["$word", "b"]}}]}}},
    "each": lambda text: {"inputs": INPUT, "layers": [{"repeat": {"each": {"w": [text, "c"]}, "layers": [
        {"text_imputation": {"strategy": "constant", "fill_value": "x"}}]}}, LOOKUP, *TAIL]},
    "fill value": lambda text: {"inputs": INPUT, "layers": [
        {"text_imputation": {"strategy": "constant", "fill_value": text}}, LOOKUP, *TAIL]},
    "model": lambda text: {"models": {text: {"inputs": {"t": [4]}, "layers": [{"dense": 2}]}}, **numbers(text)},
    "layer name": lambda text: numbers({"dense": {"units": 2, "name": text}}),
    "from": lambda text: numbers({"dense": {"units": 2, "from": text}}),
    "substituted": lambda text: numbers({"repeat": {"times": 2, "layers": [{"dense": {"units": 2, "name": f"{text}_$index"}}]}},
                                        {"add": [f"{text}_0", f"{text}_1"]}),
    "outputs": lambda text: numbers(outputs=[text]),
    "activation": lambda text: numbers({"dense": {"units": 2, "activation": text}}),
    "initializer": lambda text: numbers({"dense": {"units": 2, "kernel_initializer": {text: {}}}}),
    "subscripts": lambda text: numbers({"ops.einsum": {"subscripts": text, "from": ["a", "a"]}}),
    "condition": lambda text: numbers({"dense": {"units": 2, "if": text}}),
    "units": lambda text: numbers({"dense": text}),
    "dtype": lambda text: {"inputs": {"a": {"shape": [4], "dtype": text}}, "layers": [{"dense": 1}]},
    "layer": lambda text: numbers({text: {}}),
}  # fmt: skip

RUN = """
import ast, json, os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
from keras import layers, ops
found, armed = [], False
expected = ("model.py",)

def hook(event, arguments):
    if not armed:
        return
    if event in ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "os.remove", "os.rename", "socket.connect"):
        found.append((event, str(arguments)[:200]))
    elif event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        found.append((event, str(arguments)[:200]))
    elif event in ("compile", "exec"):
        name = getattr(arguments[0], "co_filename", arguments[1] if len(arguments) > 1 else "")
        if "site-packages" not in str(name) and not str(name).startswith(("<frozen", "/usr", sys.base_prefix, "<__autograph")):
            found.append((event, str(name)))

sys.addaudithook(hook)
built = 0
for source in json.load(open(sys.argv[1])):
    keras.backend.clear_session()
    namespace = {"__name__": "generated"}
    code = compile(source, "<frozen model.py>", "exec")
    armed = True
    exec(code, namespace)
    namespace["build_model"]()
    armed = False
    built += 1
print(json.dumps({"found": found, "built": built}))
"""


def emitted(place: str, text: str, folder: Path) -> str | None:
    """The module, or None where `check` refuses the spec."""
    path = folder / "spec.yaml"
    path.write_text(dump({"name": "spec", **PLACES[place](text)}), encoding="utf-8")
    state = compile_spec(path)
    if state.diagnostics.errors:
        assert all(item.code and item.message for item in state.diagnostics.errors)
        return None
    return emit_model(state)


def outline(source: str) -> str:
    """The syntax of a module without its texts."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return ast.dump(tree)


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], str | None]:
    """What becomes of every text in every place."""
    folder = tmp_path_factory.mktemp("hostile")
    pairs = [(place, text) for number, text in enumerate(TEXTS) for at, place in enumerate(PLACES) if (number + at) % 3 == 0
             or place in ("vocabulary", "parameter", "fill value", "description")]  # fmt: skip
    return {(place, text): emitted(place, text, folder) for place, text in pairs}


def test_text_is_a_constant_or_refused(modules: dict[tuple[str, str], str | None]) -> None:
    assert len(modules) >= 200
    accepted = {key: source for key, source in modules.items() if source is not None}
    assert len(accepted) > 50
    for (place, text), source in accepted.items():
        if place in ("vocabulary", "parameter", "argument", "block parameter"):
            words = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
            assert text in words or "$" in text, (place, text)
            shapes = {outline(other) for (where, word), other in accepted.items() if where == place and "$" not in word}
            assert len(shapes) == 1, place  # the text changes nothing but a constant
        docstrings = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
        assert all(CANARY not in (ast.get_docstring(node) or "") for node in docstrings)
        comments = [line for line in source.splitlines() if line.strip().startswith("#")]
        assert not comments, (place, text)


def once(modules: dict[tuple[str, str], str | None]) -> list[str]:
    """A module of each text, of one place after the other."""
    by_text: dict[str, list[str]] = {}
    for (_, text), source in modules.items():
        if source is not None:
            by_text.setdefault(text, []).append(source)
    return [sources[number % len(sources)] for number, sources in enumerate(by_text.values())]


@pytest.mark.slow
@pytest.mark.parametrize("everywhere", [False, pytest.param(True, marks=pytest.mark.exhaustive)])
def test_nothing_runs(modules: dict[tuple[str, str], str | None], tmp_path: Path, everywhere: bool) -> None:
    chosen = modules.values() if everywhere else once(modules)
    sources = [source for source in dict.fromkeys(chosen) if source is not None]
    assert len(sources) >= 50
    (tmp_path / "sources.json").write_text(json.dumps(sources), encoding="utf-8")
    (tmp_path / "run.py").write_text(RUN, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "run.py", "sources.json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == {"found": [], "built": len(sources)}
    assert not list(tmp_path.rglob(f"{CANARY}*")) and not list(ROOT.glob(f"{CANARY}*"))
