"""What one would write to let a saved model answer for the rows of a CSV file: nothing of dlspec, nothing to spare."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

CLASSES = ["high", "low", "middle"]


def main(model_file: str, source: str, target: str) -> None:
    """Reads the examples, asks the model, writes class and probability of each."""
    model = keras.saving.load_model(model_file, compile=False)
    with Path(source).open(newline="", encoding="utf-8") as stream:
        rows = csv.reader(stream)
        names = next(rows)
        columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    inputs: dict[str, object] = {name: tf.constant(columns[name]) for name in names if name.startswith("word")}
    numbers = [np.array(columns[name], "float32") for name in names if name.startswith("number")]
    inputs["numbers"] = tf.constant(np.stack(numbers, axis=-1))
    inputs["code"] = tf.constant(np.array(columns["code"], "int64")[:, None])
    answers = model.predict(inputs, batch_size=1024, verbose=0)
    with Path(target).open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["example", "level", "level probability"])
        for number, row in enumerate(answers):
            best = int(row.argmax())
            out.writerow([number + 2, CLASSES[best], float(row[best])])


if __name__ == "__main__":
    main(*sys.argv[1:])
