/// Why there can be no extraction between two folders.
public enum FeatureExtractionError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A folder cannot be listed or made.
    case unusableFolder(String, reason: String)
    /// Something else than a folder or an archive of pictures.
    case neitherFolderNorArchive(String, found: String)
    /// An archive with a password.
    case encrypted(String)
    /// A folder or archive without pictures.
    case noPictures(String)
    /// A store in place of a folder of files.
    case store(String)
    /// A folder of files in place of a store.
    case featureFiles(String)
    /// No picture that can be read for a store.
    case nothingToStore(String)
    /// A folder whose features were made in another way.
    case otherFeatures(String, expected: String, found: String)
    /// Processes that share the work, and found different pictures.
    case otherPictures(String)

    /// One line for the user.
    public var description: String {
        switch self {
        case .unusableFolder(let folder, let reason): "\(folder): cannot use the folder: \(reason)"
        case .neitherFolderNorArchive(let path, let found):
            "\(path): expected a folder of pictures, or a zip, tar or tar.gz of them, found \(found)"
        case .encrypted(let archive):
            "\(archive): expected pictures that can be read, found encrypted ones: unpack the archive with its password"
        case .noPictures(let folder): "\(folder): expected \(PictureFormat.choices) pictures, found none"
        case .store(let folder):
            "\(folder): expected a folder for files of features, found a store (--store goes on with it)"
        case .featureFiles(let folder):
            "\(folder): expected a folder for a store, found files of features (without --store, extract goes on with them)"
        case .nothingToStore(let folder):
            "\(folder): expected pictures for a store, found none that can be read"
        case .otherFeatures(let folder, let expected, let found):
            "\(folder): expected an empty folder or one of features \(expected), found features \(found)"
        case .otherPictures(let places):
            "\(places): expected the same pictures for all processes, found others for some: every process has to reach the same "
                + "folders and archives, and they may not change"
        }
    }
}
