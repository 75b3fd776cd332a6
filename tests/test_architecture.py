"""The floors of the house: a module imports only what stands above it, and nothing starts what it does not need."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.code_rules import facts, foreign_privates, named
from tests.layout import DOCUMENTS, FLOORS, folder, imported, imports, modules, purpose, renewed, room, rooms
from tests.support import ROOT, SPECS

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


def floor(module: str) -> int:
    """Number of the floor that a module stands on."""
    assert folder(module) in FLOORS, f"dlspec.{module} stands on no floor: add its folder to FLOORS"
    return FLOORS.index(folder(module))


def _inside(module: str, name: str) -> bool:
    return module == name or module.startswith(f"{name}.")


def test_imports_point_one_way() -> None:
    known = modules()
    for module, path in known.items():
        for target in imported(path, known):
            if not (room(module) == room(target) == "cli"):  # the command line lists its commands by their files
                assert floor(target) <= floor(module), f"dlspec.{module} imports dlspec.{target} from a later floor"


def test_the_topmost_folders_form_no_cycle() -> None:
    order = list(rooms())
    for name, targets in rooms().items():
        assert all(order.index(target) < order.index(name) for target in targets), (name, targets)
    assert len(order) <= 17


def test_the_documents_list_the_folders_as_they_are() -> None:
    for document in DOCUMENTS:
        assert renewed(document) == (ROOT / document).read_text(encoding="utf-8"), "run python -m tests.layout"
    assert all(purpose(name) for name in FLOORS)


def test_there_is_no_import_cycle() -> None:
    # Inside functions and for types neither: what knows one another can only be understood together.
    known = modules()
    edges = {module: set(imported(path, known)) - {module} for module, path in known.items()}
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
        if _inside(module, "keras_layers") or _inside(module, "standalone"):
            continue  # classes of Keras; the tests below say that only building a model imports them
        for name, top in imports(path, frozenset(HEAVY)):
            assert not (top and name.split(".")[0] in HEAVY), f"dlspec.{module} imports {name} at its top"


def test_classes_of_layers_stand_alone() -> None:
    # Code generation writes these files into projects that know nothing of dlspec.
    for module, path in modules().items():
        if _inside(module, "keras_layers") or _inside(module, "standalone"):
            libraries = {"keras", "numpy", "scipy", "tensorflow"}
            if _inside(module, "standalone"):
                libraries |= {"keras_tuner", "PIL", "tokenizers"} | sys.stdlib_module_names
            own = {name for name, _ in imports(path) if name.startswith("dlspec.standalone")}
            if own and not _inside(module, "standalone"):  # functions that come before the class in projects
                libraries |= {"dlspec"}
                assert own == {name for name, _ in imports(path) if name.startswith("dlspec")}, module
            allowed = {"dlspec", "importlib", "pkgutil"} if module == "keras_layers" else libraries
            assert {name.split(".")[0] for name, _ in imports(path)} <= allowed, module
        elif module != "training.saved":  # which loads models that hold such layers
            assert not [name for name, _ in imports(path) if name.startswith("dlspec.keras_layers")], module


def test_no_decision_asks_where_a_component_is_declared() -> None:
    # Facts about components are attributes of their declarations; the registry alone looks at modules.
    # `dlspec layers` lists by family, which is a file.
    for module, path in modules().items():
        if _inside(module, "components.registry") or module == "views.catalogue":
            continue
        for line in facts(path).homes:
            raise AssertionError(f"dlspec.{module}:{line} asks for the module of a class")


def test_nobody_asks_for_a_method_by_its_class_or_name() -> None:
    # A way of training answers by the interface `Method`; these are the files of the one called `supervised`.
    own = ("components.methods", "training.supervised", "training.loop.speed", "training.loop.compiling")
    project = tuple(
        f"export.project.{name}" for name in ("train", "making", "compiling", "callbacks", "distributed", "learners")
    )
    for module, path in modules().items():
        if any(_inside(module, name) for name in (*own, *project)):
            continue
        for line in facts(path).methods:
            raise AssertionError(f"dlspec.{module}:{line} names a way of training")


def test_only_the_command_line_prints_or_exits() -> None:
    for module, path in modules().items():
        if module.split(".")[0] in ("cli", "__main__") or module == "semantics.schema.generate":
            continue
        for line in facts(path).printing:
            raise AssertionError(f"dlspec.{module}:{line} prints or exits")


@pytest.mark.parametrize("command", ["check", "show"])
def test_static_commands_never_import_tensorflow(command: str) -> None:
    # `show specs/start/…` reads CSV files for the contract; only the frameworks are out of bounds there. jsonschema,
    # which only tests need, would take a third of the time of a check.
    code = (
        "import sys\nfrom dlspec.cli.main import run\n"
        "heavy = {'tensorflow', 'keras', 'jinja2', 'keras_tuner', 'sklearn', 'matplotlib', 'jsonschema'}\n"
        "for spec in sys.argv[2:]:\n"
        "    code, loaded = run([sys.argv[1], spec]), heavy & set(sys.modules)\n"
        "    assert code == 0 and not loaded, (spec, code, loaded)\n"
    )
    words = [sys.executable, "-c", code, command, *SPECS]
    result = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("module", ["dlspec.cli.studies", "dlspec.tuning.studies.study", "dlspec.tuning.search.search"])
def test_studies_and_searches_leave_tensorflow_to_where_it_is_silenced(module: str) -> None:
    """Imported with the command, it would print lines of its own, and load before the command says so."""
    code = f"import sys, {module}\nassert not {{'tensorflow', 'keras'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_start_up_does_not_grow_with_the_catalogue(tmp_path: Path) -> None:
    # Declarations are imported as a spec names them: the thousandth layer costs a spec without it nothing.
    spec = tmp_path / "small.yaml"
    spec.write_text("inputs: {x: [4]}\nlayers: [dense: 2, ops.exp, {dense: {units: 1, activation: sigmoid}}]\n")
    code = (
        "import json, sys\nfrom dlspec.cli.main import run\n"
        "def loaded():\n"
        "    parts = ('components.layers', 'components.ops', 'components.training', 'data')\n"
        "    packages = tuple(f'dlspec.{part}.' for part in parts)\n"
        "    return sorted(name for name in sys.modules if name.startswith(packages))\n"
        f"before = loaded()\nassert run(['check', {str(spec)!r}]) == 0\n"
        "print(json.dumps([before, loaded()]))"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    before, after = json.loads(result.stdout.splitlines()[-1])
    assert before == []
    bases = {
        "dlspec.components.training.heads",
        "dlspec.components.layers.axes",
        "dlspec.components.layers.base",
        "dlspec.components.ops.base",
        "dlspec.components.ops.dtypes",
    }
    named = {
        "dlspec.components.layers.core",
        "dlspec.components.ops.elementwise",
        "dlspec.components.training.activations",
    }
    assert set(after) == bases | named


def test_files_stay_readable() -> None:
    for top in ("dlspec", "tests"):
        for path in (ROOT / top).rglob("*.py"):
            lines = path.read_text(encoding="utf-8").count("\n")
            assert lines <= 400, f"{path.relative_to(ROOT)} has {lines} lines"


# Functions of more than eight parameters, and why. Commands are others: click hands over each option by its name.
MANY_PARAMETERS = {
    "keras_layers.restricted_boltzmann.__init__": "Keras makes a saved layer anew from its options by their names",
    "keras_layers.deep_boltzmann.__init__": "Keras makes a saved layer anew from its options by their names",
    "keras_layers.reservoir.__init__": "Keras makes a saved layer anew from its options by their names",
}


def test_functions_stay_readable() -> None:
    many = set()
    for module, path in modules().items():
        for one in facts(path).functions:
            place = f"dlspec.{module}:{one.line} `{one.name}`"
            assert one.lines <= 60, f"{place} has {one.lines} lines"
            if one.parameters > 8 and not (_inside(module, "cli.commands") and one.name == "command"):
                many.add(f"{module}.{one.name}")
                assert f"{module}.{one.name}" in MANY_PARAMETERS, f"{place} has {one.parameters} parameters"
    assert many == set(MANY_PARAMETERS)


def test_templates_of_python_are_frames() -> None:
    # Layout, no decisions: those are made where types are checked; what all projects have in common is standalone.
    folder = ROOT / "templates" / "python"
    for path in folder.rglob("*.jinja"):
        name, text = path.relative_to(folder).as_posix(), path.read_text(encoding="utf-8")
        count = text.count("\n")
        decides = re.search(r"{%-? *if|{%[^%]* if |{{[^}]* if ", text)
        assert count <= 20 and not decides, f"{name} has {count} lines, or decides something"


# Private names of Keras in code that is copied into projects, and why there is no public way.
STANDALONE_PRIVATES = {
    "_apply_weight_decay": "the decay of some weights alone",
    "_build_input_shape": "tensors that a layer of normalization made of its weights are made again",
    "_clip_gradients": "clipping sees a gradient of rows as Keras leaves it: rows that occur twice twice",
    "_compile_loss": "metrics of single losses have no other owner",
    "_flatten_layers": "layers inside wrappers and models",
    "_fn_kwargs": "the options of a metric that is a function",
    "_get_current_learning_rate": "the learning rate that the decay of some weights takes",
    "_inbound_nodes": "the tensors that enter a layer",
    "_keras_history": "the layer behind a tensor",
    "_keras_mask": "the mask of an output",
    "_lookup_layer": "the words of a layer of text",
    "_make_gpr": "the model of the Bayesian search, made again with its seed",
    "_model_variables_moving_average": "the averages that an optimizer keeps of its weights",
    "_random_values": "what the Bayesian search proposes where its favourite was tried",
    "_var_key": "the weight that a step is of, on each device",
    "_trainable_variables": "the variables that an optimizer was built for",
}


def test_privates_of_other_packages_stand_in_one_file() -> None:
    # What Keras and Keras Tuner keep to themselves, a release may change: backends/keras/internals.py says what then.
    known = modules()
    inherited = {name for path in known.values() for name in facts(path).defined}
    standalone = set()
    for module, path in known.items():
        for line, name, _ in foreign_privates(path, inherited):
            if _inside(module, "standalone") or _inside(module, "keras_layers"):
                standalone.add(name)
            elif module != "backends.keras.internals":
                raise AssertionError(f"dlspec.{module}:{line} takes `{name}`: put a function into internals.py")
    assert standalone == set(STANDALONE_PRIVATES)


def test_templates_name_no_privates_of_keras() -> None:
    texts = (path.read_text(encoding="utf-8") for path in (ROOT / "templates").rglob("*.jinja"))
    assert not {name for text in texts for name in re.findall(r"\._[a-z]\w*", text)}


# Names of components that are also words of other meanings; they still may not stand beside `layer.name` and the like.
ORDINARY = {
    "activation": "an option of layers",
    "column": "a key of `inputs`",
    "constant": "a value of `strategy`",
    "csv": "a form of output, and a module of Python",
    "data": "a section, and an argument",
    "error": "the severity of a diagnostic",
    "maximum": "a keyword of JSON schema",
    "mean": "a value of `strategy` and of `reduction`",
    "median": "a value of `strategy`",
    "minimum": "a keyword of JSON schema",
    "most_frequent": "a value of `strategy`",
    "one": "how many components a field holds",
    "python": "a language to export to",
    "report": "a section",
    "split": "a key of `data`",
    "stft": "a value of `mode`",
    "target": "a column of scikit-learn's sets",
    "tune": "a section",
}


def test_no_decision_compares_the_name_of_a_component() -> None:
    # What others need to know of a component is an attribute of its declaration, or a new one would need changes there.
    index = json.loads((ROOT / "schemas" / "index.json").read_text(encoding="utf-8"))
    kinds: dict[str, set[str]] = {}
    declared: dict[str, set[str]] = {}
    for kind, entries in index.items():
        for name, place in entries.items():
            kinds.setdefault(name, set()).add(kind)
            declared.setdefault(place.partition(":")[0].removeprefix("dlspec."), set()).add(name)
    used = set()
    for module, path in modules().items():
        if module == "semantics.schema.foreign":  # what people from other frameworks write, and what they mean
            continue
        if _inside(module, "backends.importing.onnx"):  # what another format calls things, and what these are here
            continue
        others = {name: kinds[name] for name in kinds.keys() - declared.get(module, set())}
        declares = any(_inside(module, one) for one in ("components", "core.codes", "drafting"))
        for words in facts(path).words:
            if words.table and declares:  # declarations, examples and drafts list others
                continue
            for name in named(words, others):
                used.add(name)
                if words.beside or name not in ORDINARY:
                    raise AssertionError(f"dlspec.{module}:{words.line} decides by the name `{name}`: declare the fact")
    assert used == set(ORDINARY)


def test_what_must_be_there_is_handed_on() -> None:
    # Types carry the fact, or a function returns early.
    found = [f"dlspec.{module}:{line}" for module, path in modules().items() for line in facts(path).asserts]
    assert len(found) <= 20, found


def test_attributes_are_declared_where_they_are_asked_for() -> None:
    # A base class says what holds for the others; a default belongs to objects of other packages and to numbers.
    asked = [f"dlspec.{module}:{line}" for module, path in modules().items() for line in facts(path).defaults]
    assert len(asked) <= 25, asked


# Names that say nothing of the thing: a stranger needs `problem`, `column`, `position`, `span`.
VAGUE = {"found", "held", "one", "ones", "place", "stands", "told", "whatever", "word", "words"}
# Where they are the term of the field: words of texts.
WORDS_OF_TEXTS = {
    "components.layers.subwords": {"word"},
    "components.sections.report": {"words"},
    "components.sections.words": {"words"},
    "views.pages.figured": {"words"},
    "cli.commands.saliency": {"word", "words"},
    "core.documents.figures": {"word", "words"},
    "data.checks.vocabulary": {"word", "words"},
    "data.sources.word_vectors": {"word"},
    "keras_layers.text_imputation": {"word", "words"},
    "standalone.subwords": {"word", "words"},
    "training.answer_scores": {"word", "words"},
    "training.loop.word_vectors": {"word", "words"},
    "training.saliency": {"word", "words"},
    "training.sequence_writing": {"words"},
    "training.unknown_words": {"word", "words"},
    "training.written_scores": {"word", "words"},
    "views.pages.saliency": {"word"},
}


def test_names_say_what_a_thing_is() -> None:
    bound = {module: {name.strip("_") for name in facts(path).bound} & VAGUE for module, path in modules().items()}
    assert {module: names for module, names in bound.items() if names} == WORDS_OF_TEXTS
