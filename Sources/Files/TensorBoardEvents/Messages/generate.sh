#!/usr/bin/env bash
# Makes the Swift of the messages beside this: with protoc (Debian: protobuf-compiler) and protoc-gen-swift, which
# `swift build --product protoc-gen-swift` makes in a package that depends on swift-protobuf 1.39.0.
#
#   PROTOC_GEN_SWIFT=path/to/protoc-gen-swift Sources/Files/TensorBoardEvents/Messages/generate.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
protoc --plugin=protoc-gen-swift="${PROTOC_GEN_SWIFT:?names protoc-gen-swift}" --swift_out=. \
    --swift_opt=Visibility=Internal ./*.proto
