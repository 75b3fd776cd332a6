"""The models of `keras.applications`, made anew without weights, to read their configs."""

from __future__ import annotations

import json

from dlspec.backends.importing.archives import Source
from dlspec.core.errors import Problem, did_you_mean


def read_application(name: str) -> Source:
    """The model of that name as data. Starts TensorFlow; nothing is fetched.

    Raises:
        Problem: E801, there is none.
    """
    import keras

    known = [known_name for known_name in dir(keras.applications) if known_name[:1].isupper()]
    if name not in known:
        raise Problem("E801", f"there is no `keras.applications.{name}`", did_you_mean(name, known))
    model = getattr(keras.applications, name)(weights=None)
    return Source(json.loads(model.to_json()), {}, f"keras.applications.{name}")
