# The front door. CMake does the work; everything lands in build/<preset>/.
JOBS   ?= $(shell nproc 2>/dev/null || echo 2)
PREFIX ?= /usr/local
BUDGET ?= 400
KILLS  ?= 200
RUNS   ?= 1000

.PHONY: all help test run bench failover sync install tsan fuzz soak torture torture-pair mutants model coverage clang debug docs format lint clean fresh-machine

all: ## build the release programs into build/release/bin/
	cmake --preset release -DCMAKE_INSTALL_PREFIX=$(PREFIX) >/dev/null
	cmake --build --preset release -j $(JOBS)

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

test: ## everything scripts/test runs: unit, style, integration, simulator, fuzzing, threads
	scripts/test

run: ## build, start a small cluster and show it working
	scripts/run

bench: all ## build the drivers and measure; the table also goes to build/bench/results.json
	cmake --build --preset release -j $(JOBS) --target bench_programs
	python3 tests/bench/run.py $(addprefix --only ,$(firstword $(filter failover sync,$(MAKECMDGOALS)))) $(if $(TRIALS),--trials $(TRIALS))

# Words that go with bench.
failover: bench ## make bench failover: how long clients wait when a master is lost, beside others; TRIALS=100
	@:

sync: bench ## make bench sync: what it costs to keep everything on two disks
	@:

install: all ## install under PREFIX (default /usr/local), staged in DESTDIR if given
	DESTDIR=$(DESTDIR) cmake --install build/release

debug: ## build with ASan and UBSan, tests included
	cmake --preset debug >/dev/null
	cmake --build --preset debug -j $(JOBS)

tsan: ## the thread tests under TSan
	cmake --preset tsan >/dev/null
	cmake --build --preset tsan -j $(JOBS)
	ctest --preset tsan -L thread -j $(JOBS)

fuzz: ## a minute of fuzzing (clang)
	cmake --preset fuzz >/dev/null
	cmake --build --preset fuzz -j $(JOBS)
	ctest --preset fuzz -L fuzz -j $(JOBS)

clang: ## build everything with clang, warnings are errors
	cmake --preset clang >/dev/null
	cmake --build --preset clang -j $(JOBS)

soak: ## every simulator, optimised, for BUDGET seconds, with seeds from FIRST on: make soak BUDGET=3600
	cmake --preset release >/dev/null
	cmake --build --preset release -j $(JOBS) --target ms-sim ms-council-sim ms-log-sim
	scripts/soak $(BUDGET) $(FIRST)

torture: ## kill -9 of a durable master under load, until BUDGET seconds or KILLS kills: make torture BUDGET=60 SEED=7
	cmake --preset debug >/dev/null
	cmake --build --preset debug -j $(JOBS) --target muster-master muster-slave muster torture_client torture_handler
	python3 tests/integration/torture/torture.py --bin build/debug/bin --seconds $(BUDGET) --kills $(KILLS) \
		--verify $(if $(SEED),--seed $(SEED))

torture-pair: ## faults of a pair of masters under load, until BUDGET seconds or RUNS faults: make torture-pair BUDGET=60 SEED=7
	cmake --preset debug >/dev/null
	cmake --build --preset debug -j $(JOBS) --target muster-master muster-slave muster torture_client torture_handler \
		fault_proxy torture_sync_fails
	python3 tests/integration/torture/torture.py --pair --bin build/debug/bin --seconds $(BUDGET) --runs $(RUNS) \
		$(if $(SEED),--seed $(SEED))

mutants: debug ## plant each fault of tests/sim/canaries.cmake; fails if the simulator misses one
	ctest --preset debug -L mutants -j $(JOBS)

model: ## search the model of the pair for errors (needs spin); the long runs with three witnesses: make model K=3
	python3 -B tests/model/check.py $(if $(K),-k $(K)) --jobs $(JOBS)

coverage: ## unit tests with gcov counters in build/coverage
	cmake --preset coverage >/dev/null
	cmake --build --preset coverage -j $(JOBS)
	ctest --preset coverage -L unit -j $(JOBS)

docs: all ## print the pages of docs/ that come from tables in the code
	cmake --build --preset release --target ms-states
	build/release/tests/ms-states >docs/states.md
	scripts/manual >docs/options.md

format: ## let clang-format decide
	git ls-files -co --exclude-standard '*.c' '*.h' | xargs -r $(or $(shell command -v clang-format-14),clang-format) -i

lint: debug ## clang-tidy over every translation unit of ours
	git ls-files -co --exclude-standard '*.c' ':!tests/bench' | xargs -r clang-tidy --quiet -p build/debug

fresh-machine: ## show that a minimal Debian can install, build and configure (needs root and debootstrap)
	scripts/fresh-machine

clean: ## remove build/
	rm -rf build
