#!/usr/bin/env bash
# Keras: with `reduction="mean_with_sample_weight"`, a weight of 1 for each example multiplies the loss of sequences by their length.
#
# Versions: Keras 3.15.1, TensorFlow 2.21.0, NumPy 2.4.6, Python 3.11.
#
# Seen: `MeanSquaredError(reduction="mean_with_sample_weight")` of a target of shape [2, 6, 3] in which each number is off by 1 is
# 1.0 without weights, and 6.0 with weights of 1 of shape [2, 1] or [2, 1, 1], in the loss itself and in `evaluate`. The
# values of the loss are multiplied by the weights, which are broadcast, but the sum is divided by the sum of the weights as they
# are given, before that.
#
# Expected: 1.0 in each case. Keras documents the reduction as the sum of the losses divided by the sum of the sample weights; a
# mean in which everything weighs the same is the plain mean, and 12 losses of 1 with weights of 1 have a mean of 1.
#
# Who is hurt: whoever gives weights for another output (a `sample_weight` for one output makes one needed for all), and then
# finds the loss of the sequence counting as many times more as it has steps.
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

true, answer = np.zeros((2, 6, 3), "float32"), np.ones((2, 6, 3), "float32")
loss = keras.losses.MeanSquaredError(reduction="mean_with_sample_weight")
plain = float(loss(true, answer))
each = [float(loss(true, answer, sample_weight=np.ones(shape, "float32"))) for shape in ((2, 1), (2, 1, 1), (2, 6), (2, 6, 1))]
print(f"without weights {plain}, with weights of 1 for each example {each[:2]}, for each step {each[2:]}")
assert plain == 1.0 and each[2:] == [1.0, 1.0]
assert each[:2] == [6.0, 6.0], "Keras divides by the weights as they count now"

x = keras.Input((6, 3))
model = keras.Model(x, keras.layers.Identity()(x))
model.compile("sgd", loss=loss)
measured = [model.evaluate(answer, true, sample_weight=weight, verbose=0) for weight in (None, np.ones((2, 1), "float32"))]
print(f"evaluate: {measured[0]} without weights, {measured[1]} with weights of 1")
assert measured[0] == 1.0
assert measured[1] == 6.0, "Keras divides by the weights as they count now"
EOF
