import Archives
import FileSystem
import Foundation
import VQAFeatures

/// A picture that no features are made of though it may be whole, and why.
public struct LeftOutPicture: Sendable, Equatable, CustomStringConvertible {
    /// The reasons.
    public enum Reason: Sendable, Equatable {
        /// Its name does not say for certain which image it is; what was expected and found.
        case uncertainName(String)
        /// An earlier picture, whose path this is, is of the same image.
        case sameImage(as: String)
        /// Its name, or that of a folder, is not UTF-8.
        case invalidName
        /// An entry of an archive that stands for another one.
        case link
        /// A folder of pictures that cannot be listed.
        case unreadableFolder(String)
    }

    /// The path of the picture or folder, in an archive `ARCHIVE!/ENTRY`; bytes that are no UTF-8 as `\xE9`.
    public let path: String
    /// Why it is left out.
    public let reason: Reason

    /// One line for the user.
    public var description: String {
        switch reason {
        case .uncertainName(let problem): "\(path): \(problem)"
        case .sameImage(let first):
            "\(path): expected one picture of each image, found \(first) too, which counts"
        case .invalidName: "\(path): expected a name in UTF-8, found other bytes: give it another name"
        case .link:
            "\(path): expected a picture, found a link to one: archive the pictures with what links lead to"
        case .unreadableFolder(let reason): "\(path): cannot list the folder: \(reason)"
        }
    }
}

/// The pictures in folders, in the folders in them, and in archives.
struct PictureSearch {
    /// All that are to be read, in the order of the names that their features get. The names are unique.
    private(set) var pictures: [FoundPicture] = []
    /// What is left out for its name.
    private(set) var leftOut: [LeftOutPicture] = []

    /// Looks for pictures.
    ///
    /// - Parameters:
    ///   - places: The paths of folders and archives, which content tells apart.
    ///   - naming: How names say which image a picture is.
    /// - Throws: `FeatureExtractionError` where one cannot be read, or has nothing in it; `ArchiveError` where an archive is
    ///   damaged or cut short.
    init(_ places: [String], _ naming: ImageNaming) throws {
        let all = try places.map(PicturesOfPlace.init(_:))
        choose(all, naming)
        pictures += all.flatMap(\.others)
        // As a folder of their features is listed, so that a store of them has them in the same order.
        pictures.sort(by: FoundPicture.areInOrder)
        leftOut += all.flatMap(\.leftOut)
        leftOut.sort { $0.path < $1.path }
    }

    /// Takes the first picture of each image.
    private mutating func choose(_ all: [PicturesOfPlace], _ naming: ImageNaming) {
        var firsts: [String: String] = [:]
        for picture in all.flatMap({ $0.readable.sorted { $0.path < $1.path } }) {
            func leaveOut(_ reason: LeftOutPicture.Reason) {
                leftOut.append(LeftOutPicture(path: picture.path, reason: reason))
            }
            guard let image = naming.key(fileName: picture.name) else {
                leaveOut(.uncertainName(naming.problem(with: picture.name)))
                continue
            }
            guard picture.name.utf8.count <= FoundPicture.longestName else {
                leaveOut(
                    .uncertainName(
                        "expected a name of at most \(FoundPicture.longestName) bytes, found one of "
                            + "\(picture.name.utf8.count)"))
                continue
            }
            if let first = firsts[image] {
                leaveOut(.sameImage(as: first))
                continue
            }
            firsts[image] = picture.path
            pictures.append(picture)
        }
    }
}

/// The pictures that lie in one place, and what is left out there for its name.
struct PicturesOfPlace {
    /// Those in formats that can be read.
    var readable: [FoundPicture] = []
    /// Those in others, which are said to be so where they are read.
    var others: [FoundPicture] = []
    var leftOut: [LeftOutPicture] = []

    /// Looks for pictures in a folder or an archive.
    ///
    /// - Throws: As `PictureSearch`'s initializer.
    init(_ place: String) throws {
        var status = stat()
        guard stat(place, &status) == 0 else {
            throw FeatureExtractionError.unusableFolder(place, reason: String(cString: strerror(errno)))
        }
        if status.st_mode & S_IFMT == S_IFDIR {
            try self.init(folder: place)
        } else {
            switch FileKind(contentsOf: place) {
            case .zip, .tar, .gzip: try self.init(archive: place)
            // One that is cut within its first block.
            case .unknown where place.hasSuffix(".tar"): try self.init(archive: place)
            case let kind:
                throw FeatureExtractionError.neitherFolderNorArchive(
                    place, found: kind.map { "\($0)" } ?? "something that is no file to be read")
            }
        }
        guard !readable.isEmpty || !others.isEmpty || !leftOut.isEmpty else {
            throw FeatureExtractionError.noPictures(place)
        }
    }

