import Foundation
import Testing
import Torch

/// Whether tests can use a GPU.
public enum GPU {
    /// Whether there is one that libtorch can use.
    public static let isThere = Device.best != .cpu
    /// Why a test that needs one is skipped.
    public static let isMissing: Comment = "there is no CUDA device"
    /// Whether there are two that libtorch can use.
    public static let areTwo = (try? Device.cudaDeviceCount()) ?? 0 > 1
    /// Why a test that needs two is skipped.
    public static let areMissing: Comment = "there is no CUDA device beside another"

    private static let lock = NSRecursiveLock()

    /// Has one test at a time use the GPU: while one records, no other may draw random numbers there.
    public static func alone<Result>(_ body: () throws -> Result) rethrows -> Result {
        try lock.withLock(body)
    }
}
