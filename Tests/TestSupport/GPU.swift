import Testing
import Torch

/// Whether tests can use a GPU.
public enum GPU {
    /// Whether there is one that libtorch can use.
    public static let isThere = Device.best != .cpu
    /// Why a test that needs one is skipped.
    public static let isMissing: Comment = "there is no CUDA device"
}
