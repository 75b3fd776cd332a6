#!/usr/bin/env bash
# A slice whose beginning is an argument makes XLA compile the whole function anew for each beginning; a gather does not.
#
# Versions: TensorFlow 2.21.0, Python 3.11, on a CPU.
#
# Seen: a `tf.function(jit_compile=True)` with an `input_signature` of two numbers, which cuts batches out of a table inside of a
# `tf.while_loop`. With `tf.slice(rows, [begin, 0], [32, 16])` or `rows[begin:begin + 32]`, each call with another beginning takes some
# hundred times as long as one with a beginning that was there before (0.17 s against 0.9 ms for a single product; 3 s for a training
# step). With `tf.gather(rows, begin + tf.range(32))`, which gives the same rows, it takes no longer.
#
# Expected: one compiled program for one signature, as the guide to `tf.function` says that it is traced anew only where the signature
# differs; the size is known, and XLA itself has slices whose beginning is computed.
#
# Who is hurt: whoever loops over batches inside of a compiled function. Nothing is wrong but the speed, and the first measurement
# of a single call shows nothing.
#
# Fails (exit 1) when this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check tensorflow==2.21.0
cat > "$folder/cut.py" <<'EOP'
import sys
import time

import tensorflow as tf

rows, weights = tf.random.normal((4096, 16)), tf.random.normal((16, 16))


def each_new_and_known(cut):
    """Seconds of a call with a beginning that is new, and with one that was there before; the rows that are cut at 64."""

    def taken(begin, count):
        def body(done, total):
            return done + 1, total + tf.reduce_sum(tf.tanh(cut(begin + done * 32) @ weights))

        return tf.while_loop(lambda done, total: done < count, body, (tf.constant(0), tf.constant(0.0)))[1]

    number = tf.TensorSpec((), tf.int32)
    function = tf.function(taken, [number, number], jit_compile=True, autograph=False)
    function(tf.constant(0), tf.constant(4))
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        for begin in range(32, 32 * 9, 32):
            function(tf.constant(begin), tf.constant(4))
        seconds.append((time.perf_counter() - start) / 8)
    return *seconds, cut(tf.constant(64))


ways = {
    "tf.slice": lambda begin: tf.slice(rows, [begin, 0], [32, 16]),
    "rows[a:b]": lambda begin: rows[begin : begin + 32],
    "tf.gather": lambda begin: tf.gather(rows, begin + tf.range(32)),
}
found = {name: each_new_and_known(cut) for name, cut in ways.items()}
for name, (new, known, cut) in found.items():
    assert bool(tf.reduce_all(cut == rows[64:96]))
    print(f"{name}: {new * 1000:.1f} ms with a new beginning, {known * 1000:.1f} ms with a known one")
slow = [name for name, (new, known, _) in found.items() if new > 10 * known]
sys.exit(0 if slow == ["tf.slice", "rows[a:b]"] else "changed: " + ", ".join(slow))
EOP
TF_CPP_MIN_LOG_LEVEL=3 "$folder/env/bin/python" "$folder/cut.py"
