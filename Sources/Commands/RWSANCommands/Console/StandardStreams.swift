import Foundation

/// Standard input, output and error as the process was given them.
enum StandardStreams {
    /// Gives those that are closed the null device: the next file that is opened would else take their place, and be
    /// written notes and results into.
    ///
    /// - Returns: Whether standard output was open.
    static func fill() -> Bool {
        var isOutputOpen = true
        for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO]
        where fcntl(descriptor, F_GETFD) < 0 && errno == EBADF {
            // The lowest that is free is what `open` gives, and those below are taken by now.
            _ = open("/dev/null", O_RDWR)
            if descriptor == STDOUT_FILENO { isOutputOpen = false }
        }
        return isOutputOpen
    }
}
