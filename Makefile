# Each target sets up what it needs; nothing is installed by hand beside Python 3.11 and make.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export PYTHONUTF8 := 1
# Without compiled bytecode every command compiles hundreds of modules.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo demo-photos demo-detect demo-identify test tests dev desk check check-style check-types check-docstrings bench soak format clean

demo: $(STAMP)  ## the main job on real handwritten digits, no services
	$(BIN)/autolabel demo

demo-photos: $(STAMP)  ## photographs that packages bring, one label each, by the default encoder
	$(BIN)/autolabel demo-photos

demo-detect: $(STAMP)  ## the spiral of detection, twice round, at most ten minutes on two cores
	$(BIN)/autolabel demo-detect

demo-identify: $(STAMP)  ## 150 rendered cards identified by one picture each; four minutes at most
	$(BIN)/autolabel demo-identify

test: check tests  ## everything that CI runs

tests: $(STAMP)  ## the tests alone
	$(BIN)/pytest -n auto --dist worksteal

dev: $(STAMP)  ## Dagster's UI and daemon on the demo's collection, http://127.0.0.1:3000
	test -f .autolabel/demo/autolabel.toml || $(BIN)/autolabel demo
	cd .autolabel/demo && $(CURDIR)/$(BIN)/autolabel dev

desk: $(STAMP)  ## the desk on the demo's collection, http://127.0.0.1:8400/desk/
	test -f .autolabel/demo/autolabel.toml || $(BIN)/autolabel demo
	cd .autolabel/demo && $(CURDIR)/$(BIN)/autolabel serve --work

check: $(STAMP)  ## format, lint, types, docstrings, side by side
	$(MAKE) --no-print-directory -j 3 check-style check-types check-docstrings

check-style: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

check-types: $(STAMP)
	$(BIN)/mypy

check-docstrings: $(STAMP)
	$(BIN)/pydoclint -q autolabel_core autolabel_app resources autolabel_assets sensors

bench: $(STAMP)  ## benchmarks, one JSON line each; DATA=folder adds those on real photographs and texts
	$(BIN)/python -m benchmarks $(if $(DATA),--data $(DATA))

soak: $(STAMP)  ## ROUNDS=50 rounds of killing runs and daemon at random moments; CI runs two
	cd tests && ../$(BIN)/python -m support.soak --rounds $(or $(ROUNDS),50)

format: $(STAMP)  ## let ruff rewrite
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:  ## remove the environment and the demo
	rm -rf $(VENV) .autolabel/demo .autolabel/demo-photos .autolabel/demo-identify

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c "import sys; sys.exit(sys.version_info[:2] != (3, 11))" || { echo "Python 3.11 is needed: set PYTHON=/path/to/python3.11"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt --editable ".[dev,text]"
	# Dagster's docstring-parser and pydoclint's fork of it install the same module; the fork serves both.
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --reinstall --constraint constraints.txt docstring-parser-fork
	touch $@
