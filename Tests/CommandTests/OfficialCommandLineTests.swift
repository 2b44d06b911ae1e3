import Testing

@testable import RWSANCommands

@Suite struct OfficialCommandLineTests {
    private func parse(_ arguments: String...) throws -> OfficialCommandLine {
        try OfficialCommandLine(parsing: arguments)
    }

    @Test("what is left out is as the official release has it")
    func defaults() throws {
        let line = try parse("--RUN=train")
        #expect(line.run == .train)
        #expect(line.version == nil)
        #expect(line.processor == .gpus(first: 0, others: []))
        #expect(!line.resumes)
        #expect(!line.savesPredictions)
        #expect(line.isVerbose)
        #expect(line.dataPath == "./datasets/vqa/")
        #expect(line.featurePath == "./datasets/coco_extract/")
    }

    @Test("every option is read")
    func allOptions() throws {
        let line = try parse(
            "--RUN=val", "--VERSION=small", "--GPU=cpu", "--SPLIT=train+val", "--ACCU=2", "--NW=3",
            "--RESUME=True", "--CKPT_V=large", "--CKPT_E=7", "--CKPT_PATH=some/where.pkl", "--EVAL_EE=False",
            "--SAVE_PRED=true", "--VERB=False", "--DATA_PATH=/q", "--FEAT_PATH=/f", "--config=c.yaml",
            "--set=a=1", "--set", "b=2", "--glove=g.txt")
        #expect(line.run == .val)
        #expect(line.version == "small")
        #expect(line.processor == .cpu)
        #expect(line.split == "train+val")
        #expect(line.accumulationSteps == 2)
        #expect(line.workers == 3)
        #expect(line.resumes)
        #expect(line.checkpointVersion == "large")
        #expect(line.checkpointEpoch == 7)
        #expect(line.checkpointPath == "some/where.pkl")
        #expect(line.evaluatesEveryEpoch == false)
        #expect(line.savesPredictions)
        #expect(!line.isVerbose)
        #expect(line.dataPath == "/q")
        #expect(line.featurePath == "/f")
        #expect(line.configurationFile == "c.yaml")
        #expect(line.settings == ["a=1", "b=2"])
        #expect(line.glove == "g.txt")
    }

    @Test("one, two or three dashes, and a value behind = or in the next word, are the same")
    func spellings() throws {
        let expected = try parse("--RUN=test", "--CKPT_V=a", "--NW=4")
        #expect(try parse("-RUN=test", "---CKPT_V=a", "-NW=4") == expected)
        #expect(try parse("---RUN", "test", "--CKPT_V", "a", "-NW", "4") == expected)
        #expect(try parse("--RUN=val", "--RUN=test", "--CKPT_V=a", "--NW=4") == expected)
    }

    @Test(
        "GPU takes a number, several or cpu",
        arguments: [
            ("0", OfficialCommandLine.Processor.gpus(first: 0, others: [])),
            ("3", .gpus(first: 3, others: [])),
            ("0, 1", .gpus(first: 0, others: [1])),
            ("2,0,1", .gpus(first: 2, others: [0, 1])),
            ("cpu", .cpu),
        ])
    func processors(text: String, processor: OfficialCommandLine.Processor) throws {
        #expect(try parse("--RUN=train", "--GPU=\(text)").processor == processor)
    }

    @Test(
        "a wrong value is an error that names the option and what it takes",
        arguments: [
            ("RUN", "trian", "expected train, val, test, found 'trian'"),
            ("SPLIT", "val", "expected train, train+val or train+val+vg, found 'val'"),
            ("GPU", "gpu", "expected the number of a GPU ('0'), several ('0, 1') or 'cpu', found 'gpu'"),
            ("GPU", "", "expected the number of a GPU ('0'), several ('0, 1') or 'cpu', found ''"),
            ("GPU", "0,", "expected the number of a GPU ('0'), several ('0, 1') or 'cpu', found '0,'"),
            ("GPU", "-1", "expected the number of a GPU ('0'), several ('0, 1') or 'cpu', found '-1'"),
            ("ACCU", "0", "expected a whole number from 1 on, found '0'"),
            ("NW", "four", "expected a whole number from 1 on, found 'four'"),
            ("CKPT_E", "-1", "expected a whole number from 0 on, found '-1'"),
            (
                "CKPT_E", "99999999999999999999",
                "expected a whole number from 0 on, found '99999999999999999999'"
            ),
            ("RESUME", "1", "expected True or False, found '1'"),
            ("VERSION", "../elsewhere", "expected a name without /, found '../elsewhere'"),
            ("CKPT_V", "", "expected a name without /, found ''"),
            ("DATA_PATH", "", "expected a path, found ''"),
        ])
    func wrongValue(option: String, value: String, reason: String) {
        #expect(throws: OfficialCommandLineError("--\(option)", reason)) {
            try parse("--RUN=train", "--\(option)=\(value)")
        }
    }

    @Test(
        "an unknown option is an error that names the nearest",
        arguments: [
            ("--VERSOIN=a", "VERSION"), ("--CKPT_EP=3", "CKPT_E"), ("--split=train", "SPLIT"),
            ("---RESUM=True", "RESUME"),
        ])
    func unknownOption(word: String, nearest: String) {
        #expect {
            try parse("--RUN=train", word)
        } throws: {
            "\($0)".hasPrefix(
                "\(word): no such option; the nearest is --\(nearest), and all are RUN, VERSION, ")
        }
    }

    @Test("a word that belongs to no option, a value that is missing, and no RUN are errors")
    func wrongForm() {
        #expect(
            throws: OfficialCommandLineError("stray", "expected an option of the form --NAME=value")
        ) { try parse("--RUN=train", "stray") }
        #expect(
            throws: OfficialCommandLineError("----RUN=train", "expected an option of the form --NAME=value")
        ) { try parse("----RUN=train") }
        #expect(throws: OfficialCommandLineError("--GPU", "expected a value, as in --GPU=value")) {
            try parse("--GPU", "--RUN=train")
        }
        #expect(throws: OfficialCommandLineError("--RUN", "expected train, val or test, found none")) {
            try parse("--VERSION=a")
        }
    }

    @Test("the official form is known by options in capital letters and no subcommand")
    func isMeant() {
        #expect(OfficialCommandLine.isMeant(by: ["-RUN=train"]))
        #expect(OfficialCommandLine.isMeant(by: ["---RUN", "train"]))
        #expect(OfficialCommandLine.isMeant(by: ["--set", "seed=1", "--RUN=train"]))
        #expect(OfficialCommandLine.isMeant(by: ["--RNU=train"]))
        #expect(!OfficialCommandLine.isMeant(by: []))
        #expect(!OfficialCommandLine.isMeant(by: ["--help"]))
        #expect(!OfficialCommandLine.isMeant(by: ["--version=1"]))
        #expect(!OfficialCommandLine.isMeant(by: ["train", "--name", "a", "--RUN=train"]))
    }
}
