import Foundation

/// The SHA-256 of bytes in hexadecimal digits, as `sha256sum` says it.
public func sha256(_ bytes: [UInt8]) throws -> String {
    let folder = try TemporaryFolder()
    defer { withExtendedLifetime(folder) {} }
    let input = try FileHandle(forReadingFrom: URL(fileURLWithPath: folder.write("bytes", bytes)))
    let (program, output) = (Process(), Pipe())
    program.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    program.arguments = ["sha256sum"]
    (program.standardInput, program.standardOutput) = (input, output)
    try program.run()
    let text = try output.fileHandleForReading.readToEnd() ?? Data()
    program.waitUntilExit()
    return String(decoding: text.prefix(64), as: UTF8.self)
}
