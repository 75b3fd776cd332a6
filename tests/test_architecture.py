"""The floors of the house: a module imports only what stands above it, and nothing starts what it does not need."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT, SPECS

PACKAGE = ROOT / "dlspec"

# From the ground up: a module may import those of its own floor's package and of every floor before it.
FLOORS = (
    ("errors", "resources", "files", "terminal"),
    ("codes",),
    ("tree", "ir"),
    ("syntax", "source", "dumping"),
    ("expressions",),
    ("registry",),
    ("layers", "components", "ops"),
    ("schema",),
    ("loading", "environment", "archive"),
    ("evaluate",),
    ("lower",),
    ("sections", "data.sources"),
    ("data",),
    ("passes",),
    ("report", "catalogue", "drawing"),
    ("keras_layers", "keras_training"),
    ("emit",),
    ("build",),
    ("runner", "reporting", "exporting"),
    ("tuning.deciding", "tuning.plan", "tuning.spaces", "tuning.usage"),
    ("emit.project",),
    ("tuning",),
    ("cli", "__main__"),
)
HEAVY = {
    "tensorflow",
    "keras",
    "keras_tuner",
    "numpy",
    "pyarrow",
    "sklearn",
    "PIL",
    "jinja2",
    "rich",
    "matplotlib",
    "ray",
}


def modules() -> dict[str, Path]:
    """Dotted name below ``dlspec`` of every module of the package, and its file."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name:
            found[name] = path
    return found


def imports(path: Path) -> list[tuple[str, bool]]:
    """Every module that a file imports, and whether at its top level (type-checking imports count)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = {id(node) for node in tree.body}
    checking = [node for node in tree.body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)]
    typing_only = {id(inner) for node in checking for inner in ast.walk(node)}
    found = []
    for node in ast.walk(tree):
        if id(node) in typing_only and isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in HEAVY:
            continue
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [(f"{node.module}.{alias.name}", id(node) in top) for alias in node.names]
    return found


def floor(module: str) -> int:
    """Number of the floor that a module stands on."""
    places = ((len(name), number) for number, names in enumerate(FLOORS) for name in names if _inside(module, name))
    best = max(places, default=None)
    assert best is not None, f"dlspec.{module} stands on no floor: add it to FLOORS"
    return best[1]


def _inside(module: str, name: str) -> bool:
    return module == name or module.startswith(f"{name}.")


def test_imports_point_one_way() -> None:
    known = modules()
    for module, path in known.items():
        for name, _ in imports(path):
            if not name.startswith("dlspec."):
                continue
            target = name.removeprefix("dlspec.")
            target = target if target in known else target.rpartition(".")[0]
            if target:
                assert floor(target) <= floor(module), f"dlspec.{module} imports dlspec.{target} from a later floor"


def test_there_is_no_import_cycle() -> None:
    known = modules()
    edges: dict[str, set[str]] = {}
    for module, path in known.items():
        targets = {name.removeprefix("dlspec.") for name, top in imports(path) if name.startswith("dlspec.") and top}
        edges[module] = {target if target in known else target.rpartition(".")[0] for target in targets} - {module, ""}
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " → ".join((*trail, module))
        if module not in done:
            for target in edges.get(module, ()):
                visit(target, (*trail, module))
            done.add(module)

    for module in edges:
        visit(module, ())


def test_heavy_packages_are_imported_inside_functions() -> None:
    for module, path in modules().items():
        if _inside(module, "keras_layers") or _inside(module, "keras_training"):
            continue  # classes of Keras; the tests below say that only building a model imports them
        for name, top in imports(path):
            assert not (top and name.split(".")[0] in HEAVY), f"dlspec.{module} imports {name} at its top"


def test_classes_of_layers_stand_alone() -> None:
    # Code generation writes these files into projects that know nothing of dlspec.
    for module, path in modules().items():
        if _inside(module, "keras_layers") or _inside(module, "keras_training"):
            allowed = {"dlspec"} if module == "keras_layers" else {"keras", "numpy", "tensorflow"}
            assert {name.split(".")[0] for name, _ in imports(path)} <= allowed, module
        elif module != "runner.saved":  # which loads models that hold such layers
            assert not [name for name, _ in imports(path) if name.startswith("dlspec.keras_layers")], module


def test_only_the_command_line_prints_or_exits() -> None:
    for module, path in modules().items():
        if module.split(".")[0] in ("cli", "__main__") or module == "schema.generate":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "sys.exit", "exit", "click.echo"):
                raise AssertionError(f"dlspec.{module}:{node.lineno} calls {ast.unparse(node.func)}")


@pytest.mark.parametrize("command", ["check", "show"])
@pytest.mark.parametrize("spec", SPECS)
def test_static_commands_never_import_tensorflow(command: str, spec: str) -> None:
    # `show specs/start/…` reads CSV files for the contract; only the frameworks are out of bounds there.
    code = (
        "import sys\nfrom dlspec.cli.main import run\n"
        f"code = run([{command!r}, {spec!r}])\n"
        "loaded = {'tensorflow', 'keras', 'jinja2', 'keras_tuner', 'sklearn', 'matplotlib'} & set(sys.modules)\n"
        "sys.exit(code or (str(loaded) if loaded else 0))"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_start_up_does_not_grow_with_the_catalogue(tmp_path: Path) -> None:
    # Declarations are imported as a spec names them: the thousandth layer costs a spec without it nothing.
    spec = tmp_path / "small.yaml"
    spec.write_text("inputs: {x: [4]}\nlayers: [dense: 2, ops.exp, {dense: {units: 1, activation: sigmoid}}]\n")
    code = (
        "import json, sys\nfrom dlspec.cli.main import run\n"
        "def loaded():\n"
        "    packages = ('dlspec.layers.', 'dlspec.ops.', 'dlspec.components.', 'dlspec.data.')\n"
        "    return sorted(name for name in sys.modules if name.startswith(packages))\n"
        f"before = loaded()\nassert run(['check', {str(spec)!r}]) == 0\n"
        "print(json.dumps([before, loaded()]))"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    before, after = json.loads(result.stdout.splitlines()[-1])
    assert before == []
    bases = {
        "dlspec.components.heads",
        "dlspec.layers.axes",
        "dlspec.layers.base",
        "dlspec.layers.refused",
        "dlspec.ops.base",
        "dlspec.ops.dtypes",
    }
    named = {"dlspec.layers.core", "dlspec.ops.elementwise", "dlspec.components.activations"}
    assert set(after) == bases | named


def test_modules_stay_readable() -> None:
    for module, path in modules().items():
        lines = path.read_text(encoding="utf-8").count("\n")
        assert lines <= 400, f"dlspec.{module} has {lines} lines"
