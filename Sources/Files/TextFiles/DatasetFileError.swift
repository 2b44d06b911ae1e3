import FileSystem
import Foundation

/// A file of questions, annotations, answers or word vectors that cannot be used, and why.
public struct DatasetFileError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Where in the file the problem lies.
    public enum Location: Sendable, Equatable {
        /// The file as a whole.
        case file
        /// The position of a record in the file's array, from 0 as in `annotations[12]`.
        case record(Int)
        /// A line of a text file, from 1.
        case line(Int)
    }

    /// The path of the file.
    public let path: String
    /// Where in the file.
    public let location: Location
    /// What was expected and what was found, place included, in one line.
    public let problem: String

    /// An error about a file, or a place in it.
    public init(file: URL, location: Location = .file, problem: String) {
        self.path = file.path
        self.location = location
        self.problem = problem
    }

    /// The error in one line.
    public var description: String {
        switch location {
        case .file, .record: "\(path): \(problem)"
        case .line(let number): "\(path), line \(number): \(problem)"
        }
    }
}

extension DatasetFileError {
    /// A file that Foundation could not read or write, with the system's own words for why.
    package init(file: URL, problem: String, cause: any Error) {
        self.init(file: file, problem: "\(problem): \(systemReason(of: cause))")
    }
}
