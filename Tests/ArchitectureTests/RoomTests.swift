import Foundation
import Testing

/// The table of rooms in docs/architecture.md, held against the sources' own imports.
@Suite struct RoomTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// A row of the table.
    private struct Module: Equatable {
        let room: String
        let name: String
        let imports: Set<String>
    }

    /// Rows of the form `| Files | Archives | what it is | CZlib, CArchive |`, below the heading "Rooms".
    private static func table() throws -> [Module] {
        let text = try String(contentsOf: root.appending(path: "docs/architecture.md"), encoding: .utf8)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex(of: "| room | module | what it is | imports |"))
        var room = ""
        return lines[(start + 2)...].prefix { $0.hasPrefix("|") }.map { line in
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast()
                .map { $0.trimmingCharacters(in: .whitespaces).replacing("`", with: "") }
            if !cells[0].isEmpty { room = cells[0] }
            let imports = cells[3].split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            return Module(room: room, name: cells[1], imports: Set(imports))
        }
    }

    private static func folders(_ path: String) throws -> [String] {
        let url = root.appending(path: path)
        return try FileManager.default.contentsOfDirectory(atPath: url.path).filter { name in
            var isFolder: ObjCBool = false
            let item = url.appending(component: name).path
            return FileManager.default.fileExists(atPath: item, isDirectory: &isFolder) && isFolder.boolValue
        }.sorted()
    }

    private static func files(below path: String) throws -> [URL] {
        let walk = try #require(
            FileManager.default.enumerator(at: root.appending(path: path), includingPropertiesForKeys: nil))
        return walk.compactMap { $0 as? URL }.filter { !$0.hasDirectoryPath }
    }

    /// The modules of this package that a module's files import, by `import` in Swift and by the headers they include.
    private static func imports(of module: Module, among names: Set<String>) throws -> Set<String> {
        var found: Set<String> = []
        for file in try files(below: "Sources/\(module.room)/\(module.name)") {
            guard let text = try? String(contentsOf: file, encoding: .utf8) else { continue }
            for line in text.split(separator: "\n") {
                let words = line.split(separator: " ")
                if file.pathExtension == "swift", let place = words.firstIndex(of: "import"), place <= 1,
                    words.count > place + 1
                {
                    found.insert(String(words[place + 1]))
                } else if line.hasPrefix("#include \"") {
                    let header = line.dropFirst(10).prefix { $0 != "\"" }
                    found.insert(String(header.split(separator: "/").last?.split(separator: ".").first ?? ""))
                }
            }
        }
        return found.intersection(names).subtracting([module.name])
    }

    @Test("the table has the modules that there are, each in its room")
    func modules() throws {
        let expected = try Self.folders("Sources").flatMap { room in
            try Self.folders("Sources/" + room).map { "\(room)/\($0)" }
        }
        #expect(try Self.table().map { "\($0.room)/\($0.name)" }.sorted() == expected.sorted())
    }

    @Test("each module imports what the table says, and nothing that stands below it")
    func imports() throws {
        let table = try Self.table()
        let names = Set(table.map(\.name))
        for (place, module) in table.enumerated() {
            let found = try Self.imports(of: module, among: names)
            let listed = "\(found.sorted().joined(separator: ", "))"
            #expect(found == module.imports, "\(module.name) imports \(listed)")
            let above = Set(table[..<place].map(\.name))
            #expect(found.isSubset(of: above), "\(module.name) imports \(found.subtracting(above).sorted())")
        }
    }

    @Test("no folder of sources has more than 14 files, and no file of Swift more than 400 lines")
    func sizes() throws {
        let files = try Self.files(below: "Sources")
        for (folder, inside) in Dictionary(grouping: files, by: { $0.deletingLastPathComponent().path }) {
            #expect(inside.count <= 14, "\(folder) has \(inside.count) files")
        }
        for file in files where file.pathExtension == "swift" {
            let count = try String(contentsOf: file, encoding: .utf8).split(
                separator: "\n", omittingEmptySubsequences: false
            ).count
            #expect(count <= 401, "\(file.path) has \(count - 1) lines")
        }
    }
}
