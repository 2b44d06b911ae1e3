import FileSystem
import Foundation
import VQAFeatures

/// The pictures in a folder and in the folders in it, told by their content.
package struct PictureListing: Sendable {
    /// The paths below the folder of pictures in formats that can be read, in alphabetical order.
    package private(set) var readable: [String] = []
    /// The paths of pictures in other formats, and of files that have the names of pictures, in alphabetical order.
    package private(set) var others: [String] = []
    /// What cannot be opened for its name, or listed.
    package private(set) var leftOut: [LeftOutPicture] = []

    private let root: String
    /// Links may lead in circles.
    private var visited: Set<FolderIdentity> = []

    private struct FolderIdentity: Hashable {
        let device: UInt64
        let inode: UInt64
    }

    /// Looks for pictures. Hidden files are passed over.
    ///
    /// - Throws: `FeatureExtractionError` where the folder cannot be listed.
    package init(_ folder: String) throws {
        let listing: FolderListing
        do {
            listing = try FolderListing(folder)
        } catch {
            throw FeatureExtractionError.unusableFolder(folder, reason: error.reason)
        }
        root = folder
        _ = visit(folder)
        search(in: "", listing)
        readable.sort()
        others.sort()
    }

    /// The file extension of a picture's name, in small letters; of a name without one, that of its format.
    package func fileExtension(of path: String) -> String {
        let ending = path.split(separator: "/").last?.split(separator: ".").last.map { $0.lowercased() }
        if let ending, ImageNaming.isPictureFile(path) { return ending }
        let format = FileKind(contentsOf: "\(root)/\(path)").flatMap { PictureFormat($0) }
        return format?.rawValue.lowercased() ?? "png"
    }

    /// Goes through a folder, whose path below the root is empty or ends in a slash.
    private mutating func search(in folder: String, _ listing: FolderListing) {
        leftOut += listing.visibleInvalidNames.map {
            LeftOutPicture(path: "\(root)/\(folder)\($0)", reason: .invalidName)
        }
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

    /// Notes a file where it is a picture, which its name or its content says.
    private mutating func add(_ path: String, _ name: String) {
        guard !ImageNaming.isFeatureFile(name) else { return }
        let kind = FileKind(contentsOf: "\(root)/\(path)")
        if kind.flatMap({ PictureFormat($0) }) != nil {
            readable.append(path)
        } else if kind?.isPicture == true || ImageNaming.isPictureFile(name) {
            others.append(path)
        }
    }
}
