import FileSystem
import Foundation
import TestSupport
import Testing
import VQAFeatures

extension SharedWorkTests {
    /// `extract` and `pack` by several processes.
    @Suite struct SharedFeatureTests {
        private let shared: SharedCommands
        private var tool: CommandLineTool { shared.mini.tool }
        private static let pictures = ["a_landscape", "b_portrait", "c_wide", "d_grey"]

        init() throws { shared = try SharedCommands() }

        /// So many pictures in the folder `pictures`.
        private func writePictures(_ count: Int) throws {
            try FileManager.default.createDirectory(
                atPath: tool.folder.file("pictures"), withIntermediateDirectories: true)
            for number in 1...count {
                let picture = Self.pictures[number % Self.pictures.count]
                _ = try tool.folder.write(
                    "pictures/\(number).png", Data(contentsOf: Fixtures.url("detector/\(picture).png")))
            }
        }

        private func extract(_ output: String, _ more: String...) -> [String] {
            [
                "extract", "--detector", Fixtures.url("detector/weights.caffemodel").path, "--pictures",
                "pictures", "--output", output,
            ] + more
        }

        private func pack(_ inputs: String..., to output: String) -> [String] {
            ["pack", "--input"] + inputs + ["--output", output, "--shard-size", "1"]
        }

        /// The files of a folder that hold features, or say something of them.
        private func contents(_ folder: String) throws -> [String: [UInt8]] {
            let names = try FileManager.default.contentsOfDirectory(atPath: tool.folder.file(folder))
            return try Dictionary(
                uniqueKeysWithValues: names.map { ($0, try tool.folder.bytes(of: "\(folder)/\($0)")) })
        }

        /// What a command says at its end, of which the time that it took is left out.
        private func said(_ outcome: CommandLineTool.Outcome) -> [String] {
            outcome.errorLines.filter { !$0.hasPrefix("extracting: ") && !$0.hasPrefix("packing: ") }.map {
                String($0.replacing(/, in [^,]*$/, with: ""))
            }
        }

        private func alone(_ arguments: [String]) throws -> CommandLineTool.Outcome {
            let outcome = try tool.run(arguments)
            try #require(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
            return outcome
        }

        private func together(_ count: Int, _ arguments: [String]) throws -> CommandLineTool.Outcome {
            let outcome = try shared.run(count, arguments)
            try #require(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
            return outcome
        }

        @Test(
            "extract writes the files, and the store, that one process writes, and tells it once",
            arguments: [2, 3])
        func extraction(count: Int) throws {
            try writePictures(18)
            _ = try tool.folder.write("pictures/19.png", tool.folder.bytes(of: "pictures/1.png").prefix(2000))
            _ = try tool.folder.write("pictures/x_18.png", tool.folder.bytes(of: "pictures/1.png"))
            let files = try (alone(extract("files1")), together(count, extract("files")))
            #expect(files.1.output == "files\n")
            #expect(said(files.1) == said(files.0))
            #expect(files.1.errorOutput.contains("18 pictures extracted, 0 there already, 2 left out"))
            #expect(try contents("files") == contents("files1"))

            let stores = try (
                alone(extract("store1", "--store", "--shard-size", "1")),
                together(count, extract("store", "--store", "--shard-size", "1"))
            )
            #expect(said(stores.1) == said(stores.0))
            #expect(try contents("store") == contents("store1"))
            let again = try together(2, extract("store", "--store", "--shard-size", "1"))
            #expect(again.errorOutput.contains("0 pictures extracted, 18 there already, 2 left out"))
            #expect(try contents("store") == contents("store1"))
        }

        @Test("extraction that is killed goes on, by another number of processes, to the same store")
        func killed() throws {
            try writePictures(16)
            _ = try alone(extract("store1", "--store"))
            let extracted = tool.folder.file("store/extracted")
            let run = try shared.start(2, extract("store", "--store"))
            try run.wait {
                let names = (try? FileManager.default.contentsOfDirectory(atPath: extracted)) ?? []
                return names.count { $0.hasSuffix(".npz") } >= 3
            }
            try shared.send(SIGKILL, toProcess: 1)
            #expect(try run.outcome().exitCode != 0)
            let outcome = try together(3, extract("store", "--store"))
            #expect(
                !outcome.errorOutput.contains(", 0 there already"), Comment(rawValue: outcome.errorOutput))
            #expect(try contents("store") == contents("store1"))
        }

