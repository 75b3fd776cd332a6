#!/usr/bin/env bash
# pytest 9.2.0 with pytest-xdist 3.8.0 (the newest of both in November 2026), Python 3.11
#
# `pytest -n 2 --dist loadgroup` is documented to run all tests with the same mark `xdist_group` in one worker
# (https://pytest-xdist.readthedocs.io/en/stable/distribution.html). With pytest 9.2.0 it spreads them over the workers
# as if there were no mark, without a word. pytest-xdist appends the group to `item._nodeid`; since 9.2.0 the id that it
# reports, `item.nodeid`, is computed from another attribute. With pytest 9.1.1 the same tests stay together.
#
# Who relies on it finds that fixtures of a module are made once in each worker, that what must not run side by side does,
# and that a suite takes longer and more memory than it needs.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/new"
"$folder/new/bin/pip" -q install pytest==9.2.0 pytest-xdist==3.8.0
python3 -m venv "$folder/old"
"$folder/old/bin/pip" -q install pytest==9.1.1 pytest-xdist==3.8.0

mkdir "$folder/tests"
cat > "$folder/tests/test_grouped.py" <<'PYTHON'
import time

import pytest

pytestmark = pytest.mark.xdist_group("one")


@pytest.mark.parametrize("number", range(8))
def test_number(number):
    time.sleep(0.2)
PYTHON

workers() {
    (cd "$folder/tests" && "$folder/$1/bin/python" -m pytest -n 2 --dist loadgroup -v -p no:cacheprovider) |
        grep -o '^\[gw[0-9]*\]' | sort -u | wc -l
}

old=$(workers old)
new=$(workers new)
echo "workers that ran tests of one group: $old with pytest 9.1.1, $new with pytest 9.2.0"
[ "$old" -eq 1 ] && [ "$new" -eq 2 ]
