/// Shows how far the answering of many questions has come, and ends it at Ctrl-C.
struct AnsweringProgress {
    /// - Parameter body: Answers the questions; tells how many there are and are done, and is told whether to go on.
    func show<Result>(
        _ body: (_ onProgress: (_ answered: Int, _ count: Int) -> Bool) throws -> Result
    ) rethrows -> Result {
        let interrupts = Interrupts {}
        let line = ProgressLine()
        let result = try body { answered, count in
            line.show { "answering: \(answered) of \(count) questions" }
            return !interrupts.isRequested
        }
        Console.clearProgress()
        return result
    }
}
