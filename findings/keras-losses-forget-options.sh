#!/usr/bin/env bash
# A saved Keras model goes on with another loss: Huber forgets `delta`, CosineSimilarity `axis`.
#
# Versions: Keras 3.15.1, TensorFlow 2.21.0, NumPy 2.4.6, Python 3.11.
#
# Seen: a model compiled with `Huber(delta=3.0)` is saved and loaded without a word, and its loss then has `delta` 1.0: for a
# difference of 5 it gives 4.5 in place of 10.5. `get_config()` of both losses holds name and reduction alone; other losses
# with options, such as Tversky, keep theirs.
#
# Expected: the same loss. By Keras's guide on saving, a `.keras` file keeps how the model was compiled, and the configuration
# of an object is what the same object is made from.
#
# Who is hurt: whoever goes on training a loaded model, or has losses in a configuration of layers. The number that is shown is
# lower, so that the loaded model looks better.
#
# Fails (exit 1) when this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check tensorflow==2.21.0 keras==3.15.1 numpy==2.4.6
export KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1
cd "$folder"
"$folder/env/bin/python" - <<'EOF'
import keras
import numpy as np

true, answer = np.zeros((1, 1), "float32"), np.full((1, 1), 5.0, "float32")

x = keras.Input((1,))
model = keras.Model(x, keras.layers.Dense(1)(x))
model.compile("sgd", loss=keras.losses.Huber(delta=3.0))
model.save("model.keras")
loaded = keras.saving.load_model("model.keras")
before, after = (float(one.loss(true, answer)) for one in (model, loaded))
print(f"Huber(delta=3.0) of a difference of 5: {before} before saving, {after} after loading")
assert (before, after) == (10.5, 4.5), "Keras keeps `delta` now"

cosine = keras.losses.CosineSimilarity(axis=1)
assert "axis" not in cosine.get_config(), "Keras keeps `axis` now"
kept = keras.losses.Tversky(alpha=0.3, beta=0.7).get_config()
assert (kept["alpha"], kept["beta"]) == (0.3, 0.7)
EOF
