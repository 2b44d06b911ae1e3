import Archives
import FileSystem
import Foundation
import VQAFeatures

/// easy-VQA: a small public dataset of pictures of one coloured shape each, with questions about them.
///
/// It comes as a Python wheel, `easy_vqa-1.0-py3-none-any.whl` on PyPI; no Python is needed to read it.
package enum EasyVQA {
    /// How much of the dataset an import has found and put in place.
    package struct Summary: Sendable, Equatable {
        /// 4,000 pictures and 38,575 questions in version 1.0.
        package let training: Counts
        /// 1,000 pictures and 9,673 questions in version 1.0.
        package let test: Counts
    }

    /// The size of one part of the dataset.
    package struct Counts: Sendable, Equatable {
        /// The number of pictures.
        package let pictures: Int
        /// The number of questions, each with its answer.
        package let questions: Int
    }

    /// Writes the dataset in the layout of VQA-v2, its test part in the place of `val2014`:
    ///
    ///     vqa/v2_OpenEnded_mscoco_{train2014,val2014}_questions.json
    ///     vqa/v2_mscoco_{train2014,val2014}_annotations.json
    ///     images/{train2014,val2014}/COCO_<split>_<12-digit image id>.png
    ///
    /// An image's id is its picture's number, to which 1,000,000 is added in the test part, as both count
    /// from 0; a question's id is 1,000 times its image's, and 0, 1, ... . A question's one answer stands
    /// there ten times, as if ten people had given it.
    ///
    /// Every file appears in its place only when it is complete, the annotations last; importing again
    /// finishes an import that was interrupted, and leaves pictures already in place alone.
    ///
    /// - Parameters:
    ///   - wheel: the path of the wheel.
    ///   - folder: the path of the dataset's folder, which is made where it is missing.
    /// - Throws: `EasyVQAError` when the file is not an easy-VQA wheel or the folder cannot be made,
    ///   `ArchiveError` when the wheel cannot be read or a file cannot be written.
    package static func importWheel(at wheel: String, into folder: String) throws -> Summary {
        let layout = Layout(folder: folder)
        try layout.makeFolders()
        let contents = try EasyVQAWheel.read(wheel) { part, picture, bytes in
            try layout.writePicture(bytes, image: part.imageID(picture), split: part.officialSplit)
        }
        for content in contents { try layout.writeQuestions(content) }
        for content in contents { try layout.writeAnnotations(content) }
        func counts(of part: EasyVQAWheel.Part) -> Counts {
            let content = contents.first { $0.part == part }
            return Counts(pictures: content?.pictures.count ?? 0, questions: content?.questions.count ?? 0)
        }
        return Summary(training: counts(of: .training), test: counts(of: .test))
    }
}

/// A file is not an easy-VQA wheel, or a folder cannot be used for what is in it.
package struct EasyVQAError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The path of the wheel or folder.
    package let path: String
    /// What should have been there.
    package let expected: String
    /// What was there instead.
    package let found: String

    /// One line for the user.
    package var description: String { "\(path): expected \(expected), found \(found)" }
}

extension EasyVQAWheel.Part {
    /// The part of VQA-v2 whose place it takes.
    fileprivate var officialSplit: String { self == .training ? "train2014" : "val2014" }

    /// The id of the image that is a picture's number in this part.
    fileprivate func imageID(_ picture: Int64) -> ImageID {
        ImageID(rawValue: self == .training ? picture : EasyVQAWheel.pictureNumberLimit + picture)
    }
}

extension EasyVQAWheel.Question {
    fileprivate func questionID(image: ImageID) -> QuestionID {
        QuestionID(rawValue: image.rawValue * EasyVQAWheel.questionsPerPictureLimit + numberInPicture)
    }
}

/// A dataset's folder in the layout of VQA-v2.
private struct Layout {
    let folder: String

    func makeFolders() throws {
        for name in ["vqa"] + EasyVQAWheel.Part.allCases.map({ "images/" + $0.officialSplit }) {
            let path = folder + "/" + name
            do {
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            } catch {
                throw EasyVQAError(
                    path: path, expected: "a folder to write to", found: systemReason(of: error))
            }
        }
    }

    func writePicture(_ bytes: [UInt8], image: ImageID, split: String) throws {
        let digits = String(image.rawValue)
        let number = String(repeating: "0", count: max(0, 12 - digits.count)) + digits
        let path = "\(folder)/images/\(split)/COCO_\(split)_\(number).png"
        if FileManager.default.contents(atPath: path).map([UInt8].init) == bytes { return }
        let file = try AtomicFile(path: path)
        try file.write(bytes)
        // Thousands of them: waiting for the disk at each would take minutes, and another import
        // replaces those that a power cut has spoilt.
        try file.commit(durably: false)
    }

    func writeQuestions(_ content: EasyVQAWheel.Content) throws {
        let split = content.part.officialSplit
        let writer = try OfficialFileWriter(
            .questions, path: "\(folder)/vqa/v2_OpenEnded_mscoco_\(split)_questions.json",
            head: OfficialFileHead(content.part))
        for question in content.questions {
            let image = content.part.imageID(question.picture)
            try writer.write(
                OfficialQuestion(
                    imageID: image, question: question.text, questionID: question.questionID(image: image)))
        }
        try writer.commit()
    }

    func writeAnnotations(_ content: EasyVQAWheel.Content) throws {
        let split = content.part.officialSplit
        let writer = try OfficialFileWriter(
            .annotations, path: "\(folder)/vqa/v2_mscoco_\(split)_annotations.json",
            head: OfficialFileHead(content.part))
        for question in content.questions {
            let image = content.part.imageID(question.picture)
            try writer.write(
                OfficialAnnotation(
                    question: question.text, answers: [question.answer], imageID: image,
                    questionID: question.questionID(image: image)))
        }
        try writer.commit()
    }
}

extension OfficialFileHead {
    /// The head of a file about a part of easy-VQA.
    fileprivate init(_ part: EasyVQAWheel.Part) {
        self.init(
            description: "easy-VQA 1.0", dataSubtype: part.officialSplit,
            license: License(name: "MIT License", url: "https://github.com/vzhou842/easy-VQA"))
    }
}
