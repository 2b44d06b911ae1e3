import Archives
import Foundation
import TextFiles

/// One image's features in a file of many, before they are interpreted.
struct FeatureInputItem: Sendable {
    /// The file, with the entry of an archive or the line of a table where it is one.
    let name: String
    /// The image; nil where the name says none.
    let image: ImageID?
    /// Interprets the features; nil where they are not wanted. Runs on any thread.
    let read: (@Sendable () throws -> RegionFeatures)?
}

/// Files of features that are read front to back.
protocol FeatureInput: AnyObject {
    /// How many bytes there are to read, for progress.
    var byteCount: Int { get }
    /// How many of them have been read.
    var position: Int { get }

    /// The next image; nil after the last.
    ///
    /// - Parameter isWanted: Whether the features of an image are needed. Where they are not, the item comes
    ///   without them, and with as little work as can be.
    /// - Throws: Where nothing more can be read.
    func next(isWanted: (ImageID) -> Bool) throws -> FeatureInputItem?
}

/// Opens what a path names: a folder of `.npz` files, a `.tar.gz`, `.tgz` or `.tar` of them, or a `.tsv` table.
///
/// - Throws: `FeatureStoreError` where it is none of these; `ArchiveError` or `DatasetFileError` where it cannot
///   be opened.
func openFeatureInput(_ path: String) throws -> any FeatureInput {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
        throw FeatureStoreError(path: path, expected: "features to pack", found: "no such file or folder")
    }
    if isFolder.boolValue { return try FeatureFolderInput(path) }
    if [".tar.gz", ".tgz", ".tar"].contains(where: path.hasSuffix) { return try FeatureArchiveInput(path) }
    if path.hasSuffix(".tsv") { return try FeatureTableInput(path) }
    throw FeatureStoreError(
        path: path, expected: "a folder of .npz files, a .tar.gz of them, or a .tsv table",
        found: "another kind of file")
}

/// A folder of `.npz` files, in the order of their names.
private final class FeatureFolderInput: FeatureInput {
    private let files: [(path: String, image: ImageID?, byteCount: Int)]
    private var nextFile = 0
    let byteCount: Int
    private(set) var position = 0

    init(_ folder: String) throws {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch {
            throw FeatureFolderError.unreadableFolder(folder, reason: error.localizedDescription)
        }
        files = names.filter { $0.hasSuffix(".npz") }.sorted().map { name in
            let path = folder + "/" + name
            // One that is not there, such as a link to nowhere, is left out when its turn has come.
            return (path, FeatureFolder.imageID(fileName: name), (try? fileByteCount(path)) ?? 0)
        }
        byteCount = files.reduce(0) { $0 + $1.byteCount }
    }

    func next(isWanted: (ImageID) -> Bool) -> FeatureInputItem? {
        guard nextFile < files.count else { return nil }
        let file = files[nextFile]
        nextFile += 1
        position += file.byteCount
        guard let image = file.image, isWanted(image) else {
            return FeatureInputItem(name: file.path, image: file.image, read: nil)
        }
        return FeatureInputItem(name: file.path, image: image) {
            try RegionFeatures(officialFile: file.path)
        }
    }
}

/// An archive of `.npz` files, unpacked in memory one after the other.
private final class FeatureArchiveInput: FeatureInput {
    /// A hundred regions take less than a megabyte.
    private static let largestEntry = 256 << 20

    private let path: String
    private let reader: ArchiveReader
    let byteCount: Int

    init(_ path: String) throws {
        self.path = path
        reader = try ArchiveReader(path: path)
        byteCount = try fileByteCount(path)
    }

    var position: Int { min(reader.consumedByteCount, byteCount) }

    func next(isWanted: (ImageID) -> Bool) throws -> FeatureInputItem? {
        while let entry = try reader.nextEntry() {
            guard entry.isRegularFile, entry.path.hasSuffix(".npz") else { continue }
            let name = "\(path): \(entry.path)"
            let fileName = entry.path.split(separator: "/").last.map(String.init) ?? ""
            guard let image = FeatureFolder.imageID(fileName: fileName) else {
                return FeatureInputItem(name: name, image: nil, read: nil)
            }
            guard isWanted(image) else { return FeatureInputItem(name: name, image: image, read: nil) }
            do {
                let bytes = try reader.readContents(byteLimit: Self.largestEntry)
                return FeatureInputItem(name: name, image: image) {
                    try RegionFeatures(official: NPZFile(bytes: bytes, name: name))
                }
            } catch let error as ArchiveError {
                // What follows an entry that is too large can still be read.
                guard case .entryTooLarge = error.reason else { throw error }
                return FeatureInputItem(name: name, image: image) { throw error }
            }
        }
        return nil
    }
}

/// A table of bottom-up-attention features.
private final class FeatureTableInput: FeatureInput {
    /// A hundred regions, 2048 wide, take 1.1 MB.
    private static let longestLine = 16 << 20

    private let file: URL
    private let reader: LineReader
    let byteCount: Int
    private(set) var position = 0
    private var previous: BottomUpAttentionRow?

    init(_ path: String) throws {
        file = URL(fileURLWithPath: path)
        reader = try LineReader(file, longestLine: Self.longestLine)
        byteCount = try fileByteCount(path)
    }

    func next(isWanted: (ImageID) -> Bool) throws -> FeatureInputItem? {
        while let text = try reader.next() {
            position = min(position + text.count + 1, byteCount)
            guard !text.isEmpty else { continue }
            let row = BottomUpAttentionRow(Array(text), file: file, line: reader.lineNumber)
            if !reader.hasLineEnd { try checkLast(row) }
            previous = row
            let name = "\(file.path), line \(reader.lineNumber)"
            guard let image = row.image, isWanted(image) else {
                return FeatureInputItem(name: name, image: row.image, read: nil)
            }
            return FeatureInputItem(name: name, image: image) { try row.features() }
        }
        return nil
    }

    /// Whether the last line, which no line feed ends, is a whole row.
    ///
    /// - Throws: `DatasetFileError` where the file may be cut in it: it is no row, or one of fewer numbers a
    ///   region than the row before.
    private func checkLast(_ row: BottomUpAttentionRow) throws {
        do {
            let width = try row.features().width
            guard row.image != nil else { throw reader.failure("expected an image's number, found none") }
            if let previous = try? previous?.features(), previous.width != width {
                throw reader.failure("expected features \(previous.width) wide, found \(width)")
            }
        } catch let error as DatasetFileError {
            throw reader.failure("the file ends within the line: \(error.problem)")
        } catch {
            throw reader.failure("the file ends within the line: \(error)")
        }
    }
}
