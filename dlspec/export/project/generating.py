"""``generate.py`` of a generated project: the trained model writes; and ``generating.py``, by which it does."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dlspec.components.layers.sequences import MarkedSequence
from dlspec.components.methods.base import Method
from dlspec.components.sections.generating import Generator
from dlspec.components.sections.sequences import END, START, indices_of
from dlspec.core.pieces import Piece, call
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.inputs import Input
from dlspec.data.binding.targets import Output
from dlspec.data.sources.base import TEXT
from dlspec.export.project.carried import carried, in_order
from dlspec.export.project.frames import framed, option, script
from dlspec.export.python.templates import Code
from dlspec.passes.state import Trainable
from dlspec.training.loop.preparation import inner_name
from dlspec.training.sequence_writing import EVEN

if TYPE_CHECKING:
    import jinja2


@dataclass(frozen=True)
class GeneratingText:
    """The two modules, without their imports.

    Attributes:
        script: ``generate.py``.
        module: ``generating.py``, what it takes of the code that projects carry.
        names: What that defines.
    """

    script: str
    module: str
    names: Sequence[str]


def render(
    state: Trainable, method: Method, binding: Binding, classes: Sequence[str], templates: jinja2.Environment
) -> GeneratingText | None:
    """Both modules; None where the spec does not say how its model writes.

    Args:
        state: The spec.
        method: Its way of training.
        binding: Its data, bound.
        classes: Those that a saved model cannot be loaded without.
        templates: Where the templates are.
    """
    generator = state.generator
    target = next((output for output in binding.outputs if output.shift), None)
    if generator is None or target is None:
        return None
    writer = _Writer(state, method, generator, binding, target)
    definitions = [
        framed(templates, "generate/writing", core=writer.core, lines=writer.naming(), made=writer.made()),
        framed(
            templates,
            "generate/texts",
            parameters=Code(", seed: int" if writer.draws else ""),
            drawn=Code("; the seed and their places decide what is drawn" if writer.draws else ""),
            lines=writer.preparing(),
            numbers=Code(", numbers" if writer.draws else ""),
        ),
        framed(
            templates,
            "generate/main",
            options=writer.options(),
            loaded=_loaded(classes),
            inputs=writer.values(),
            seed=Code(", arguments.seed" if writer.draws else ""),
        ),
    ]
    helpers = in_order(carried(definitions, templates))
    module = "\n\n\n".join(['"""How a model writes rows of indices, one index after the other."""', *helpers])
    title = f"Writes with the trained model {state.name}."
    return GeneratingText(script(templates, title, definitions, [Piece("main()")]), module, _defined(helpers))


def _defined(helpers: Sequence[Code]) -> list[str]:
    """The names of some functions and classes."""
    nodes = (node for helper in helpers for node in ast.parse(helper).body)
    return [node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)]


def _loaded(classes: Sequence[str]) -> Piece:
    """The expression that loads the trained model."""
    given: dict[str, Any] = {"compile": False}
    if classes:
        given = {"custom_objects": Piece("{}", {name: Code(name) for name in classes}), **given}
    return call("keras.saving.load_model", Code("arguments.model"), **given)


@dataclass(frozen=True)
class _Writer:
    """Decides what the functions hold."""

    state: Trainable
    method: Method
    generator: Generator
    binding: Binding
    target: Output

    @property
    def _fed(self) -> Input:
        """The input that what is written enters."""
        return next(input_ for input_ in self.binding.inputs if input_.name == self.target.input)

    @property
    def _others(self) -> list[Input]:
        return [input_ for input_ in self.binding.model_inputs if input_.name != self.target.input]

    @property
    def _given(self) -> list[Input]:
        """The inputs whose values are given: of a model that takes what it writes alone, that with which rows begin."""
        return self._others or [self._fed]

    @property
    def _text(self) -> bool:
        """Whether what is given is one text."""
        return len(self._given) == 1 and self._given[0].raw.dtype == TEXT and self._given[0].raw.rank == 0

    @property
    def _stream(self) -> bool:
        """Whether the model is trained on pieces of rows."""
        return self.binding.made is not None and self.binding.made.maker.in_line

    @property
    def core(self) -> str:
        """The name of the model proper inside of the one that is saved."""
        label = self.state.name
        return inner_name(label) if label in self.binding.entering else label

    @property
    def _splitting(self) -> Any:
        """The layer that takes texts apart; None where indices are numbers of the data."""
        return next((layer for layer in self._fed.prepare if layer.splits_texts), None)

    @property
    def _marks(self) -> Mapping[str, int]:
        """The indices of the marks of the input that is fed, by name."""
        return indices_of(self.state.data_section.features, self.target.input)

    @property
    def _reserved(self) -> int:
        """Indices that are kept free for marks."""
        last = self._fed.prepare[-1]
        return last.reserved if isinstance(last, MarkedSequence) else 0

    def naming(self) -> list[Piece]:
        """Statements that find out what the indices mean."""
        lines = [Piece("marks = {}", dict(self._marks))] if self._marks else []
        if self._splitting is None:
            return lines
        lines.append(Piece("vocabulary = vocabulary_before(entering(core)[{}])", self.target.input))
        return (
            [*lines, Piece("names = index_names(vocabulary, marks, {})", self._reserved)] if self._reserved else lines
        )

    def made(self) -> Piece:
        """The call that makes the writer."""
        layer = self._splitting
        given: dict[str, Any] = {"marks": Code("marks")} if self._marks else {}
        if layer is not None:
            given |= {"names": Code("names" if self._reserved else "vocabulary"), "kind": layer.pieces}
        given |= {"stream": True} if self._stream else {}
        given |= {"length": self.generator.length} if self.generator.length is not None else {}
        given |= {"logits": True} if self.method.head_of(self.target.name).from_logits else {}
        return call("Writing", Code("core"), self._answer(), self.target.input, self._function(), **given).by_lines()

    def _answer(self) -> Piece:
        """What the model answers to inputs by name."""
        names = list(self.binding.entering)
        each = ["inputs[{}]" for _ in names]
        taken = Piece(each[0] if len(each) == 1 else f"[{', '.join(each)}]", *names)
        return Piece("lambda inputs: core({}, training=False)", taken)

    def _function(self) -> Piece:
        """What makes the function that writes."""
        function = self.generator.writer.rpartition(".")[2]
        options = {name: value for name, value in self.generator.options().items() if value is not None}
        return Piece("lambda **how: {}", call(function, Code("Rows(**how)"), **options))

    def preparing(self) -> list[Piece]:
        """Statements that prepare raw inputs, and begin the rows."""
        fed, count = self.target.input, Piece("len(next(iter(inputs.values())))")
        if self._others:
            lines = [
                Piece("tensors = {{name: tensor for name, tensor in entering(writer.core).items() if name in inputs}}"),
                Piece("values = prepared(saved, inputs, tensors)"),
                Piece("beginnings = writer.beginnings({})", count),
            ]
        elif self._stream:
            whole = Piece("prepared(saved, inputs, {{{}: rows_before(entering(writer.core)[{}])}})", fed, fed)
            lines = [Piece("values = {}", whole), Piece("beginnings = writer.prompts(values[{}])", fed)]
        else:
            lines = [
                Piece("values = prepared(saved, inputs, entering(writer.core))"),
                Piece("beginnings = writer.beginnings({}, values[{}])", count, fed),
            ]
        if self.draws:
            given = (EVEN, Piece("beginnings.shape[1:]"), "float32", Piece("('generate', seed)"))
            lines.append(Piece("numbers = {}", call("draws_at", *given, Piece("np.arange(len(beginnings))"))))
        return lines

    @property
    def _unasked(self) -> bool:
        """Whether a row may begin by itself."""
        return not self._others and not self._marks.keys().isdisjoint((START, END))

    def options(self) -> list[Piece]:
        """What the command line can change."""
        if self._text:
            what = f"texts that the model reads: `{self._given[0].name}`" if self._others else "texts to go on with"
            first = [call("parser.add_argument", "texts", nargs="*" if self._unasked else "+", help=what)]
        else:
            names = ", ".join(f"`{input_.name}`" for input_ in self._given)
            first = [call("parser.add_argument", "inputs", type=Code("Path"), help=f"NumPy's `.npz` file of {names}")]
        first.append(option("--model", "Path", Piece("Path('output/model.keras')"), "what `python train.py` has saved"))
        if self._text and not self._others:
            first.append(option("--count", "int", 1, "how many texts for each one"))
        if self.draws:
            first.append(option("--seed", "int", self._seed, "of what is drawn"))
        return first

    @property
    def draws(self) -> bool:
        """Whether chance decides what is written."""
        return self.generator.seed is not None or "seed" in self.generator.fields

    @property
    def _seed(self) -> int:
        seeds = (self.generator.seed, self.method.seed, 0)
        return next(seed for seed in seeds if seed is not None)

    def values(self) -> Piece:
        """Raw inputs by name, from the command line."""
        if not self._text:
            return Piece("dict(np.load(arguments.inputs))")
        texts = Piece("arguments.texts")
        if not self._others:
            begun = Piece("arguments.texts or ['']") if self._unasked else texts
            texts = Piece("[text for text in {} for _ in range(arguments.count)]", begun)
        return Piece("{{{}: np.array({}, object)}}", self._given[0].name, texts)
