/// How often a number was at most so large, for some sizes, as Prometheus reads it.
struct Histogram: Sendable {
    /// The upper ends, ascending.
    let bounds: [Double]
    private var counts: [Int]
    private var count = 0
    private var sum = 0.0

    init(_ bounds: [Double]) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count)
    }

    mutating func add(_ value: Double) {
        count += 1
        sum += value
        if let index = bounds.firstIndex(where: { value <= $0 }) { counts[index] += 1 }
    }

    /// The lines of the text form.
    ///
    /// - Parameters:
    ///   - name: The metric's.
    ///   - label: `stage="answer"`, or nothing.
    func lines(_ name: String, _ label: String = "") -> [String] {
        var lines: [String] = []
        var total = 0
        let separator = label.isEmpty ? "" : ","
        for (bound, count) in zip(bounds, counts) {
            total += count
            lines.append("\(name)_bucket{\(label)\(separator)le=\"\(bound)\"} \(total)")
        }
        let labels = label.isEmpty ? "" : "{\(label)}"
        return lines + [
            "\(name)_bucket{\(label)\(separator)le=\"+Inf\"} \(count)", "\(name)_sum\(labels) \(sum)",
            "\(name)_count\(labels) \(count)",
        ]
    }
}
