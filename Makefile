.PHONY: setup build test demo lint format

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

lint:
	swift format lint --strict --configuration .swift-format -r Sources Tests

format:
	swift format --in-place --configuration .swift-format -r Sources Tests
