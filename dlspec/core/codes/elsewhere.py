"""E54: models and weights that were made elsewhere."""

from __future__ import annotations

from dlspec.core.codes.entry import Code, code

CODES: dict[str, Code] = {
    "E541": code(
        "no such layer in a saved model",
        """
        `outputs` beside `file` or `application` names the layers whose tensors leave the model: one, or a list. They
        are called as `dlspec import` calls them: with `_` for letters that a spec does not allow, and a small letter
        first.
        """,
        scene="""
        dlspec check flowers.yaml
        # models: {Backbone: {file: base.keras, outputs: blok_4}}, and the layer is called block_4
        """,
    ),
    "E542": code(
        "weights of a saved model",
        """
        A model under `models` that has a `file` begins with the weights that stand there. All of its layers must find
        theirs: a file of layers alone, such as the JSON of `model.to_json()`, has none.
        """,
        scene="""
        dlspec check flowers.yaml
        # models: {Backbone: {file: base.json}}
        """,
    ),
    "E549": code(
        "application that Keras does not make",
        """
        A model of `keras.applications` has its name there and Keras's own arguments, which are plain values: pictures
        of at least the size that its layers need, with known sizes where it ends with its head.
        """,
        wrong="""
        inputs: {image: [28, 28, 3]}
        models:
          Backbone: {application: {ResNet50: {include_top: false, weights: null, input_shape: [28, 28, 3]}}}
        layers:
          - Backbone
        """,
        right="""
        inputs: {image: [28, 28, 3]}
        models:
          Backbone: {application: {ResNet50: {include_top: false, weights: null, input_shape: [32, 32, 3]}}}
        layers:
          - resizing: {height: 32, width: 32}
          - Backbone
        """,
    ),
    "E560": code(
        "weights that Keras would fetch",
        """
        Without `weights`, Keras gives an application those of ImageNet, which it fetches from elsewhere. A spec names
        the file with them instead: then it is the same wherever it is trained, also where there is no net. Three lines
        of Keras write it.
        """,
        wrong="""
        inputs: {image: [224, 224, 3]}
        models:
          Backbone: {application: {ResNet50: {include_top: false}}, trainable: false}
        layers:
          - Backbone
        """,
        right="""
        inputs: {image: [224, 224, 3]}
        models:
          Backbone: {application: {ResNet50: {include_top: false, weights: null}}}
        layers:
          - Backbone
        """,
    ),
    "E561": code(
        "layers that are not known yet",
        """
        An editor does not start Keras while somebody types. The layers of an application are written down once by
        `dlspec check`, or by any other command, and known to the editor from then on.
        """,
        scene="""
        models:
          Backbone: {application: {ResNet50: {include_top: false, weights: null}}}
        # opened in an editor before any command has read the spec
        """,
    ),
    "E562": code(
        "word vectors that do not fit",
        """
        `vectors` of an embedding names a text file with a word and its numbers in each line, as GloVe, word2vec and
        fastText write them: as many numbers as the layer's vectors have. What enters the layer are indices of a
        vocabulary, which is known right before it.
        """,
        scene="""
        dlspec check topics.yaml
        # embedding: {input_dim: 5000, output_dim: 50, vectors: {file: glove.6B.100d.txt}}
        """,
    ),
}
