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

/// The pictures of a folder that features are made of.
struct PictureSearch {
    /// The paths below the folder of all that are to be read, in alphabetical order. The names alone are unique.
    private(set) var pictures: [String] = []
    /// What is left out for its name.
    private(set) var leftOut: [LeftOutPicture] = []

    /// Looks for pictures.
    ///
    /// - Parameter naming: How names say which image a picture is.
    /// - Throws: `FeatureExtractionError` where the folder cannot be listed or there is nothing in it.
    init(_ folder: String, _ naming: ImageNaming) throws {
        let listing = try PictureListing(folder)
        leftOut = listing.leftOut
        choose(among: listing, in: folder, naming)
        guard !pictures.isEmpty || !leftOut.isEmpty else { throw FeatureExtractionError.noPictures(folder) }
    }

    /// Takes the first picture of each image.
    private mutating func choose(among listing: PictureListing, in folder: String, _ naming: ImageNaming) {
        var firsts: [String: String] = [:]
        for path in listing.readable {
            let name = path.split(separator: "/").last.map(String.init) ?? path
            guard let image = naming.key(fileName: name) else {
                leftOut.append(
                    LeftOutPicture(
                        path: "\(folder)/\(path)", reason: .uncertainName(naming.problem(with: name))))
                continue
            }
            if let first = firsts[image] {
                leftOut.append(
                    LeftOutPicture(path: "\(folder)/\(path)", reason: .sameImage(as: "\(folder)/\(first)")))
                continue
            }
            firsts[image] = path
            pictures.append(path)
        }
        pictures = (pictures + listing.others).sorted()
        leftOut.sort { $0.path < $1.path }
    }
}
