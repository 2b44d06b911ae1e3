import VQATraining

/// Shows how far the answering of many questions has come, and ends it at Ctrl-C.
struct AnsweringProgress {
    /// - Parameter body: Answers the questions; tells how many there are and are done, and is told whether to go on.
    /// - Throws: What `body` throws; an exit code where a signal has ended it.
    func show<Result>(
        _ body: (_ onProgress: (_ answered: Int, _ count: Int) -> Bool) throws -> Result
    ) throws -> Result {
        let interrupts = Interrupts()
        let line = ProgressLine()
        do {
            let result = try body { answered, count in
                line.show { "answering: \(answered) of \(count) questions" }
                return !interrupts.isRequested
            }
            Console.clearProgress()
            return result
        } catch let error as InterruptedError {
            Console.note("\(error)")
            throw interrupts.exitCode
        }
    }
}
