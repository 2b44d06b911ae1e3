PREFIX = /usr/local

.PHONY: setup build server install uninstall dist wheel docs
.PHONY: test test-packages test-install test-install-torch test-serving fuzz sanitize kill-campaign
.PHONY: demo serve bench lint format

setup:
	scripts/setup

# What the main job needs. The server, whose own packages take as long to build again, has a line of its own.
build: setup
	swift build -c release --product rwsan
	swift build -c release --product CTorchCUDA

server: setup
	swift build -c release --product rwsan-server

# What `make build`, and `make server`, have built, with all that it loads, manual pages and completions: PREFIX=/usr/local, and
# DESTDIR for who makes a package.
install:
	DESTDIR="$(DESTDIR)" scripts/install --prefix "$(PREFIX)"

uninstall:
	DESTDIR="$(DESTDIR)" scripts/install --uninstall --prefix "$(PREFIX)"

# A .tar.gz that runs without Swift and without Python, and a wheel for pip, in .build/packages. SERVER=1 puts the server in,
# which takes as long to build again. docs/installing.md says more.
dist: setup
	python3 scripts/distribution/make_dist.py $(if $(SERVER),--server)

wheel: setup
	python3 scripts/distribution/make_wheel.py $(if $(SERVER),--server)

test: setup
	swift build --build-tests
	python3 -m unittest discover -s Tests/SetupTests
	python3 -m unittest discover -s Tests/InstallTests -p test_command.py
	python3 -m unittest discover -s Tests/BenchmarkTests
	swift test --skip-build

# Packages that depend on this one, built by URL and version: the whole package once more.
test-packages: setup
	python3 -m unittest discover -s Tests/PackageTests

# What make dist packs, in a Debian that has neither Swift nor Python, and the command of what make wheel makes, in an empty
# environment of Python: a build of their own.
test-install: setup
	python3 -m unittest discover -s Tests/InstallTests -p test_dist.py
	python3 -m unittest discover -s Tests/InstallTests -p test_wheel.py

# Before a release, besides: the wheel with the torch that pip brings, a download of 3 GB.
test-install-torch: setup
	python3 -m unittest discover -s Tests/InstallTests -p test_wheel_with_pip.py

# The built server against its own document and against what is broken, and its page in a browser: with what
# scripts/setup --server-tests installs, else what lacks it is skipped.
test-serving:
	scripts/test-serving

# Mutated files for the readers of files, with libFuzzer: all of them, or READER. docs/reliability.md says more.
fuzz: setup
	scripts/fuzz $(or $(SECONDS),5) $(READER)

# The tests with the sanitizers: both kinds, or SANITIZER=address, SANITIZER=thread. docs/reliability.md says more.
sanitize: setup
	scripts/sanitize $(SANITIZER)

# Commands ended at random moments and gone on with, compared byte by byte with undisturbed ones: KILLS=100 of each kind.
kill-campaign:
	scripts/kill-campaign --kills $(or $(KILLS),100)

demo: build
	scripts/demo

# Serves the demo's model, whose training `make demo` must have ended: PORT=8080.
serve: server
	scripts/serve $(or $(PORT),8080)

# The peers need torch 2.11.0 and numpy in python3, or in RWSAN_PYTHON. BENCH holds options: BENCH="--only training".
bench: setup
	swift build -c release
	Benchmarks/bench $(BENCH)

# The pages of the public modules, by DocC.
docs: setup
	scripts/docs

lint:
	swift format lint --strict --configuration .swift-format -r Sources Tests Benchmarks

format:
	swift format --in-place --configuration .swift-format -r Sources Tests Benchmarks
