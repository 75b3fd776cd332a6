#!/usr/bin/env bash
# On TensorFlow, Adam takes a step 1.41 times too long for a word that stands twice in a batch.
#
# Versions: Keras 3.15.1, TensorFlow 2.21.0, NumPy 2.4.6, Python 3.11.
#
# Seen: one step of `Adam(0.1)` on an `Embedding` moves the row of a word that is used once by 0.1, and that of a word used
# twice by 0.1414: the gradient arrives as rows with repeated indices, and each row is squared before they are added.
#
# Expected: 0.1 for both. The gradient of a weight is the sum over its uses, and the first step of Adam has the length of the
# learning rate whatever the gradient is (Kingma and Ba, "Adam", 2015, section 2.1). The same table written as a `Dense`
# layer over one-hot rows takes 0.1.
#
# Who is hurt: frequent words learn faster than the learning rate says, the more so the larger the batch, and the same
# model learns differently on another backend.
#
# Fails (exit 1) when this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check tensorflow==2.21.0 keras==3.15.1 numpy==2.4.6
export KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
"$folder/env/bin/python" - <<'EOF'
import keras
import numpy as np


def step(layer, inputs):
    """How far one step of Adam moves each of four weights, when the loss is their sum over the inputs."""
    total = keras.layers.Lambda(lambda values: keras.ops.sum(values, axis=1))
    model = keras.Sequential([keras.Input(inputs.shape[1:], dtype=inputs.dtype.name), layer, total])
    model.compile(keras.optimizers.Adam(0.1), loss=lambda target, output: keras.ops.mean(output))
    model.train_on_batch(inputs, np.zeros((1, 1)))
    return abs(layer.get_weights()[0]).ravel()


uses = np.array([[1, 2, 2]], "int32")
table = step(keras.layers.Embedding(4, 1, embeddings_initializer="zeros"), uses)
whole = step(keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros"), np.eye(4, dtype="float32")[uses])
print("a word used once:", table[1], "used twice:", table[2], "and by one-hot rows:", whole[1], whole[2])
if not np.allclose([table[1], table[2], whole[1], whole[2]], [0.1, 0.1 * 2**0.5, 0.1, 0.1], atol=1e-4):
    raise SystemExit("this is no longer what Keras does")
EOF
