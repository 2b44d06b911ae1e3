import Foundation
import Workers

/// Finds out which pictures can be read, by reading them, on all cores.
package enum PictureCheck {
    /// What is wrong with each picture; nil for one that can be read.
    ///
    /// - Parameters:
    ///   - paths: The pictures' paths.
    ///   - progress: Called on the calling thread with the number of pictures seen to.
    /// - Throws: `ThreadError` where the system makes no thread; what `progress` throws.
    package static func problems(with paths: [String], progress: (_ done: Int) throws -> Void = { _ in })
        throws
        -> [PictureError?]
    {
        let memory = PictureMemory()
        let results = Prefetcher(
            0..<paths.count, workers: Processors.count
        ) { place -> PictureError? in
            do {
                try memory.use(
                    FoundPicture(path: paths[place]), reading: .shown, adding: { _, _ in 0 }, { _ in })
                return nil
            } catch let error as PictureError {
                return error
            }
        }
        defer { results.end() }
        var problems: [PictureError?] = []
        while let problem = try results.next() {
            problems.append(problem)
            try progress(problems.count)
        }
        return problems
    }
}
