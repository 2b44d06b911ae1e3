import FileSystem
import Foundation
import VQAFeatures

/// A picture of an imported dataset.
package struct ImportedImage: Codable, Sendable, Equatable {
    /// Its number in the dataset.
    package let id: ImageID
    /// Its path below the folder of pictures.
    package let picture: String
    /// The split that all questions about it are in.
    package var split: ImportSplit

    /// - Parameters: as the properties.
    package init(id: ImageID, picture: String, split: ImportSplit) {
        (self.id, self.picture, self.split) = (id, picture, split)
    }

    enum CodingKeys: String, CodingKey {
        case id = "image_id"
        case picture, split
    }
}

/// The parts of an imported dataset.
package enum ImportSplit: String, Codable, Sendable, CaseIterable {
    case train, val, test

    /// The split of a name in a table, in capital letters or not; nil for other names.
    package init?(named name: String) {
        switch name.lowercased() {
        case "train": self = .train
        case "val", "validation": self = .val
        case "test": self = .test
        default: return nil
        }
    }

    /// The split of VQA-v2 whose place it takes.
    package var official: DatasetSplit {
        switch self {
        case .train: .train
        case .val: .val
        case .test: .test
        }
    }
}

/// How pictures are shared out among the splits.
package enum SplitRule: Codable, Sendable, Equatable {
    /// As the table says.
    case column
    /// Drawn by a seed: these shares of the pictures, from 0 to 1, and the rest to learn from.
    case drawn(seed: UInt64, validation: Double, test: Double)
}

/// Numbers of images, and their splits, as a first import has given them: a second one keeps them.
package struct ImportNote: Codable, Sendable, Equatable {
    private var format = Self.currentFormat
    /// How pictures were shared out.
    package let rule: SplitRule
    /// The folder of pictures.
    package let pictures: String
    /// All images, in the order of their pictures' paths.
    package let images: [ImportedImage]
    /// Images of earlier imports that have no questions now. Their numbers are not given again, for there may be features
    /// of them.
    package let former: [ImportedImage]

    /// The name of the file in the dataset's folder.
    package static let fileName = "import.json"
    private static let currentFormat = "rwsan import 1"
    private static let byteLimit = 256 << 20

    package init(rule: SplitRule, pictures: String, images: [ImportedImage], former: [ImportedImage] = []) {
        (self.rule, self.pictures, self.images, self.former) = (rule, pictures, images, former)
    }

    /// Reads the note of a dataset's folder; nil where there is none.
    ///
    /// - Throws: `ImportError` where it is there and no such note.
    package init?(of folder: String) throws {
        let path = folder + "/" + Self.fileName
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let problem = ImportError(
            path: path,
            problem: "expected the note of an earlier import, found another file: import into another folder")
        guard let contents = try? SmallFile.contents(of: path, byteLimit: Self.byteLimit),
            let note = try? JSONDecoder().decode(Self.self, from: contents),
            note.format == Self.currentFormat,
            case let all = note.images + note.former, Set(all.map(\.id)).count == all.count,
            all.allSatisfy({ $0.id.rawValue >= 0 })
        else { throw problem }
        self = note
    }
}

/// Gives pictures their numbers.
package enum ImageNumbers {
    /// Twelve digits, as many as VQA-v2's names have.
    static let highest: Int64 = 999_999_999_999

    /// The number of each picture: that of an earlier import; else the one at the end of the file's name, where all
    /// pictures have one and no two the same; else the next ones, from 1, in the order of the paths.
    ///
    /// - Parameters:
    ///   - pictures: The paths, in order.
    ///   - earlier: The numbers that were given before, by path.
    package static func numbers(of pictures: [String], earlier: [String: ImageID]) -> [ImageID] {
        var next = earlier.values.map(\.rawValue).max() ?? 0
        let named = pictures.map(number(inNameOf:))
        let all = Set(named.compactMap { $0 }).union(earlier.values)
        let known = pictures.count { earlier[$0] != nil }
        let areNamed =
            zip(pictures, named).allSatisfy { $1 != nil && (earlier[$0] ?? $1) == $1 }
            && all.count == pictures.count + earlier.count - known
        return zip(pictures, named).map { picture, number in
            if let id = earlier[picture] { return id }
            if areNamed, let number { return number }
            next += 1
            return ImageID(rawValue: next)
        }
    }

    private static func number(inNameOf path: String) -> ImageID? {
        let name = path.pathName
        guard let image = ImageNaming.number.image(fileName: name), (0...highest).contains(image.rawValue)
        else { return nil }
        return image
    }
}

/// What cannot be imported, and why.
package struct ImportError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file or folder.
    package let path: String
    /// What was expected and found.
    package let problem: String

    package init(path: String, problem: String) { (self.path, self.problem) = (path, problem) }

    /// One line.
    package var description: String { "\(path): \(problem)" }
}
