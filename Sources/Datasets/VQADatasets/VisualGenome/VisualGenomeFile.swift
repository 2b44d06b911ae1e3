import CVQAJSON
import Foundation
import TextFiles

/// The files of Visual Genome, as they are published.
enum VisualGenomeFile {
    /// The pictures of `image_data.json` that are COCO's: their numbers there, and COCO's.
    ///
    /// - Throws: `DatasetFileError` where the file cannot be read or has another form.
    static func images(of file: URL) throws -> [(image: Int64, coco: Int64)] {
        try readColumns(of: file, with: vqa_genome_images_read, into: VQAGenomeImages()) { view in
            let numbers = column(view.image_ids, count: view.count) { $0 }
            return Array(zip(numbers, column(view.coco_ids, count: view.count) { $0 })).map { ($0, $1) }
        }
    }

    /// A closure that may throw, for a visitor of C that may not.
    private final class State {
        let visit: (VQAGenomeQuestion) throws -> Bool
        var failure: (any Error)?
        init(_ visit: @escaping (VQAGenomeQuestion) throws -> Bool) { self.visit = visit }
    }

    /// Visits the questions of `question_answers.json` until `visit` says no. One picture's are in memory at a time.
    ///
    /// - Throws: `DatasetFileError` where the file has another form; what `visit` throws.
    static func visitQuestions(of file: URL, _ visit: (VQAGenomeQuestion) throws -> Bool) throws {
        try withoutActuallyEscaping(visit) { visit in
            let state = State(visit)
            var problem = VQAJSONError()
            let isInOrder = withExtendedLifetime(state) {
                vqa_genome_questions_visit(
                    file.path,
                    { context, question in
                        guard let context, let question else { return false }
                        let state = Unmanaged<State>.fromOpaque(context).takeUnretainedValue()
                        do {
                            return try state.visit(question.pointee)
                        } catch {
                            state.failure = error
                            return false
                        }
                    }, Unmanaged.passUnretained(state).toOpaque(), &problem)
            }
            if let failure = state.failure { throw failure }
            guard !isInOrder else { return }
            throw DatasetFileError(file: file, of: problem)
        }
    }

    /// A text of a question that is being visited.
    static func text(_ start: UnsafePointer<CChar>?, _ byteCount: Int) -> String {
        String(decoding: UnsafeRawBufferPointer(start: start, count: byteCount), as: UTF8.self)
    }
}
