# The life of a change, in one list. `make demo` and `make test` are all that a new machine needs.
PYTHON ?= python3.11
VENV ?= .venv
DEMO ?= xenoquant-demo
BIN := $(VENV)/bin
ROOMS := imgproc stats pipeline napari_plugin
CHROMIUM := $(shell command -v chromium 2>/dev/null)

.PHONY: demo test lint types unit bench lock clean

demo: $(VENV)/.run            ## make the environment, install, and run the main job on the demo study
	$(BIN)/xenoquant demo $(DEMO)

test: $(VENV)/.test browser display lint types unit   ## the whole suite, as continuous integration runs it

# Debian leaves ensurepip out of python3; its python3-venv package holds it.
$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV) || (rm -rf $(VENV); $(MAKE) debian PACKAGES="$(notdir $(PYTHON))-venv" && $(PYTHON) -m venv $(VENV))

$(VENV)/.run: $(VENV)/bin/python requirements/run.txt pyproject.toml
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/run.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.test: $(VENV)/bin/python requirements/test.txt pyproject.toml
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/test.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@ $(VENV)/.run

# The report is opened in a real browser; without one its test is skipped, and says so.
.PHONY: browser debian
browser:
ifeq ($(CHROMIUM),)
	-$(MAKE) debian PACKAGES="chromium chromium-driver"
endif

# The review window is opened on an X server of its own; without one its tests are skipped.
.PHONY: display
display:
ifeq ($(shell command -v Xvfb 2>/dev/null),)
	-$(MAKE) debian PACKAGES="xvfb xauth libgl1 libegl1 libglib2.0-0 libdbus-1-3 libfontconfig1 libxkbcommon0 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-render-util0 libxcb-shape0 libxcb-randr0 libxcb-xkb1 libxcb-xinerama0"
endif

debian:
	if [ "$$(id -u)" = 0 ]; then apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(PACKAGES); \
	elif command -v sudo >/dev/null && sudo -n true; then sudo apt-get update -qq && sudo DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(PACKAGES); \
	else echo "please install as root: apt-get install $(PACKAGES)"; exit 1; fi

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

# Type checkers don't follow the package map of pyproject.toml; links of the same shape do.
types: $(VENV)/.test
	mkdir -p build/typing/xenoquant
	for room in $(ROOMS) data; do ln -sfn ../../../$$room build/typing/xenoquant/$$room; done
	MYPYPATH=build/typing $(BIN)/mypy $(foreach room,$(ROOMS),-p xenoquant.$(room))

unit: $(VENV)/.test
	$(BIN)/pytest -n 2 --cov --cov-report=term:skip-covered

bench: $(VENV)/.test          ## each method's cost as a multiple of decoding its own image
	$(BIN)/python benchmarks/methods.py

LOCK := uv pip compile pyproject.toml requirements/build.in --universal --python-version 3.11 \
	--generate-hashes --no-strip-extras --no-header --no-emit-index-url --quiet
.PHONY: accuracy-fluorescence
accuracy-fluorescence: $(VENV)/.test   ## how near fluorescence comes to rendered truths and real annotations
	$(BIN)/pytest -q -s -k "rendered or annotated or ctcf or ki67" tests/imgproc/test_nuclei.py tests/imgproc/test_fluorescence.py
	$(BIN)/python benchmarks/nuclei.py

.PHONY: accuracy-dab
accuracy-dab: $(VENV)/.test            ## how near DAB comes to rendered sections and a real Ki67 segmentation
	$(BIN)/pytest -q -s -k "rendered_sections or rendered_fields_with or ki67" tests/imgproc/test_dab.py tests/pipeline/test_real_inputs.py

lock:                         ## renew the pinned, hashed requirements (needs uv)
	$(LOCK) -o requirements/run.txt
	$(LOCK) --extra dev --extra cluster --extra napari -c requirements/run.txt -o requirements/test.txt

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .coverage
