"""Codes of targets that are made of inputs, and of what a model writes."""

from __future__ import annotations

from dlspec.core.codes.entry import Code, code

CODES: dict[str, Code] = {
    "E535": code(
        "model that cannot write",
        """
        `generate` feeds the answers of a model back into an input, from the mark `start` to `end` or to the last step:
        the model has a single output, whose target is that input shifted by one step, and rows that begin with a mark.
        """,
        wrong="""
        inputs: {digit: {shape: [1], dtype: int64}}
        layers:
          - embedding: {input_dim: 13, output_dim: 4}
          - gru: {units: 8, return_sequences: true}
          - dense: {units: 13, activation: softmax}
        data:
          source: {sklearn: digits}
          inputs: {digit: {column: target, marks: {end: 12}}}
          targets: {next: {input: digit, shift: 1}}
        train: {loss: sparse_categorical_crossentropy}
        generate: greedy
        """,
        right="""
        inputs: {digit: {shape: [2], dtype: int64}}
        layers:
          - embedding: {input_dim: 13, output_dim: 4}
          - gru: {units: 8, return_sequences: true}
          - dense: {units: 13, activation: softmax}
        data:
          source: {sklearn: digits}
          inputs: {digit: {column: target, marks: {start: 11, end: 12}}}
          targets: {next: {input: digit, shift: 1}}
        train: {loss: sparse_categorical_crossentropy}
        generate: greedy
        """,
    ),
    "E544": code(
        "row that begins with nothing",
        """
        A model writes the next index of a row from those before it. Where it was trained on pieces of texts without
        marks, nothing is the beginning of a row: it goes on with a text that is given, and not with an empty one.
        """,
        scene="""
        dlspec generate characters
        # trained by `examples: {stream: …}` on texts without `marks: [end]`, and no `--where text='The '` is given
        """,
        belongs="folder",
    ),
    "E563": code(
        "package for pieces of words",
        """
        `subword_vectorization` learns and applies its vocabulary by the package tokenizers, which is not among those
        that dlspec needs for anything else. A saved model with such a layer needs it as well.
        """,
        scene="""
        dlspec train translation.yaml
        # `prepare: [{subword_vectorization: 2000}]`, and `pip install 'dlspec[subwords]'` was never run
        """,
        belongs="machine",
    ),
    "E564": code(
        "steps that cannot be hidden",
        """
        A target `{input: text, masked: 0.15}` consists of the steps that are hidden of an input. The index that stands
        for most of them is that of no value; rows have two steps or more, and are in memory, since each epoch hides
        others; and the training rows hold two indices or more, of which another may stand in place of a hidden one.
        """,
        wrong="""
        inputs: {pixels: {shape: [8], dtype: int64}}
        layers:
          - embedding: {input_dim: 18, output_dim: 4}
          - gru: {units: 8, return_sequences: true}
          - dense: {units: 17, activation: softmax}
        data:
          source: {sklearn: digits}
          inputs: {pixels: {columns: "pixel_3_*", marks: {mask: 5}}}
          targets: {hidden: {input: pixels, masked: 0.15}}
        train: {loss: sparse_categorical_crossentropy}
        """,
        right="""
        inputs: {pixels: {shape: [8], dtype: int64}}
        layers:
          - embedding: {input_dim: 18, output_dim: 4}
          - gru: {units: 8, return_sequences: true}
          - dense: {units: 17, activation: softmax}
        data:
          source: {sklearn: digits}
          inputs: {pixels: {columns: "pixel_3_*", marks: {mask: 17}}}
          targets: {hidden: {input: pixels, masked: 0.15}}
        train: {loss: sparse_categorical_crossentropy}
        """,
    ),
    "E575": code(
        "figure of written texts as a metric",
        """
        BLEU, ROUGE, error rates and edit distances compare texts that the model writes by itself, index by index, with
        those that were to be written. Metrics of `train` see its answers to right beginnings. The report and
        `dlspec evaluate` have these figures wherever the spec says how the model writes.
        """,
        wrong="""
        inputs: {digit: {shape: [2], dtype: int64}}
        layers:
          - embedding: {input_dim: 13, output_dim: 4}
          - gru: {units: 8, return_sequences: true}
          - dense: {units: 13, activation: softmax}
        data:
          source: {sklearn: digits}
          inputs: {digit: {column: target, marks: {start: 11, end: 12}}}
          targets: {next: {input: digit, shift: 1}}
        train: {loss: sparse_categorical_crossentropy, metrics: [edit_distance]}
        generate: greedy
        """,
        right="""
        inputs: {digit: {shape: [2], dtype: int64}}
        layers:
          - embedding: {input_dim: 13, output_dim: 4}
          - gru: {units: 8, return_sequences: true}
          - dense: {units: 13, activation: softmax}
        data:
          source: {sklearn: digits}
          inputs: {digit: {column: target, marks: {start: 11, end: 12}}}
          targets: {next: {input: digit, shift: 1}}
        train: {loss: sparse_categorical_crossentropy, metrics: [sequence_accuracy]}
        generate: greedy
        """,
    ),
    "E620": code(
        "target that cannot be the next steps of an input",
        """
        A target `{input: decoder, shift: 1}` is made of rows of indices of one known length L: the input has the first
        L - 1 of them, the target the last L - 1. `marks` and `prepare: {like: …}` work on single rows of one table, and
        what fills rows up counts in no loss and no metric: what mixes rows, or counts otherwise, does not go with them.
        """,
        wrong="""
        inputs: {digit: {shape: [2], dtype: int64}}
        layers:
          - embedding: {input_dim: 13, output_dim: 4}
          - gru: {units: 8, return_sequences: true}
          - dense: {units: 13, activation: softmax}
        data:
          source: {sklearn: digits}
          inputs: {digit: {column: target, marks: {start: 11, end: 12}}}
          targets: {next: {input: digit, shift: 3}}
        train: {loss: sparse_categorical_crossentropy}
        """,
        right="""
        inputs: {digit: {shape: [2], dtype: int64}}
        layers:
          - embedding: {input_dim: 13, output_dim: 4}
          - gru: {units: 8, return_sequences: true}
          - dense: {units: 13, activation: softmax}
        data:
          source: {sklearn: digits}
          inputs: {digit: {column: target, marks: {start: 11, end: 12}}}
          targets: {next: {input: digit, shift: 1}}
        train: {loss: sparse_categorical_crossentropy}
        """,
    ),
    "W617": code(
        "vocabulary of another size than the texts give",
        """
        `subword_vectorization` learns `max_tokens` indices, if the training texts have as many pieces that stand in
        them more than once. With fewer, the model has vectors and units that nothing uses; where they have more signs
        than that, the rarest have no index, and become unknown.
        """,
        scene="""
        dlspec check translation.yaml
        # the training texts give `subword_vectorization` 812 indices, fewer than `max_tokens: 2000`
        """,
    ),
    "W624": code(
        "hidden steps that another input shows",
        """
        A target with `masked` is told from the other steps of its input. Where the column of that input enters a second
        time, the model reads there what is hidden, and learns nothing else; the figures then say nothing.
        """,
        wrong="""
        inputs: {text: {shape: [8], dtype: int64}, same: [8]}
        layers:
          - embedding: {from: text, input_dim: 18, output_dim: 4, name: steps}
          - reshape: {from: same, target_shape: [8, 1], name: shown}
          - concatenate: [steps, shown]
          - dense: {units: 17, activation: softmax}
        data:
          source: {sklearn: digits}
          inputs:
            text: {columns: "pixel_3_*", marks: {mask: 17}}
            same: {columns: "pixel_3_*"}
          targets: {hidden: {input: text, masked: 0.15}}
        train: {loss: sparse_categorical_crossentropy}
        """,
        right="""
        inputs: {text: {shape: [8], dtype: int64}}
        layers:
          - embedding: {from: text, input_dim: 18, output_dim: 4}
          - gru: {units: 8, return_sequences: true}
          - dense: {units: 17, activation: softmax}
        data:
          source: {sklearn: digits}
          inputs:
            text: {columns: "pixel_3_*", marks: {mask: 17}}
          targets: {hidden: {input: text, masked: 0.15}}
        train: {loss: sparse_categorical_crossentropy}
        """,
    ),
    "W642": code(
        "rows that are computed anew for each step",
        """
        A model that writes needs one step at a time, where every layer gives each step from the same one and from what
        it keeps of those before: recurrent layers that return all steps, attention with `use_causal_mask: true` or to
        what is not written, causal convolutions, positions, and what looks at one step alone. Behind any other layer
        the whole row is computed again for each step. It writes the same, many times slower.
        """,
        wrong="""
        inputs: {digit: {shape: [2], dtype: int64}}
        layers:
          - embedding: {input_dim: 13, output_dim: 4}
          - gru: {units: 8, return_sequences: true}
          - reshape: [2, 8]
          - dense: {units: 13, activation: softmax}
        data:
          source: {sklearn: digits}
          inputs: {digit: {column: target, marks: {start: 11, end: 12}}}
          targets: {next: {input: digit, shift: 1}}
        train: {loss: sparse_categorical_crossentropy}
        generate: greedy
        """,
        right="""
        inputs: {digit: {shape: [2], dtype: int64}}
        layers:
          - embedding: {input_dim: 13, output_dim: 4}
          - gru: {units: 8, return_sequences: true}
          - dense: {units: 13, activation: softmax}
        data:
          source: {sklearn: digits}
          inputs: {digit: {column: target, marks: {start: 11, end: 12}}}
          targets: {next: {input: digit, shift: 1}}
        train: {loss: sparse_categorical_crossentropy}
        generate: greedy
        """,
    ),
}
