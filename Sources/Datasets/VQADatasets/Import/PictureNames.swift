import FileSystem
import VQAFeatures

/// Finds pictures by what a table calls them: a path below their folder, a file's name, or either without its extension.
package struct PictureNames: Sendable {
    /// What a name comes to.
    package enum Finding: Sendable, Equatable {
        /// The place of the one picture of that name among the paths.
        case picture(Int)
        /// No picture has it.
        case none
        /// Several pictures have it; the paths of two of them.
        case several(String, String)
    }

    private let paths: [String]
    private var byPath: [String: [Int]] = [:]
    private var byStem: [String: [Int]] = [:]
    private var byName: [String: [Int]] = [:]
    private var byNameStem: [String: [Int]] = [:]

    /// - Parameter paths: The pictures' paths below their folder.
    package init(_ paths: [String]) {
        self.paths = paths
        for (place, path) in paths.enumerated() {
            let name = path.pathName
            byPath[path, default: []].append(place)
            byName[name, default: []].append(place)
            byStem[Self.stem(path), default: []].append(place)
            byNameStem[Self.stem(name), default: []].append(place)
        }
    }

    /// The picture of a name. What says more counts before what says less: the path, the path without its extension, the
    /// file's name, and that without its extension.
    package func find(_ name: String) -> Finding {
        let name = name.hasPrefix("./") ? String(name.dropFirst(2)) : name
        for index in [byPath, byStem, byName, byNameStem] {
            guard let places = index[name], let first = places.first else { continue }
            guard places.count > 1 else { return .picture(first) }
            return .several(paths[first], paths[places[1]])
        }
        return .none
    }

    private static func stem(_ path: String) -> String {
        guard ImageNaming.isPictureFile(path), let dot = path.lastIndex(of: ".") else { return path }
        return String(path[..<dot])
    }
}
