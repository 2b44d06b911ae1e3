import CFuzzer
import Foundation

// Fuzz names                      the readers, one a line
// Fuzz seeds READER FOLDER        writes good inputs to a folder
// Fuzz try READER FILE            what the reader says of an input
// Fuzz READER [libFuzzer's arguments]

/// The reader that the command line names, and where it works.
private enum Chosen {
    static let reader = FuzzedReader.all.first { $0.name == CommandLine.arguments.dropFirst().first }
    static let place = Result { try Workplace() }
}

private func stop(_ text: String) -> Never {
    FileHandle.standardError.write(Data((text + "\n").utf8))
    exit(2)
}

private func writeSeeds(of name: String, to folder: String) throws {
    guard let reader = FuzzedReader.all.first(where: { $0.name == name }) else { stop("no reader \(name)") }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for (number, seed) in try reader.shortSeeds().enumerated() {
        try Data(seed).write(to: URL(fileURLWithPath: folder + "/seed-\(number)"))
    }
}

private func tell(_ name: String, of path: String) throws {
    guard let reader = FuzzedReader.all.first(where: { $0.name == name }) else { stop("no reader \(name)") }
    do {
        try reader.read([UInt8](Data(contentsOf: URL(fileURLWithPath: path))), Workplace())
        print("a value")
    } catch {
        print("\(type(of: error)): \(error)")
    }
}

let arguments = CommandLine.arguments.dropFirst()
switch arguments.first {
case "names": for reader in FuzzedReader.all { print(reader.name, reader.maximumByteCount) }
case "seeds" where arguments.count == 3: try writeSeeds(of: arguments[2], to: arguments[3])
case "try" where arguments.count == 3: try tell(arguments[2], of: arguments[3])
default:
    guard Chosen.reader != nil else {
        stop("expected one of the readers \(FuzzedReader.all.map(\.name).joined(separator: ", "))")
    }
    // libFuzzer takes the name for its own, as it does the program's.
    var count = CommandLine.argc - 1
    var values: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv + 1
    exit(
        LLVMFuzzerRunDriver(&count, &values) { data, size in
            guard let reader = Chosen.reader, case .success(let place) = Chosen.place else {
                stop("no folder to work in")
            }
            let bytes = Array(UnsafeBufferPointer(start: data, count: size))
            // libFuzzer keeps the input as of any other crash.
            if let problem = reader.problem(with: bytes, in: place) { fatalError(problem) }
            return 0
        })
}
