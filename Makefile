.PHONY: setup build test demo bench lint format

setup:
	scripts/setup

build: setup
	swift build -c release

test: setup
	swift build --build-tests
	python3 -m unittest discover -s Tests/SetupTests
	swift test --skip-build

demo: build
	scripts/demo

# Needs a python3 with torch 2.11.0 and numpy.
bench: build
	python3 Benchmarks/compare

lint:
	swift format lint --strict --configuration .swift-format -r Sources Tests Benchmarks

format:
	swift format --in-place --configuration .swift-format -r Sources Tests Benchmarks