    /// Looks for pictures in a folder, in which there may be none.
    ///
    /// - Throws: `FeatureExtractionError` where it cannot be listed.
    init(folder: String) throws {
        var walk = try FolderWalk(folder)
        walk.search()
        self = walk.found
    }

    /// Without pictures.
    init() {}

    private init(archive path: String) throws {
        // Of each entry that is kept, whether it can be read; nil where its name is none.
        var areReadable: [Bool?] = []
        let archive = try IndexedArchive(path: path, startByteCount: FileKind.prefixByteCount) {
            entry, start in
            let name = entry.pathParts.last ?? ""
            guard !name.isEmpty, !FolderListing.isHidden(entry), !ImageNaming.isFeatureFile(name) else {
                return false
            }
            // What stands for bytes that are none of UTF-8.
            guard !entry.unicodeScalars.contains("\u{FFFD}") else {
                areReadable.append(nil)
                return true
            }
            guard let isReadable = Self.isReadable(start().map(FileKind.init(startingWith:)), name: name)
            else {
                return false
            }
            areReadable.append(isReadable)
            return true
        }
        for link in archive.links
        where !FolderListing.isHidden(link) && ImageNaming.isPictureFile(link.pathName) {
            leftOut.append(LeftOutPicture(path: "\(path)!/\(link)", reason: .link))
        }
        for (entry, isReadable) in zip(archive.entries, areReadable) {
            let picture = FoundPicture(entry, of: archive)
            switch isReadable {
            case true?: readable.append(picture)
            case false?: others.append(picture)
            case nil: leftOut.append(LeftOutPicture(path: picture.path, reason: .invalidName))
            }
        }
        guard !readable.isEmpty || !archive.entries.contains(where: \.isEncrypted) else {
            throw FeatureExtractionError.encrypted(path)
        }
    }

    /// Whether a file is a picture of a format that can be read; nil where it is none, which its name and its content say.
    static func isReadable(_ kind: FileKind?, name: String) -> Bool? {
        if kind.flatMap({ PictureFormat($0) }) != nil { return true }
        return kind?.isPicture == true || ImageNaming.isPictureFile(name) ? false : nil
    }
}

/// Goes through a folder and the folders in it.
private struct FolderWalk {
    private(set) var found = PicturesOfPlace()
    private let root: String
    private let listing: FolderListing
    /// Links may lead in circles.
    private var visited: Set<FolderIdentity> = []

    private struct FolderIdentity: Hashable {
        let device: UInt64
        let inode: UInt64
    }

    /// - Throws: `FeatureExtractionError` where the folder cannot be listed.
    init(_ folder: String) throws {
        do {
            listing = try FolderListing(folder)
        } catch {
            throw FeatureExtractionError.unusableFolder(folder, reason: error.reason)
        }
        root = folder
    }

    mutating func search() {
        _ = visit(root)
        search(in: root + "/", listing)
    }

    /// Goes through a folder, whose path ends in a slash.
    private mutating func search(in folder: String, _ listing: FolderListing) {
        found.leftOut += listing.visibleInvalidNames.map {
            LeftOutPicture(path: folder + $0, reason: .invalidName)
        }
        for name in listing.visibleNames {
            guard let isFirstVisit = visit(folder + name) else {
                add(folder + name, name)
                continue
            }
            guard isFirstVisit else { continue }
            do throws(FolderListingError) {
                search(in: folder + name + "/", try FolderListing(folder + name))
            } catch {
                found.leftOut.append(
                    LeftOutPicture(path: error.path, reason: .unreadableFolder(error.reason)))
            }
        }
    }

    /// Notes a folder, and says whether it is the first time; nil where there is no folder.
    private mutating func visit(_ path: String) -> Bool? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return nil }
        let identity = FolderIdentity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        return visited.insert(identity).inserted
    }

    /// Notes a file where it is a picture, which its name or its content says.
    private mutating func add(_ path: String, _ name: String) {
        guard !ImageNaming.isFeatureFile(name),
            let isReadable = PicturesOfPlace.isReadable(FileKind(contentsOf: path), name: name)
        else { return }
        let picture = FoundPicture(path: path)
        isReadable ? found.readable.append(picture) : found.others.append(picture)
    }
}
