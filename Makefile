# Two commands: `make serve` opens the course, `make test` checks everything. Both set up what they need first.
PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: serve test quick lint types course notebooks setup tools browser clean

serve: .venv/ready
	$(BIN)/dojo serve

# one torch thread: the tests run two at a time, and threads of two processes would wait for each other
test: setup tools browser lint types course
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadgroup

quick: setup  ## what a developer runs while working: under two minutes
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadgroup -m "not browser and not hostile and not slow"

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: setup
	$(BIN)/pyright

# two seeds: each exercise saw a dozen when it was written
course: setup
	$(BIN)/dojo lint --seeds 2

notebooks: setup
	$(BIN)/dojo build

setup: .venv/ready

# torch first and pinned: a plain `torch` would bring gigabytes of CUDA onto machines that have no use for them
.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt torch==2.13.0 --editable '.[dev]'
	touch $@

# what the tests compare the course with: TransformerLens, nnsight, SAELens (nothing that a learner needs)
tools: .venv/tools

.venv/tools: .venv/ready
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev,tools]'
	touch $@

# the tests drive the site in Debian's Chromium
browser:
	@command -v chromium >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core libseccomp2 >/dev/null; \
	  else echo "The tests need Chromium: install the package 'chromium' and try again."; exit 1; fi; }

clean:
	rm -rf .venv
