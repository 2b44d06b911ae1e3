import FileSystem
import VQAFeatures

/// The pictures in a folder and in the folders in it, told by their content.
package struct PictureListing: Sendable {
    /// The paths below the folder of pictures in formats that can be read, in alphabetical order.
    package let readable: [String]
    /// The paths of pictures in other formats, and of files that have the names of pictures, in alphabetical order.
    package let others: [String]
    /// What cannot be opened for its name, or listed.
    package let leftOut: [LeftOutPicture]

    private let root: String

    /// Looks for pictures. Hidden files are passed over.
    ///
    /// - Throws: `FeatureExtractionError` where the folder cannot be listed.
    package init(_ folder: String) throws {
        let found = try PicturesOfPlace(folder: folder)
        func below(_ pictures: [FoundPicture]) -> [String] {
            pictures.map { String(decoding: $0.path.utf8.dropFirst(folder.utf8.count + 1), as: UTF8.self) }
                .sorted()
        }
        root = folder
        readable = below(found.readable)
        others = below(found.others)
        leftOut = found.leftOut
    }

    /// The file extension of a picture's name, in small letters; of a name without one, that of its format.
    package func fileExtension(of path: String) -> String {
        let ending = path.pathName.split(separator: ".").last.map { $0.lowercased() }
        if let ending, ImageNaming.isPictureFile(path) { return ending }
        let format = FileKind(contentsOf: "\(root)/\(path)").flatMap { PictureFormat($0) }
        return format?.rawValue.lowercased() ?? "png"
    }
}
