import Archives
import FileSystem
import Foundation

/// The note of how features were made from pictures, where all folders that are packed say the same.
package struct FeatureNote {
    /// The name of the note that says how a folder's features were made.
    package static let fileName = "extraction.json"

    /// A note has some 100 bytes; a longer file is none.
    private static let byteLimit = 1 << 16

    private let inputs: [String]
    /// Nil where an input has none, or another one.
    private let contents: Data?

    init(inputs: [String]) {
        self.inputs = inputs
        let notes = inputs.map(Self.contents(in:))
        contents = Set(notes).count == 1 ? notes.first ?? nil : nil
    }

    /// A note of features that are made of pictures.
    ///
    /// - Parameter places: Where the pictures lie.
    package init(_ contents: Data, ofPicturesIn places: [String]) {
        inputs = places
        self.contents = contents
    }

    /// The note of a folder; nil where it has none that can be read.
    package static func contents(in folder: String) -> Data? {
        try? SmallFile.contents(of: folder + "/" + FeatureNote.fileName, byteLimit: byteLimit)
    }

    /// Checks that a folder's features were made as those of a store.
    ///
    /// - Throws: `FeatureStoreError` where the notes say otherwise, or only one says anything.
    static func checkSame(in folder: String, as store: String) throws(FeatureStoreError) {
        let (found, expected) = (contents(in: folder), contents(in: store))
        guard found != expected else { return }
        throw FeatureStoreError(
            path: folder, expected: "features made as those in \(store): \(line(expected))",
            found: line(found))
    }

    /// Puts the note into the folder of a store, before any feature, so that it holds for all that will be there.
    ///
    /// - Parameter hasImages: Whether features are in the folder already.
    /// - Throws: `FeatureStoreError` where what is there was made in another way; what writing a file throws.
    func install(in folder: String, hasImages: Bool) throws {
        let present = Self.contents(in: folder)
        guard present != contents else { return }
        guard present == nil, !hasImages, let contents else {
            throw FeatureStoreError(
                path: folder, expected: "features made as those in it: \(Self.line(present))",
                found: "\(Self.line(contents)) in \(inputs.joined(separator: ", "))")
        }
        let file = try AtomicFile(path: folder + "/" + FeatureNote.fileName)
        try file.write(contents)
        try file.commit()
    }

    private static func line(_ note: Data?) -> String {
        guard let note else { return "no single \(FeatureNote.fileName)" }
        let text = String(decoding: note, as: UTF8.self).split(whereSeparator: \.isWhitespace).joined(
            separator: " ")
        return text.count > 200 ? text.prefix(200) + "…" : text
    }
}
