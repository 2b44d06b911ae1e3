extension DecodingError {
    /// What the decoder stumbled over, and at which key, in one line.
    package var whatIsWrong: String {
        switch self {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
            .dataCorrupted(let context):
            let keys = context.codingPath.map(\.stringValue).joined(separator: ".")
            return keys.isEmpty ? context.debugDescription : "\(keys): \(context.debugDescription)"
        @unknown default: return localizedDescription
        }
    }
}
