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
        /// A folder of pictures that cannot be listed.
        case unreadableFolder(String)
    }

    /// The path of the picture or folder; bytes that are no UTF-8 as `\xE9`.
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
        case .unreadableFolder(let reason): "\(path): cannot list the folder: \(reason)"
        }
    }
}

/// The pictures in a folder and in the folders in it.
struct PictureSearch {
    /// The paths below the folder of all that are to be read, in alphabetical order. The names alone are unique.
    private(set) var pictures: [String] = []
    /// What is left out for its name.
    private(set) var leftOut: [LeftOutPicture] = []

    private let root: String
    /// Links may lead in circles.
    private var visited: Set<FolderIdentity> = []
    /// Pictures in formats that can be read, and those in others, which are said to be so where they are read.
    private var found: (readable: [String], others: [String]) = ([], [])

    private struct FolderIdentity: Hashable {
        let device: UInt64
        let inode: UInt64
    }

    /// Looks for pictures.
    ///
    /// - Parameter naming: How names say which image a picture is.
    /// - Throws: `FeatureExtractionError` where the folder cannot be listed or there is nothing in it.
    init(_ folder: String, _ naming: ImageNaming) throws {
        let listing = try FolderListing(pictures: folder)
        root = folder
        _ = visit(folder)
        search(in: "", listing)
        choose(naming)
        guard !pictures.isEmpty || !leftOut.isEmpty else { throw FeatureExtractionError.noPictures(folder) }
    }

    /// Goes through a folder, whose path below the root is empty or ends in a slash.
    private mutating func search(in folder: String, _ listing: FolderListing) {
        leftOut += listing.visibleInvalidNames.map { invalid(folder + $0) }
        for name in listing.visibleNames {
            guard let isFirstVisit = visit("\(root)/\(folder)\(name)") else {
                add(folder + name, name)
                continue
            }
            guard isFirstVisit else { continue }
            do throws(FolderListingError) {
                search(in: folder + name + "/", try FolderListing("\(root)/\(folder)\(name)"))
            } catch {
                leftOut.append(LeftOutPicture(path: error.path, reason: .unreadableFolder(error.reason)))
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

    private func invalid(_ path: String) -> LeftOutPicture {
        LeftOutPicture(path: "\(root)/\(path)", reason: .invalidName)
    }

    /// Notes a file where it is a picture, which its name or its content says.
    private mutating func add(_ path: String, _ name: String) {
        guard !ImageNaming.isFeatureFile(name) else { return }
        let kind = FileKind(contentsOf: "\(root)/\(path)")
        if kind.flatMap({ PictureFormat($0) }) != nil {
            found.readable.append(path)
        } else if kind?.isPicture == true || ImageNaming.isPictureFile(name) {
            found.others.append(path)
        }
    }

    /// Takes the first picture of each image.
    private mutating func choose(_ naming: ImageNaming) {
        var firsts: [String: String] = [:]
        for path in found.readable.sorted() {
            let name = path.split(separator: "/").last.map(String.init) ?? path
            guard let image = naming.key(fileName: name) else {
                leftOut.append(
                    LeftOutPicture(
                        path: "\(root)/\(path)", reason: .uncertainName(naming.problem(with: name))))
                continue
            }
            if let first = firsts[image] {
                leftOut.append(
                    LeftOutPicture(path: "\(root)/\(path)", reason: .sameImage(as: "\(root)/\(first)")))
                continue
            }
            firsts[image] = path
            pictures.append(path)
        }
        pictures = (pictures + found.others).sorted()
        leftOut.sort { $0.path < $1.path }
    }
}

extension FolderListing {
    /// Lists the folder that pictures are looked for in.
    ///
    /// - Throws: `FeatureExtractionError` where the system refuses.
    fileprivate init(pictures folder: String) throws {
        do {
            try self.init(folder)
        } catch {
            throw FeatureExtractionError.unusableFolder(folder, reason: error.reason)
        }
    }
}
