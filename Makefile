# make find [PHOTOS=folder]   find copies (without PHOTOS: on a small sample that is made here)
# make test                   lint, types, architecture and all tests
# make test-fast              tests that need no command, server, browser or long run
# make mutants ROOM=decisions [MOST=60] [ONLY=keeper.py]   changes of a room that no test sees
# make test-lowest            tests of the main job with the lowest versions that are declared
# make reference              docs/reference/cli.md from the program, schemas from the records
# make bench                  accuracy and speed of the main job, into benchmarks/results
# make bench-systems          every published system side by side, likewise
# make bench-owl              queries with lines drawn over them, likewise
# make bench-scale            the stages at size, likewise
# make measure-scale          what one image, pair, keypoint costs, and how unevenly they fall
# make simulate-scale         the plan for 10^8 and 10^9 pictures, into docs/scale.md
# make bench-hard             templates, insets, prints, bursts, faces, likewise
# make judge-sets             labelled pictures of 46 kinds, into benchmarks/work/judge_sets
# make bench-collapse         result lists, likewise
# make bench-confidence       fits how certain a match is, and checks it, likewise
# make bench-ablation         what each lever of the cascade gives, and what stays unsolved, likewise
# make bench-explained        masks of what was added and likely parents, likewise (after make bench)
# make bench-datasets         leaks and conflicts that were planted, likewise
# make bench-cluster          a cluster against one machine, nodes killed, likewise (after make bench)
# make bench-peers            other programs on the same files, likewise
# make models                 weights of published networks that package indexes have
PYTHON ?= python3
VENV := .venv
LOWEST := .venv-lowest
RUN := $(VENV)/bin/python -m
SHARED ?= ../shared
REPORT := lookalike-report
# two processes that take tests from each other; each test is small, and BLAS threads would only wait
SIDE_BY_SIDE := -n 2 --dist worksteal
ROOM ?= decisions
MOST ?= 60

# the main job, without the extras
LOWEST_TESTS := $(addprefix tests/,actions cli clustering containment decisions difference images matching model \
  retrieval run verification descriptors/test_keypoints.py store/test_store.py \
  $(patsubst %,sources/test_%.py,sources tables archives))

.PHONY: find test test-fast mutants test-lowest check reference bench bench-systems bench-owl bench-scale bench-hard bench-datasets \
  bench-confidence bench-collapse bench-peers bench-ablation bench-explained bench-cluster \
  judge-sets measure-scale simulate-scale models clean

$(VENV)/done: pyproject.toml benchmarks/pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -e '.[dev]' -e benchmarks
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

test check test-fast: export OPENBLAS_NUM_THREADS := 1

test check: $(VENV)/done
	$(RUN) ruff check src benchmarks tests tools
	$(RUN) ruff format --check src benchmarks tests tools
	$(RUN) mypy
	$(RUN) pytest $(SIDE_BY_SIDE)

test-fast: $(VENV)/done
	$(RUN) pytest -m "not slow" $(SIDE_BY_SIDE)

mutants: $(VENV)/done
	$(VENV)/bin/python tools/mutants.py $(ROOM) --most $(MOST) $(addprefix --only ,$(ONLY)) \
	  --json benchmarks/work/mutants-$(ROOM).json

reference: $(VENV)/done
	$(VENV)/bin/python tools/cli_reference.py
	$(VENV)/bin/python tools/schemas.py

$(LOWEST)/done: pyproject.toml tools/lowest.py
	$(PYTHON) -m venv $(LOWEST)
	$(PYTHON) tools/lowest.py > $(LOWEST)/lowest.txt
	$(LOWEST)/bin/pip install --quiet --disable-pip-version-check -c $(LOWEST)/lowest.txt -e . \
	  pytest hypothesis jsonschema
	touch $@

test-lowest: $(LOWEST)/done
	PYTHONPATH=benchmarks $(LOWEST)/bin/python -m pytest $(LOWEST_TESTS)

bench: $(VENV)/done
	$(RUN) lookalike_bench.bench --photos $(SHARED)/data/photos --canvases $(SHARED)/data/train

models: $(VENV)/done
	$(RUN) lookalike models get vgg16-conv
	$(RUN) lookalike models get efficientnet-lite0

bench-systems: models
	$(RUN) lookalike_bench.bench_systems --photos $(SHARED)/data/photos \
	  --canvases $(SHARED)/data/train --labelled $(SHARED)/data/labelled

bench-owl: models
	$(RUN) lookalike_bench.owl --photos $(SHARED)/data/photos --subjects 30 \
	  $(foreach r,default report-hash visipics-basic raw inditex@efficientnet-lite0-middle neuralhash,--recipe $(r))

bench-scale: $(VENV)/done
	$(RUN) lookalike_bench.bench_scale

measure-scale: $(VENV)/done
	$(RUN) lookalike_bench.scale_costs --photos $(SHARED)/data/photos
	$(RUN) lookalike_bench.simulate_scale --photos $(SHARED)/data/photos \
	  --canvases $(SHARED)/data/train --synthetic 10000000

simulate-scale: $(VENV)/done
	$(RUN) lookalike_bench.simulate_scale

# other programs run in environments of their own; PEERS_PYTHON: a Python 3.12, which one of them needs
bench-hard: $(VENV)/done
	$(RUN) lookalike_bench.bench_hard --photos $(SHARED)/data/photos \
	  --canvases $(SHARED)/data/train $(addprefix --detector ,$(wildcard $(SHARED)/models/*Det.onnx))

judge-sets: $(VENV)/done
	$(RUN) lookalike_bench.judge_sets benchmarks/work/judge_sets --photos $(SHARED)/data/photos \
	  --train $(SHARED)/data/train --shots $(SHARED)/data/other_shots --domains $(SHARED)/data/domains

bench-collapse: $(VENV)/done
	$(RUN) lookalike_bench.bench_collapse --photos $(SHARED)/data/photos

bench-confidence: $(VENV)/done
	$(RUN) lookalike_bench.bench_confidence --photos $(SHARED)/data/photos \
	  --canvases $(SHARED)/data/train

bench-ablation: $(VENV)/done
	$(RUN) lookalike_bench.bench_ablation --photos $(SHARED)/data/photos \
	  --canvases $(SHARED)/data/train

bench-explained: $(VENV)/done
	$(RUN) lookalike_bench.explained \
	  $(foreach s,five-development fourteen-development five-held-back fourteen-held-back,benchmarks/work/$(s))

bench-datasets: $(VENV)/done
	$(RUN) lookalike_bench.bench_datasets --photos $(SHARED)/data/photos \
	  --canvases $(SHARED)/data/train

bench-cluster: $(VENV)/done
	$(RUN) lookalike_bench.bench_cluster --pictures benchmarks/work/fourteen-development

bench-peers: $(VENV)/done
	$(RUN) lookalike_bench.bench_peers --photos $(SHARED)/data/photos \
	  --canvases $(SHARED)/data/train

clean:
	rm -rf $(VENV) $(LOWEST) sample $(REPORT) benchmarks/work
