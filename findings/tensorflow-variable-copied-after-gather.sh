#!/usr/bin/env bash
# TensorFlow 2.21.0, Python 3.11, on a CPU
#
# `tf.gather` of a tf.Variable, as every embedding does it, changes what all later reads of that variable cost, for as
# long as it lives: from the first gather on, each read of the variable as a whole copies it, also where only one of its
# numbers is used, in functions that were traced before, and where nothing is ever written. For 1,000,000 rows of 64
# numbers a function that returns `variable.read_value()[0, 0]` took 0.4 ms before a gather of three rows, and 130 ms
# (256 MB copied) after it: 300 times as long.
#
# One would expect that a gather reads and changes nothing: https://www.tensorflow.org/api_docs/python/tf/gather says that
# it gathers slices, and https://www.tensorflow.org/guide/variable nothing of such a mode. (Inside, the variable is put
# into a mode for sparse updates, in which readers get copies.) Who is hurt: models with one table for the embedding and
# the output (tied weights), samplers and hierarchical softmax, whose rows are looked up to avoid the cost of the whole.
# What helps: read rows alone, or keep the whole read in a step of its own that seldom runs.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install tensorflow==2.21.0
cat > "$folder/reading.py" <<'PYTHON'
import time

import tensorflow as tf

variable = tf.Variable(tf.zeros((1_000_000, 64)))


@tf.function
def first():
    return variable.read_value()[0, 0]


@tf.function
def rows():
    return tf.reduce_sum(tf.gather(variable, [1, 2, 3]))


def seconds(function):
    function()
    times = []
    for _ in range(20):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


before = seconds(first)
rows()
after = seconds(first)
print(f"one number of a variable: {1000 * before:.2f} ms before a gather, {1000 * after:.2f} ms after it")
print("copied" if after > 20 * before else "not copied")
PYTHON
shown=$(TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" "$folder/reading.py" 2> /dev/null)
echo "$shown"
[[ $shown == *$'\n'copied ]]
