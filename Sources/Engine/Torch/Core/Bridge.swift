import CTorch

/// Calls a function of the bridge that reports failure through an error message, and throws what it reports.
func withBridgeError<Result>(
    _ operation: String, _ call: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result?
) throws(TorchError) -> Result {
    var message: UnsafeMutablePointer<CChar>?
    let result = call(&message)
    defer { ctorch_free(message) }
    guard let result else {
        let reason = message.map { String(cString: $0) } ?? "failed without a reason"
        throw TorchError(operation: operation, reason: reason)
    }
    return result
}

/// The same for functions that return whether they succeeded.
func checkBridge(
    _ operation: String, _ call: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Bool
) throws(TorchError) {
    _ = try withBridgeError(operation) { call($0) ? true : nil }
}

/// The same for functions that return a text, which is the caller's.
func withBridgeText(
    _ operation: String,
    _ call: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> UnsafeMutablePointer<CChar>?
) throws(TorchError) -> String {
    let text = try withBridgeError(operation) { call($0) }
    defer { ctorch_free(text) }
    return String(cString: text)
}
