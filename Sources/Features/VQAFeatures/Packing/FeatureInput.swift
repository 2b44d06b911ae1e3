import Archives
import FileSystem
import Foundation
import TextFiles

/// One image's features in a file of many, before they are interpreted.
struct FeatureInputItem: Sendable {
    /// The file, with the entry of an archive or the line of a table where it is one.
    let name: String
    /// How many bytes of it are kept in memory until it is interpreted, or then.
    let byteCount: Int
    /// What is in it.
    enum Content: Sendable {
        /// Features to be interpreted, on any thread.
        case wanted(ImageID, read: @Sendable () throws -> LabelledRegions)
        /// Features of an image that are not needed.
        case unwanted(ImageID)
        /// What is wrong with the name, so that there is no telling of which image the features are.
        case nameless(String)
    }

    let content: Content

    /// The image; nil where the name says none.
    var image: ImageID? {
        switch content {
        case .wanted(let image, _), .unwanted(let image): image
        case .nameless: nil
        }
    }
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

/// Opens what a path names, which its content tells: a folder of `.npz` files, a zip, tar or tar.gz of them, a table of
/// bottom-up-attention features, or a store.
///
/// - Parameter naming: How names say which image features are of.
/// - Throws: `FeatureStoreError` where it is none of these; `ArchiveError` or `DatasetFileError` where it cannot
///   be opened.
func openFeatureInput(_ path: String, _ naming: ImageNaming) throws -> any FeatureInput {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
        throw FeatureStoreError(path: path, expected: "features to pack", found: "no such file or folder")
    }
    if isFolder.boolValue {
        let listing = try FolderListing(features: path)
        guard !listing.names.contains(where: ImageNaming.isFeatureFile),
            StoreConstruction.hasBegun(among: listing.names)
        else { return try FeatureFolderInput(path, listing, naming) }
        guard FeatureStore.isFinished(path) else {
            throw FeatureStoreError(
                path: path, expected: "features to pack",
                found: "a store that is not finished: the command that began it goes on with it")
        }
        return try FeatureStoreInput(path, naming)
    }
    func other(_ found: String) -> FeatureStoreError {
        FeatureStoreError(
            path: path,
            expected: "a folder of .npz files, a store, a .tar.gz, .tar or .zip of them, or a .tsv table",
            found: found
        )
    }
    guard let kind = FileKind(contentsOf: path) else { throw other("something that is no file to be read") }
    switch kind {
    case .empty: return EmptyInput(path)
    case .zip where ZipEntries.has(".npy", in: path):
        throw other("the .npz file of one image: give its folder")
    case .gzip, .tar, .zip: return try FeatureArchiveInput(path, naming)
    case .table: return try FeatureTableInput(path, naming)
    // A first line that is damaged is left out when its turn has come.
    case .text where path.hasSuffix(".tsv"): return try FeatureTableInput(path, naming)
    // One that is cut within its first block.
    case .unknown where path.hasSuffix(".tar"): return try FeatureArchiveInput(path, naming)
    default: throw other("\(kind)")
    }
}

/// A file without a byte, such as a download that never came to anything.
private final class EmptyInput: FeatureInput {
    let byteCount = 0
    let position = 0
    private let path: String

    init(_ path: String) { self.path = path }

    func next(isWanted: (ImageID) -> Bool) throws -> FeatureInputItem? {
        throw FeatureStoreError(path: path, expected: "features to pack", found: "an empty file")
    }
}

/// A folder of `.npz` files, in the order of their names.
private final class FeatureFolderInput: FeatureInput {
    private let files: [(path: String, name: String, byteCount: Int)]
    /// Files whose names are not UTF-8.
    private let invalidNames: [String]
    private let naming: ImageNaming
    private var nextFile = 0
    let byteCount: Int
    private(set) var position = 0

    init(_ folder: String, _ listing: FolderListing, _ naming: ImageNaming) throws {
        files = listing.names.filter(ImageNaming.isFeatureFile).map { name in
            let path = folder + "/" + name
            // One that is not there, such as a link to nowhere, is left out when its turn has come.
            return (path, name, (try? fileByteCount(path)) ?? 0)
        }
        invalidNames = listing.invalidNames.filter(ImageNaming.isFeatureFile).map { folder + "/" + $0 }
        byteCount = files.reduce(0) { $0.addingClamped($1.byteCount) }
        self.naming = naming
    }

