import CTorch

/// What a GPU is given to do in order, beside what it is given on other streams. On the CPU, where all work is done when a
/// call returns, it stands for nothing.
package struct DeviceStream: Sendable {
    /// The device.
    package let device: Device
    private let stream: ctorch_stream?

    /// The stream that the calling thread gives its work to.
    ///
    /// - Throws: `TorchError` where the device cannot be used.
    package static func current(of device: Device) throws(TorchError) -> DeviceStream {
        try DeviceStream(device, ctorch_stream_current)
    }

    /// A stream beside those that compute, whose work is preferred.
    ///
    /// - Throws: `TorchError` where the device cannot be used.
    package static func beside(_ device: Device) throws(TorchError) -> DeviceStream {
        try DeviceStream(device, ctorch_stream_beside)
    }

    private init(
        _ device: Device,
        _ find: (
            Int32, UnsafeMutablePointer<ctorch_stream>, UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
        ) -> Bool
    ) throws(TorchError) {
        self.device = device
        guard case .cuda(let index) = device else {
            stream = nil
            return
        }
        var found = ctorch_stream()
        try checkBridge("stream") { find(Int32(clamping: index), &found, $0) }
        stream = found
    }

    /// Has what is given to this stream from here on wait for what another one was given.
    ///
    /// - Throws: `TorchError` where work given to the device before has failed.
    package func follow(_ other: DeviceStream) throws(TorchError) {
        guard let stream, let other = other.stream else { return }
        try checkBridge("stream") { ctorch_stream_follow(stream, other, $0) }
    }

    /// Remembers what the stream was given so far.
    ///
    /// - Throws: `TorchError` where work given to the device before has failed.
    package func moment() throws(TorchError) -> DeviceMoment {
        guard let stream else { return DeviceMoment(event: nil) }
        return DeviceMoment(event: try withBridgeError("event") { ctorch_event_record(stream, $0) })
    }

    /// The `cudaStream_t`; nil for a device's default stream, and on the CPU.
    ///
    /// - Throws: `TorchError` where the device cannot be used.
    package var handle: UnsafeMutableRawPointer? {
        get throws(TorchError) {
            guard let stream else { return nil }
            var message: UnsafeMutablePointer<CChar>?
            let handle = ctorch_stream_handle(stream, &message)
            defer { ctorch_free(message) }
            if let message { throw TorchError(operation: "stream", reason: String(cString: message)) }
            return handle
        }
    }
}

/// A moment in what a stream is given.
package final class DeviceMoment {
    private let event: ctorch_event_ref?

    fileprivate init(event: ctorch_event_ref?) { self.event = event }

    deinit { if let event { ctorch_event_free(event) } }

    /// Whether all that the stream had been given then is done; on the CPU it always is.
    ///
    /// - Throws: `TorchError` where that work failed.
    package var isPast: Bool {
        get throws(TorchError) {
            guard let event else { return true }
            var isDone = false
            try checkBridge("event") { ctorch_event_is_done(event, &isDone, $0) }
            return isDone
        }
    }
}

extension Device {
    /// What tells a GPU from all others, of any machine; none for the CPU.
    ///
    /// - Throws: `TorchError` where it cannot be found out.
    package var identity: [UInt8] {
        get throws(TorchError) {
            guard case .cuda(let index) = self else { return [] }
            var identity = [UInt8](repeating: 0, count: 16)
            try checkBridge("identity") { ctorch_cuda_identity(Int32(clamping: index), &identity, $0) }
            return identity
        }
    }

    /// Makes this the device that the calling thread's calls of CUDA's own functions are for; does nothing for the CPU. A thread
    /// that has not said so takes memory of the first GPU, too.
    ///
    /// - Throws: `TorchError` where it cannot be used.
    package func select() throws(TorchError) {
        guard case .cuda(let index) = self else { return }
        try checkBridge("select") { ctorch_cuda_select(Int32(clamping: index), $0) }
    }
}

extension Tensor {
    /// Where the tensor's elements lie in its device's memory, which only the device may look at.
    package var address: UnsafeMutableRawPointer? { ctorch_tensor_address(handle) }
}
