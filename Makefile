# make find [PHOTOS=folder]   find copies (without PHOTOS: on a small sample that is made here)
# make test                   lint, types, architecture and tests
# make bench                  writes benchmarks/RESULTS.md
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python -m
SHARED ?= ../shared
REPORT := lookalike-report

.PHONY: find test check bench clean

$(VENV)/done: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

ifdef PHOTOS
find: $(VENV)/done
	@$(RUN) lookalike find "$(PHOTOS)" --html $(REPORT)/index.html --csv $(REPORT); \
	  code=$$?; test $$code -eq 11 || exit $$code
else
find: $(VENV)/done
	@$(RUN) lookalike.evaluation.sample sample
	@$(RUN) lookalike find sample --db $(REPORT)/collection --html $(REPORT)/index.html \
	  --csv $(REPORT); code=$$?; test $$code -eq 11 || exit $$code
endif

test check: $(VENV)/done
	$(RUN) ruff check src tests tools
	$(RUN) ruff format --check src tests tools
	$(RUN) mypy
	$(RUN) pytest

bench: $(VENV)/done
	$(RUN) lookalike.evaluation.bench --photos $(SHARED)/data/photos --canvases $(SHARED)/data/train

clean:
	rm -rf $(VENV) sample $(REPORT) benchmarks/work
