import FileSystem
import Foundation
import VQAFeatures

/// A folder's pictures by the number in their names, or by the whole name for images whose ids are texts.
package struct PictureFolder {
    /// The path of each image's picture.
    package let paths: [ImageID: String]

    /// Lists a folder.
    ///
    /// - Throws: `FolderListingError` where the system refuses.
    package init(_ folder: URL) throws {
        var paths: [ImageID: String] = [:]
        for name in try FolderListing(folder.path).visibleNames where ImageNaming.isPictureFile(name) {
            let path = folder.appending(component: name).relativePath
            if let image = ImageNaming.number.image(fileName: name), paths[image] == nil {
                paths[image] = path
            }
            if let image = ImageNaming.name.image(fileName: name), image.isText, paths[image] == nil {
                paths[image] = path
            }
        }
        self.paths = paths
    }
}
