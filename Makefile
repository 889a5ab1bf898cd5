# make quickstart   the whole path in minutes: environment, a small study, its report
# make test         linters, types, floors and the fast tests
# make test-all     all other tests, and property tests again with more examples
# make docs         the documentation site, in site/
# make lock         pin the newest allowed versions again (needs uv)

VENV := .venv
BIN := $(VENV)/bin
FAST := not slow and not data and not model and not browser and not ray
# What downloads, opens a browser, starts a cluster or kills processes runs one test at a time.
ALONE := model or browser or ray or alone
# A file's tests share fixtures; eight processes with torch need some 8 GB.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest
PARALLEL := -n auto --maxprocesses 8 --dist loadfile
# Packages that torch alone needs, of the version that its own build asks for.
TORCH_ONLY := torch triton cuda-bindings cuda-pathfinder cuda-toolkit \
	nvidia-cublas nvidia-cuda-cccl nvidia-cuda-cupti nvidia-cuda-nvrtc nvidia-cuda-runtime \
	nvidia-cudnn-cu13 nvidia-cufft nvidia-cufile nvidia-cusolver nvidia-cusparse \
	nvidia-cusparselt-cu13 nvidia-nccl-cu13 nvidia-nvjitlink nvidia-nvshmem-cu13 nvidia-nvtx
COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command "make lock" --quiet

.PHONY: quickstart test test-all docs lock

quickstart: $(VENV)/.installed
	$(BIN)/waystation run studies/quickstart.yaml --store .store/quickstart

test: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST) $(PARALLEL) -m "$(FAST)"

test-all: $(VENV)/.installed-dev
	$(PYTEST) $(PARALLEL) --hypothesis-profile=thorough \
		-m "(not ($(FAST)) or hypothesis) and not ($(ALONE))"
	$(PYTEST) -m "$(ALONE)"

docs: $(VENV)/.installed-dev
	$(BIN)/python scripts/docs.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "Open site/index.html"

$(VENV)/.installed: requirements.txt pyproject.toml scripts/environment.sh
	@scripts/environment.sh $(VENV) requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements.txt requirements-dev.txt pyproject.toml scripts/environment.sh
	@scripts/environment.sh $(VENV) requirements.txt requirements-dev.txt
	@touch $@ $(VENV)/.installed

lock:
	$(COMPILE) pyproject.toml $(TORCH_ONLY:%=--no-emit-package %) -o requirements.txt
	$(COMPILE) pyproject.toml --all-extras --group dev -c requirements.txt \
		$(TORCH_ONLY:%=--no-emit-package %) -o requirements-dev.txt
