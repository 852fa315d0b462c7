# One command sets up and shows everything, one tests everything; the rest is for those who work on the course.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: course test bench lock clean

course: $(READY)  ## set up, build the book, release the assignments, grade a made-up class
	course build
	course release
	course grade a2-rnn --sample
	@echo
	@echo "The book:         _build/html/index.html"
	@echo "The assignments:  assignments/"
	@echo "Instead of \`course\` on a path of your own: $(BIN)/course --help"

test: $(READY)  ## every test, the executed book with warnings as errors among them
	python -m pytest

bench: $(READY)  ## speed beside real peers, in one table
	python -m benchmarks

lock: $(READY)  ## compile requirements.txt anew from pyproject.toml
	python -m pip install --quiet pip-tools
	pip-compile --quiet --all-extras --strip-extras --allow-unsafe --no-emit-find-links --no-emit-index-url \
	    --no-emit-trusted-host --no-emit-options --output-file requirements.txt pyproject.toml
	# A build tag such as +cpu names one kind of machine; the version alone fits all.
	sed -i.bak 's/^\(torch==[0-9.]*\)+.*/\1/' requirements.txt && rm requirements.txt.bak

clean:  ## what was built and graded; not the environment
	rm -rf _build _grading

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"found Python {v[0]}.{v[1]}, expected 3.11 or later: make PYTHON=python3.11 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $(READY)
