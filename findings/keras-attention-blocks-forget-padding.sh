#!/usr/bin/env bash
# Two residual attention blocks over a masked embedding forget which steps are padding.
#
# Versions: Keras 3.15.1, TensorFlow 2.21.0, NumPy 2.4.6, Python 3.11.
#
# Seen: `x + MultiHeadAttention(x, x)`, twice, over `Embedding(mask_zero=True)`, then an average over the steps: a sequence
# gives another answer once zeros are put behind it. With no block or with one it gives the same. No warning is shown, and
# while the model is being written down every tensor does carry a mask.
#
# Expected: the same answer with and without padding, for any number of blocks. "Masking and padding with Keras" says that
# layers pass the mask on and that pooling leaves masked steps out.
#
# Who is hurt: every small transformer with `mask_zero`. Texts are judged by how many neighbours of their batch are longer.
#
# A way around it: a layer that makes a new tensor of the same values, such as `Rescaling(1.0)`, before query and value.
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


def moved_by_padding(blocks):
    """Largest change of the answer to two words when four steps of padding follow them."""
    keras.utils.set_random_seed(1)
    words = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(9, 4, mask_zero=True)(words)
    for _ in range(blocks):
        x = keras.layers.Add()([x, keras.layers.MultiHeadAttention(num_heads=1, key_dim=4)(x, x)])
    model = keras.Model(words, keras.layers.GlobalAveragePooling1D()(x))
    answers = [model(np.array([row])).numpy() for row in ([3, 4], [3, 4, 0, 0, 0, 0])]
    return float(abs(answers[0] - answers[1]).max())


found = [moved_by_padding(blocks) for blocks in (0, 1, 2)]
print("answers move by", found, "with 0, 1 and 2 blocks")
if not (max(found[:2]) < 1e-6 and found[2] > 1e-3):
    raise SystemExit("this is no longer what Keras does")
EOF
