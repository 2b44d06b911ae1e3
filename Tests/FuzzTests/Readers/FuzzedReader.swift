import Foundation
import TestSupport

/// A reader of files from elsewhere, as something that bytes can be given to: a value or an error of its own comes out.
struct FuzzedReader: Sendable {
    /// The name, as `make fuzz READER=` takes it.
    let name: String
    /// How many bytes an input may have: more would only take longer.
    var maximumByteCount = 16 << 10
    /// Good inputs to begin with.
    let seeds: @Sendable () throws -> [[UInt8]]
    /// Reads an input to its end, and what came of it too.
    let read: @Sendable (_ bytes: [UInt8], _ place: Workplace) throws -> Void

    /// All readers, in the order in which they are fuzzed.
    static let all: [FuzzedReader] =
        tensorReaders + modelReaders + detectorReaders + archiveReaders + featureReaders + datasetReaders
        + settingsReaders + pictureReaders + cacheReaders + requestReaders

    /// Reads an input.
    ///
    /// - Returns: What is wrong with the reader, in one line; nil where it gave a value or an error of its own.
    func problem(with bytes: [UInt8], in place: Workplace) -> String? {
        do {
            try read(bytes, place)
            return nil
        } catch {
            let type = String(reflecting: Swift.type(of: error))
            let isForeign = ["Foundation", "FoundationEssentials", "Swift", "Yams", "__C"].contains {
                type.hasPrefix($0 + ".")
            }
            // Making the text is part of what is tried.
            let text = "\(error)"
            return isForeign ? "\(name): expected an error of the package's own, found \(type): \(text)" : nil
        }
    }

    /// The seeds, none longer than an input may be.
    func shortSeeds() throws -> [[UInt8]] { try seeds().map { Array($0.prefix(maximumByteCount)) } }
}

/// A folder for the files that a reader is given.
final class Workplace: Sendable {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// The path of the folder.
    var path: String { folder.path }

    /// Writes a file over what had its name, and gives its path.
    func write(_ bytes: [UInt8], as name: String = "input") throws -> String {
        let path = folder.path + "/" + name
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw WorkplaceError(path: path) }
        defer { close(descriptor) }
        // On a file system that is memory, one call writes all.
        let count = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
        guard count == bytes.count else { throw WorkplaceError(path: path) }
        return path
    }

    /// The path of a file that is made when it is first asked for.
    func made(_ name: String, _ make: (_ path: String) throws -> Void) throws -> String {
        let path = folder.path + "/" + name
        if access(path, F_OK) != 0 { try make(path) }
        return path
    }
}

/// A file that cannot be written to the folder for tests.
struct WorkplaceError: Error {
    let path: String
}

/// The bytes of a fixture.
func fixture(_ path: String) throws -> [UInt8] { try [UInt8](Data(contentsOf: Fixtures.url(path))) }
