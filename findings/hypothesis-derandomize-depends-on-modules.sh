#!/usr/bin/env bash
# Hypothesis 6.170.15, Python 3.11
#
# `derandomize=True` is documented to let every run test the same examples until Hypothesis, Python or the test function
# changes (https://hypothesis.readthedocs.io/en/latest/reference/api.html, settings). It does not: since Hypothesis also
# draws constants that stand in the source of the project's own modules, the examples depend on which of these happen to
# be imported. One and the same test sees other examples alone than in the whole suite, and others again in a worker of
# pytest-xdist that has imported more. Here, 300 draws with and without an unrelated module of the same folder.
#
# Who relies on it finds that a test is green by itself and red in CI, or the other way round, with nothing changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install hypothesis==6.170.15
cat > "$folder/unrelated.py" <<'PYTHON'
LIMITS = (17, 4093, 65521, 1048573, 33554393)
PYTHON
cat > "$folder/drawn.py" <<'PYTHON'
import hashlib
import sys

from hypothesis import given, settings
from hypothesis import strategies as st

if "with" in sys.argv:
    import unrelated  # noqa: F401
seen = []


@settings(max_examples=300, derandomize=True, database=None)
@given(st.lists(st.integers(), min_size=3, max_size=3))
def draw(numbers):
    seen.append(numbers)


draw()
print(hashlib.sha256(repr(seen).encode()).hexdigest()[:16])
PYTHON
cd "$folder"
alone=$(venv/bin/python drawn.py)
again=$(venv/bin/python drawn.py)
beside=$(venv/bin/python drawn.py with)
echo "alone: $alone, again: $again, beside another module: $beside"
[ "$alone" = "$again" ] && [ "$alone" != "$beside" ]
