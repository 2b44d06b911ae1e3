import Foundation
@testable import VQADatasets
import VQAFeatures

/// Readers of questions, answers and word vectors.
let datasetReaders: [FuzzedReader] = [
    FuzzedReader(
        name: "questions",
        seeds: {
            [
                Array(
                    #"""
                    {"info":{"year":2017},"questions":[{"image_id":39318,"question":"Is it red? \u00e9","question_id":393180},
                    {"image_id":"n1","question":"","question_id":"0042"},{"image_id":2.0,"question":"a\nb","question_id":-3}]}
                    """#.utf8),
                try fixture("mini/datasets/vqa/VG_questions.json"),
            ]
        }
    ) { bytes, place in
        for question in try QuestionTable(contentsOf: URL(fileURLWithPath: place.write(bytes))) {
            _ = (question.text.count, question.id.description)
        }
    },
    FuzzedReader(name: "annotations", seeds: { [Array(annotations.utf8)] }) { bytes, place in
        let table = try AnnotationTable(contentsOf: URL(fileURLWithPath: place.write(bytes)))
        for annotation in table { _ = annotation.answers.count }
        for version in MetricVersion.allCases {
            let metric = AccuracyMetric(table, version: version)
            _ = try metric.evaluate(
                table.map { Prediction(questionID: $0.questionID, answer: $0.multipleChoiceAnswer) })
        }
    },
    FuzzedReader(
        name: "genome",
        seeds: {
            [
                Array(
                    #"""
                    [{"id":1,"qas":[{"a_objects":[],"question":"Is it \u00e9?","image_id":1,"qa_id":7,"answer":"Yes."},
                    {"question":"","image_id":-2,"qa_id":8,"answer":3.50}]},{"qas":[]}]
                    """#.utf8),
                Array(
                    #"[{"image_id":1,"coco_id":39318,"url":"a"},{"image_id":2,"coco_id":null},{"image_id":3}]"#
                        .utf8),
            ]
        }
    ) { bytes, place in
        let file = URL(fileURLWithPath: try place.write(bytes))
        // A file is one or the other, and an error as the other.
        guard let images = try? VisualGenomeFile.images(of: file) else {
            return try VisualGenomeFile.visitQuestions(of: file) { found in
                let texts = [(found.question, found.question_size), (found.answer, found.answer_size)]
                return texts.allSatisfy { VisualGenomeFile.text($0.0, $0.1).utf8.count >= 0 }
            }
        }
        _ = images.count
    },
    FuzzedReader(
        name: "results",
        seeds: {
            [Array(#"[{"answer":"yes","question_id":1},{"question_id":"n2","answer":"\u00e9 a"}]"#.utf8)]
        }
    ) { bytes, place in
        _ = try ResultFile.read(URL(fileURLWithPath: place.write(bytes)))
    },
    FuzzedReader(
        name: "answers",
        seeds: {
            [
                Array(#"[{"yes":0,"no":1,"2":2},{"0":"yes","1":"no","2":"2"}]"#.utf8),
                try fixture("mini/answer_dict.json"),
            ]
        }
    ) { bytes, place in
        _ = try AnswerList(contentsOf: URL(fileURLWithPath: place.write(bytes)))
    },
    FuzzedReader(
        name: "csv",
        seeds: {
            [
                Array(
                    "\u{FEFF}image;question;answer;answer2;split\r\na.png;\"what, \"\"is\"\"\nit?\";2;;VAL\r\n"
                        .utf8),
                Array("question\timage\tanswer\tquestion_id\nwhat?\tb/c\tThe cat!\tn7\n".utf8),
            ]
        }
    ) { bytes, place in try readRows(.csv, bytes, place) },
    FuzzedReader(
        name: "jsonl",
        seeds: {
            [
                Array(
                    #"""
                    {"image": "a.png", "question": "what?", "answers": ["x", 2, null], "split": "test"}
                    {"image": 7, "question": "\u00e9?", "answer": 2.5, "question_id": "n1", "answer_type": "other"}
                    """#.utf8)
            ]
        }
    ) { bytes, place in try readRows(.jsonl, bytes, place) },
    FuzzedReader(
        name: "import",
        seeds: {
            [
                Array(
                    #"""
                    {"format":"rwsan import 1","former":[],"images":[{"image_id":1,"picture":"a.png","split":"train"}],
                    "pictures":"/p","rule":{"drawn":{"seed":1,"validation":0.1,"test":0}}}
                    """#.utf8)
            ]
        }
    ) { bytes, place in
        _ = try place.write(bytes, as: ImportNote.fileName)
        guard let note = try ImportNote(of: place.path) else { return }
        let known = Dictionary(note.images.map { ($0.picture, $0.id) }, uniquingKeysWith: { $1 })
        _ = ImageNumbers.numbers(of: ["b_2.png", "c.png"], earlier: known)
    },
    FuzzedReader(
        name: "glove",
        seeds: {
            let text = Array("the 1 -2.5e-1 3\nred 0 0 1.25\na b .5 -1e9 3\n".utf8)
            return [text, Array(text.dropLast()), Packed.zip([("vectors.txt", text)])]
        }
    ) { bytes, place in
        let vocabulary = try Vocabulary(words: ["PAD", "UNK", "the", "red", "a b"])
        let vectors = try WordVectors(
            glove: URL(fileURLWithPath: place.write(bytes)), vocabulary: vocabulary, dimension: 3)
        _ = (0..<5).reduce(Float(0)) { $0 + vectors[$1].reduce(0, +) }
    },
    FuzzedReader(name: "tokens", seeds: { [try fixture("hub/vilt/vocab.txt")] }) { bytes, place in
        let file = URL(fileURLWithPath: try place.write(bytes))
        let wordPiece = try WordPiece(vocabulary: file, WordPieceSettings())
        // The tokens as a question: all of them are found in it, whole or in pieces.
        _ = wordPiece.pieces(of: String(decoding: bytes, as: UTF8.self), limit: .max)
    },
    FuzzedReader(
        name: "tokenizer", maximumByteCount: 4 << 10,
        seeds: {
            try ["tokenizer_config.json", "tokenizer_config_old.json"].map { try fixture("hub/vilt/" + $0) }
        }
    ) { bytes, place in
        _ = try WordPieceSettings(contentsOf: URL(fileURLWithPath: place.write(bytes)))
    },
]

/// Reads a table of questions to its end, and what its names and answers come to.
private func readRows(_ format: TableFormat, _ bytes: [UInt8], _ place: Workplace) throws {
    let names = PictureNames(["a.png", "b/c.png", "7.jpg"])
    let rows = try format.rows(of: URL(fileURLWithPath: place.write(bytes)), TableColumns())
    while let row = try rows.next() {
        _ = (
            names.find(row.picture), ImportedQuestion.hasWords(row.question),
            row.split.map(ImportSplit.init(named:))
        )
        _ = row.answers.compactMap(ImportedQuestion.normalForm)
    }
}

private let annotations = #"""
    {"annotations":[{"question_type":"is it","multiple_choice_answer":"yes","answers":[{"answer":"yes",
    "answer_confidence":"maybe","answer_id":1},{"answer":"on the left","answer_confidence":"yes","answer_id":2},
    {"answer":2}],"image_id":9,"answer_type":"yes/no","question_id":90},{"question_id":"n1","image_id":"7",
    "answers":[{"answer":"Two.","raw_answer":"x"},{"answer":"two"},{"answer":"isnt"}]}],"license":null}
    """#
