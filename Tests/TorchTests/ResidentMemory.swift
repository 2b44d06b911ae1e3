import Foundation

/// How many pages of memory the process has in use.
func residentPages() throws -> Int {
    let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
    return text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
}