        @Test("--shard divides what the processes of one part share")
        func parts() throws {
            try writePictures(16)
            for part in ["1/2", "2/2"] {
                _ = try together(2, extract("part\(part.prefix(1))", "--store", "--shard", part))
            }
            _ = try together(2, pack("part2", "part1", to: "all"))
            _ = try alone(extract("store1", "--store", "--shard-size", "1"))
            #expect(try contents("all") == contents("store1"))
        }

        @Test("the first picture that cannot be read ends all processes with one line under --strict")
        func strict() throws {
            try writePictures(16)
            _ = try tool.folder.write("pictures/7.png", "no picture")
            let outcome = try shared.run(3, extract("files", "--strict"))
            #expect(outcome.exitCode != 0 && outcome.output.isEmpty)
            let lines = outcome.errorLines.filter { $0.hasPrefix("rwsan: error: ") }
            #expect(
                lines.count == 1 && lines.allSatisfy { $0.contains("pictures/7.png") },
                Comment(rawValue: outcome.errorOutput))
        }

        /// 70 images' features in a folder of files, some of them left out for one reason or another.
        private func featureFiles() throws -> PackingWorkplace {
            let files = try PackingWorkplace(images: 1...70)
            try Data("no zip".utf8).write(to: URL(fileURLWithPath: files.file(31)))
            try files.write(64, width: 256)
            return files
        }

        @Test("pack writes the bytes that one process writes, and tells it once", arguments: [2, 3])
        func packing(count: Int) throws {
            let files = try featureFiles()
            let archive = try files.archive()
            for (number, input) in [files.input, archive].enumerated() {
                // A second input, all of whose images are there already.
                let (first, second) = ("one\(number)", "several\(number)")
                let outcomes = try (
                    alone(pack(input, files.input, to: first)),
                    together(count, pack(input, files.input, to: second))
                )
                #expect(
                    said(outcomes.1) == said(outcomes.0).map { $0.replacing("\(first)/", with: "\(second)/") }
                )
                #expect(outcomes.1.errorOutput.contains("68 images packed"))
                #expect(try contents(second) == contents(first))
                let again = try together(2, pack(input, files.input, to: second))
                #expect(again.errorOutput.contains("0 images packed, 68 there already"))
                #expect(try contents(second) == contents(first))
            }
        }

        @Test("input that ends early ends early for all, and what is whole is packed by packing it again")
        func cutInput() throws {
            let files = try featureFiles()
            let archive = try files.archive()
            let bytes = try Data(contentsOf: URL(fileURLWithPath: archive))
            let cut = try tool.folder.write("cut.tar.gz", bytes.prefix(bytes.count * 2 / 3))
            let single = try tool.run(pack(cut, to: "one"))
            let outcome = try shared.run(2, pack(cut, to: "several"))
            #expect(outcome.exitCode != 0 && outcome.output.isEmpty)
            func error(_ outcome: CommandLineTool.Outcome) -> String {
                outcome.errorLines.first { $0.hasPrefix("rwsan: error: ") }
                    .map { String($0.replacing(/one|several/, with: "STORE")) } ?? ""
            }
            #expect(error(outcome) == error(single) && !error(single).isEmpty)
            #expect(try contents("several") == contents("one"))
            _ = try together(2, pack(archive, to: "several"))
            _ = try alone(pack(archive, to: "one"))
            #expect(try contents("several") == contents("one"))
        }

        @Test("what is wrong for all processes is said once: no input, no folder to write to")
        func saidOnce() throws {
            try writePictures(1)
            for (arguments, name) in [
                (pack("nowhere", to: "store"), "nowhere"),
                (extract("pictures/1.png/files"), "pictures/1.png/files"),
                (extract("pictures/1.png/store", "--store"), "pictures/1.png/store"),
            ] {
                let outcome = try shared.run(2, arguments)
                #expect(outcome.exitCode != 0 && outcome.output.isEmpty)
                let lines = outcome.errorLines.filter { $0.hasPrefix("rwsan: error: ") }
                #expect(
                    lines.count == 1 && lines.allSatisfy { $0.contains(name) },
                    Comment(rawValue: outcome.errorOutput))
            }
        }
    }
}