    func next(isWanted: (ImageID) -> Bool) -> FeatureInputItem? {
        defer { nextFile += 1 }
        guard nextFile < files.count else {
            guard nextFile - files.count < invalidNames.count else { return nil }
            return FeatureInputItem(
                name: invalidNames[nextFile - files.count], byteCount: 0,
                content: .nameless("expected a name in UTF-8, found other bytes: give the file another name"))
        }
        let (path, name, byteCount) = files[nextFile]
        position = position.addingClamped(byteCount)
        return FeatureInputItem(
            name: path, byteCount: byteCount, fileName: name, naming, isWanted: isWanted
        ) {
            try LabelledRegions(of: NPZFile(path: path))
        }
    }
}

extension FeatureInputItem {
    /// An item whose image its file's name says, and whose features are read where that image is wanted.
    fileprivate init(
        name: String, byteCount: Int, fileName: String, _ naming: ImageNaming,
        isWanted: (ImageID) -> Bool,
        read: @escaping @Sendable () throws -> LabelledRegions
    ) {
        (self.name, self.byteCount) = (name, byteCount)
        if let image = naming.image(fileName: fileName) {
            content = isWanted(image) ? .wanted(image, read: read) : .unwanted(image)
        } else {
            content = .nameless(naming.problem(with: fileName))
        }
    }
}

/// An archive of `.npz` files, unpacked in memory one after the other.
private final class FeatureArchiveInput: FeatureInput {
    /// A hundred regions take less than a megabyte; twice what an array may have.
    private static let largestEntry = 2 * NPZFile.largestArray

    private let path: String
    private let reader: ArchiveReader
    private let naming: ImageNaming
    let byteCount: Int

    init(_ path: String, _ naming: ImageNaming) throws {
        self.path = path
        self.naming = naming
        reader = try ArchiveReader(path: path, keepsWholeEntriesOfCutZip: true)
        byteCount = try fileByteCount(path)
    }

    var position: Int { min(reader.consumedByteCount, byteCount) }

    func next(isWanted: (ImageID) -> Bool) throws -> FeatureInputItem? {
        while let entry = try reader.nextEntry() {
            let fileName = entry.path.pathParts.last ?? ""
            guard entry.isRegularFile, ImageNaming.isFeatureFile(fileName),
                !FolderListing.isHidden(entry.path)
            else { continue }
            let name = "\(path): \(entry.path)"
            var contents: Result<[UInt8], ArchiveError> = .success([])
            if let image = naming.image(fileName: fileName), isWanted(image) { contents = try readEntry() }
            return FeatureInputItem(
                name: name, byteCount: (try? contents.get().count) ?? 0, fileName: fileName, naming,
                isWanted: isWanted
            ) {
                [contents] in
                try LabelledRegions(of: NPZFile(bytes: contents.get(), name: name))
            }
        }
        return nil
    }

    /// The contents of an entry; an error where it is too large, for what follows it can still be read.
    private func readEntry() throws -> Result<[UInt8], ArchiveError> {
        do {
            return .success(try reader.readContents(byteLimit: Self.largestEntry))
        } catch let error as ArchiveError {
            guard case .entryTooLarge = error.reason else { throw error }
            return .failure(error)
        }
    }
}

/// A table of bottom-up-attention features.
private final class FeatureTableInput: FeatureInput {
    /// A hundred regions, 2048 wide, take 1.1 MB.
    private static let longestLine = 16 << 20

    private let file: URL
    private let reader: LineReader
    private let naming: ImageNaming
    let byteCount: Int
    private(set) var position = 0
    private var previous: BottomUpAttentionRow?

    init(_ path: String, _ naming: ImageNaming) throws {
        self.naming = naming
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
            return FeatureInputItem(
                name: name, byteCount: text.count, fileName: row.imageName, naming, isWanted: isWanted
            ) {
                try LabelledRegions(regions: row.features())
            }
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
            guard naming.image(fileName: row.imageName) != nil else {
                throw reader.failure(naming.problem(with: row.imageName))
            }
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
