import Archives
import Downloads
import Foundation
import TestSupport
import Testing

/// A machine of a test's own: a cache folder, and a `python3` that is a shell script.
private struct Machine {
    let temporary: TemporaryFolder
    let cache: WheelCache
    static let wheelName = "easy_vqa-1.0-py3-none-any.whl"

    /// - Parameter python: What the script does where pip would download; `$destination` is the folder it
    ///   was given. Without one there is no `python3`.
    init(python: String?) throws {
        temporary = try TemporaryFolder()
        let programs = temporary.file("bin")
        try FileManager.default.createDirectory(atPath: programs, withIntermediateDirectories: true)
        cache = WheelCache(environment: [
            "RWSAN_CACHE": temporary.file("cache"), "PATH": programs, "FOLDER": temporary.path,
        ])
        guard let python else { return }
        let script = """
            #!/bin/sh
            echo "$@" >> "$FOLDER/calls"
            [ "$1 $2 $3 $4" = "-m pip download easy-vqa==1.0" ] || exit 9
            while [ "$1" != --dest ]; do shift; done
            destination=$2
            \(python)
            """
        _ = try temporary.write("bin/python3", script.utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: programs + "/python3")
    }

    /// A machine whose pip brings a wheel.
    static func withWheel() throws -> Machine {
        let machine = try Machine(python: #"/bin/cp "$FOLDER/"*.whl "$destination""#)
        let writer = try ZipWriter(path: machine.temporary.file(wheelName), compression: .store)
        try writer.add(name: "easy_vqa/data/answers.txt", contents: Array("circle\nyes\nno".utf8))
        try writer.finish()
        return machine
    }

    func callCount() throws -> Int {
        let calls = try String(contentsOfFile: temporary.file("calls"), encoding: .utf8)
        return calls.split(separator: "\n").count
    }
}

@Suite struct WheelCacheTests {
    @Test("the folder is where the environment says, as for scripts/setup")
    func folder() {
        func folder(_ environment: [String: String]) -> String { WheelCache(environment: environment).folder }
        #expect(folder(["RWSAN_CACHE": "/r", "XDG_CACHE_HOME": "/x", "HOME": "/h"]) == "/r/wheels")
        #expect(folder(["RWSAN_CACHE": "", "XDG_CACHE_HOME": "/x", "HOME": "/h"]) == "/x/rwsan/wheels")
        #expect(folder(["HOME": "/h"]) == "/h/.cache/rwsan/wheels")
    }

    @Test("a wheel is downloaded once, and nothing but it is left in the folder")
    func fetch() throws {
        let machine = try Machine.withWheel()
        #expect(machine.cache.path(of: .easyVQA) == nil)
        // As a process leaves it that is killed meanwhile.
        try FileManager.default.createDirectory(
            atPath: machine.cache.folder + "/easy_vqa-1.0-0B5C.partial/pip", withIntermediateDirectories: true
        )
        let path = try machine.cache.fetch(.easyVQA)
        #expect(path == machine.cache.folder + "/" + Machine.wheelName)
        #expect(machine.cache.path(of: .easyVQA) == path)
        #expect(try machine.cache.fetch(.easyVQA) == path)
        #expect(try machine.callCount() == 1)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: machine.cache.folder) == [Machine.wheelName])
    }

    @Test("a wheel that is cut short or spoilt is not given out, and is downloaded again")
    func repair() throws {
        let machine = try Machine.withWheel()
        let path = try machine.cache.fetch(.easyVQA)
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        var spoilt = whole
        let contents = try #require(spoilt.firstRange(of: Data("circle".utf8)))
        spoilt[contents.lowerBound] ^= 1
        for damaged in [whole.dropLast(30), spoilt, Data()] {
            try damaged.write(to: URL(fileURLWithPath: path))
            #expect(machine.cache.path(of: .easyVQA) == nil)
            #expect(try machine.cache.fetch(.easyVQA) == path)
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == whole)
        }
    }

    @Test("what pip says last is the reason where it fails")
    func failure() throws {
        let machine = try Machine(python: "echo Looking... >&2; echo 'ERROR: no route to host' >&2; exit 1")
        let error = #expect(throws: WheelCacheError.self) { try machine.cache.fetch(.easyVQA) }
        #expect(error?.description == "easy-vqa==1.0: cannot be downloaded: ERROR: no route to host")
        #expect(try FileManager.default.contentsOfDirectory(atPath: machine.cache.folder).isEmpty)
    }

    @Test("a pip that says nothing, brings nothing or brings a damaged wheel has failed")
    func uselessPip() throws {
        let cases = [
            ("exit 3", "pip ended with status 3"), ("exit 0", "pip brought no wheel of that name"),
            (
                "echo no zip > \"$destination/\(Machine.wheelName)\"",
                "pip brought a damaged wheel: "
            ),
        ]
        for (script, reason) in cases {
            let machine = try Machine(python: script)
            let error = #expect(throws: WheelCacheError.self) { try machine.cache.fetch(.easyVQA) }
            let description = try #require(error).description
            #expect(description.hasPrefix("easy-vqa==1.0: cannot be downloaded: " + reason))
            #expect(machine.cache.path(of: .easyVQA) == nil)
        }
    }

    @Test("a machine without Python is told so")
    func noPython() throws {
        let machine = try Machine(python: nil)
        #expect(throws: WheelCacheError.noPython(.easyVQA)) { try machine.cache.fetch(.easyVQA) }
    }

    @Test("a folder that cannot be made is an error naming it")
    func unusableFolder() throws {
        let machine = try Machine.withWheel()
        _ = try machine.temporary.write("cache", "a file".utf8)
        let error = #expect(throws: WheelCacheError.self) { try machine.cache.fetch(.easyVQA) }
        #expect(try #require(error).description.hasPrefix(machine.cache.folder + ": "))
    }
}
