import Foundation

/// The path of a file under Tests/Fixtures.
func fixturePath(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../Fixtures/\(name)").standardizedFileURL.path
}

/// Calls `body` with an empty folder that is removed afterwards.
func withTemporaryFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
}

/// Calls `body` with the path of a file that holds these bytes.
func withTemporaryFile<Result>(_ bytes: some Sequence<UInt8>, _ body: (String) throws -> Result) throws
    -> Result
{
    try withTemporaryFolder { folder in
        let file = folder.appendingPathComponent("file")
        try Data(bytes).write(to: file)
        return try body(file.path)
    }
}

/// The bytes of an integer, little-endian.
func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
}
