import Archives
import Foundation
import Synchronization
import TestSupport
import Testing

/// Locks that two want at once.
@Suite struct FileLockTests {
    @Test("a lock is refused while another holds it, and given when it is let go")
    func refusedWhileHeld() throws {
        let folder = try TemporaryFolder()
        var held = try FileLock(path: folder.file("lock"))
        #expect(held != nil)
        #expect(try FileLock(path: folder.file("lock")) == nil)
        held = nil
        #expect(try FileLock(path: folder.file("lock")) != nil)
    }

    /// Closed twice, a refused lock's file took with it whatever had got its number in between: another thread's
    /// connection, or the file it was writing.
    @Test("a refused lock closes nobody else's file")
    func refusalClosesNothingElse() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("lock")
        let held = try FileLock(path: path)
        let lost = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: 2) { thread in
            if thread == 0 {
                for _ in 0..<10_000 { _ = try? FileLock(path: path) }
            } else {
                for _ in 0..<80_000 where close(dup(STDERR_FILENO)) != 0 { lost.add(1, ordering: .relaxed) }
            }
        }
        #expect(lost.load(ordering: .relaxed) == 0)
        withExtendedLifetime(held) {}
    }
}
