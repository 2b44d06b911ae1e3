import FileSystem
import Foundation

/// How the name of a file, or a table's first column, says which image it stands for.
///
/// docs/formats.md has the rule in full. A name of which it is not certain stands for no image: what is taken for
/// another image's features goes unnoticed until a model fails to learn.
public enum ImageNaming: String, CaseIterable, Sendable {
    /// By the number at the end of the name: `COCO_train2014_000000039318.jpg.npz` is image 39318.
    case number
    /// By the whole name without its extensions, for images that have names and no numbers.
    case name

    /// How many bytes a name may have: as many as a path. Archives and tables can have names of megabytes.
    static let longestName = 4096

    /// The image that a file's name stands for; nil where that is not certain.
    public func image(fileName: String) -> ImageID? {
        guard fileName.utf8.count <= Self.longestName else { return nil }
        let stem = Self.stem(of: fileName)
        switch self {
        case .number: return Self.number(atEndOf: stem).map(ImageID.init)
        case .name:
            return stem.isEmpty ? nil : ImageID(stem)
        }
    }

    /// What two names of the same image have in common; nil where it is not certain which image a name stands for.
    package func key(fileName: String) -> String? {
        switch self {
        case .number: return image(fileName: fileName).map(\.description)
        case .name:
            guard fileName.utf8.count <= Self.longestName else { return nil }
            let stem = Self.stem(of: fileName)
            return stem.isEmpty ? nil : stem
        }
    }

    /// What is wrong with a name that stands for no image.
    package func problem(with fileName: String) -> String {
        guard fileName.utf8.count <= Self.longestName else {
            return "expected a name of at most \(Self.longestName) bytes, found one of \(fileName.utf8.count)"
        }
        switch self {
        case .number:
            let expected = "expected an image's number "
            guard fileName.contains(where: Self.isDigit) else { return expected + "in the name, found none" }
            return expected
                + "at the end of the name, alone or behind _, -, a space or a dot, found '\(fileName)'"
        case .name: return "expected an image's name, found '\(fileName)'"
        }
    }

    /// Whether a name is that of a file of features, which is not hidden.
    package static func isFeatureFile(_ fileName: String) -> Bool {
        hasFeatureExtension(fileName[...]) && !FolderListing.isHidden(fileName)
    }

    /// Whether a name ends as those of pictures do.
    package static func isPictureFile(_ fileName: String) -> Bool {
        guard let dot = fileName.lastIndex(of: ".") else { return false }
        return pictureExtensions.contains(fileName[fileName.index(after: dot)...].lowercased())
    }
}

// MARK: - The rule

extension ImageNaming {
    private static let featureExtension = ".npz"
    private static let pictureExtensions: Set<String> = [
        "png", "jpg", "jpeg", "jpe", "jfif", "webp", "bmp", "dib", "gif", "tif", "tiff", "jp2", "j2k", "jxl",
        "heic", "heif", "avif", "ppm", "pgm", "pbm", "pnm", "tga", "svg",
    ]

    /// A file's name without `.npz`, a picture's extensions, and the end that Roboflow's exports have:
    /// `12_png.rf.<hash>` is `12`.
    package static func stem(of fileName: String) -> String {
        var name = fileName[...]
        if hasFeatureExtension(name) { name = name.dropLast(featureExtension.count) }
        while isPictureFile(String(name)), let dot = name.lastIndex(of: ".") { name = name[..<dot] }
        guard name.utf8.contains(UInt8(ascii: ".")) else { return String(name) }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        if parts.count > 2, parts[parts.count - 2] == "rf", let hash = parts.last, !hash.isEmpty,
            hash.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) }),
            case let exported = parts[parts.count - 3], let line = exported.lastIndex(of: "_"),
            pictureExtensions.contains(exported[exported.index(after: line)...].lowercased())
        {
            return String(name[..<line])
        }
        return String(name)
    }

    /// Whether a name ends in `.npz`, in capital letters or not. It is asked of every file in a folder of many.
    private static func hasFeatureExtension(_ name: Substring) -> Bool {
        let end = name.utf8.suffix(featureExtension.utf8.count)
        return end.count == featureExtension.utf8.count
            && zip(end, featureExtension.utf8).allSatisfy { $0 == $1 || $0 | 0x20 == $1 }
    }

    /// The number that a stem consists of or ends in; nil where it is not certain that there is one.
    private static func number(atEndOf stem: String) -> Int64? {
        let digits = stem.reversed().prefix(while: isDigit).reversed()
        guard !digits.isEmpty else { return nil }
        let rest = stem.dropLast(digits.count)
        guard let separator = rest.last else { return Int64(String(digits)) }
        let before = rest.dropLast()
        if separator == ".", let last = before.last, isDigit(last) {
            // A number that went through a column of floats: 39318.0.
            return digits.allSatisfy { $0 == "0" } ? number(atEndOf: String(before)) : nil
        }
        guard "_- .".contains(separator), !isCopy(before, separator), Double(stem) == nil,
            stem.utf8.count < 36 || UUID(uuidString: String(stem.suffix(36))) == nil
        else { return nil }
        return Int64(String(digits))
    }

    /// Whether the number behind a name is that of a copy of a file: `42 2`, `42 copy 2`.
    private static func isCopy(_ name: Substring, _ separator: Character) -> Bool {
        separator == " " && name.last.map(isDigit) == true || name.lowercased().hasSuffix("copy")
    }

    private static func isDigit(_ character: Character) -> Bool { character.isASCII && character.isNumber }
}
