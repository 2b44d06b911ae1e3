import Foundation
import TestSupport
import Testing
import VQAFeatures

/// Commands tell files by what they hold.
@Suite struct InputKindTests {
    @Test("info tells files by their content, and names what it does not look into")
    func info() throws {
        let tool = try CommandLineTool()
        let npz = Fixtures.url("features/COCO_val2014_000000000011.npz")
        let features = tool.folder.file("features.pkl")
        try FileManager.default.copyItem(atPath: npz.path, toPath: features)
        let outcome = try tool.run("info", features)
        #expect(outcome.output == "features: 5 regions, 8 wide, of an image of 80 x 60 pixels\n")
        let checkpoint = tool.folder.file("epoch2")
        try FileManager.default.copyItem(atPath: MiniRun.checkpoint(2).path, toPath: checkpoint)
        #expect(try tool.run("info", checkpoint).output.hasPrefix("checkpoint: "))
        let text = try tool.folder.write("notes.npz", "hello")
        try tool.expectRefusal(["info", text], naming: text, "expected a checkpoint", "found text")
        let empty = try tool.folder.write("empty.safetensors", "")
        try tool.expectRefusal(["info", empty], naming: empty, "found an empty file")
    }

    @Test("info says what a folder of features and an unfinished store are")
    func otherFolders() throws {
        let place = try PackingWorkplace(images: 1...3, width: 8)
        try place.tool.expectRefusal(
            ["info", place.input], naming: place.input, "a folder of 3 .npz files", "rwsan pack")
        _ = try place.pack()
        try FileManager.default.removeItem(atPath: place.output + "/index.json")
        try place.tool.expectRefusal(
            ["info", place.output], naming: place.output, "a store that is not finished")
    }

    @Test("--image-ids says how names are read, and is held to its two values")
    func imageIDs() throws {
        let place = try PackingWorkplace(images: [1], width: 8)
        try FileManager.default.copyItem(atPath: place.file(1), toPath: place.input + "/7.npz")
        let byName = try place.tool.run(place.command() + ["--image-ids", "name"])
        #expect(try place.summary(byName).packed == 2)
        let named = try FeatureStore(place.output).imageIDs.sorted()
        #expect(named == [ImageID(rawValue: 7), ImageID("COCO_000000000001")], "\(named)")
        try FileManager.default.removeItem(atPath: place.output)
        #expect(try place.summary(place.tool.run(place.command())).packed == 2)
        let wrong = try place.tool.run(place.command() + ["--image-ids", "digits"])
        #expect(wrong.exitCode != 0 && wrong.errorOutput.contains("--image-ids"))
    }

    @Test(
        "images that a store lacks are read from the folder beside it, which is told in one line; else both are named"
    )
    func storeBehindFolder() throws {
        let mini = try MiniCommands.withCopiedDataset()
        let folder = mini.dataFile("coco_extract/test2015")
        let picture = folder + "/COCO_test2015_000000048846.jpg.npz"
        let aside = mini.tool.folder.file("aside.npz")
        try FileManager.default.moveItem(atPath: picture, toPath: aside)
        let packed = try mini.tool.run("pack", "--input", folder, "--output", folder + ".packed")
        #expect(packed.exitCode == 0, Comment(rawValue: packed.errorOutput))
        let refused = try mini.tool.run(mini.predict())
        #expect(refused.exitCode == 1)
        #expect(
            refused.lastErrorLine.contains(
                "\(folder).packed, \(folder): 1 of 6 images have no features: 48846"))

        try FileManager.default.moveItem(atPath: aside, toPath: picture)
        let outcome = try mini.tool.run(mini.predict())
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        let told = outcome.errorLines.filter { $0.contains("packing it again includes them") }
        #expect(
            told == [
                "\(folder).packed lacks images that \(folder) has: they are read from there; packing it again includes them"
            ])
        let info = try mini.tool.run("info", mini.datasets)
        #expect(info.output.contains("6 images, all with features"))
    }
}
