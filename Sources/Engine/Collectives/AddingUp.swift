extension ProcessGroup {
    /// So many numbers are added up at a time: 64 MB, so that little more memory than for the numbers is taken.
    private static let segmentLength = 16 << 20

    /// Adds up the numbers of all processes; all have the sums then.
    ///
    /// Each process adds up a part of them and gives it to the others, so that twice the numbers leave each process, however
    /// many there are. Where several machines have several processes each, and all of them as many, those of a machine do so
    /// first, and each then with its counterparts on the other machines: so that twice the numbers leave each machine.
    ///
    /// Numbers are added in the order of ranks, first those of a machine and then the machines' sums.
    ///
    /// - Parameters:
    ///   - numbers: As many in every process.
    ///   - machines: The processes of each machine; as they are if not given.
    /// - Throws: `ProcessError`.
    package func addUp(_ numbers: UnsafeMutableBufferPointer<Float>, machines: [[Int]]? = nil)
        throws(ProcessError)
    {
        let (neighbours, counterparts) = Self.partners(of: rank, on: machines ?? Self.machines(of: hosts))
        for start in stride(from: 0, to: numbers.count, by: Self.segmentLength) {
            let end = min(numbers.count, start + Self.segmentLength)
            let segment = UnsafeMutableBufferPointer(rebasing: numbers[start..<end])
            let part = try collect(segment, among: neighbours)
            if counterparts.count > 1 {
                let smaller = try collect(part, among: counterparts)
                try handOut(smaller, to: part, among: counterparts)
            }
            try handOut(part, to: segment, among: neighbours)
        }
    }

    /// The processes of each machine, in the order of ranks.
    static func machines(of hosts: [String]) -> [[Int]] {
        let byHost = Dictionary(grouping: hosts.indices, by: { hosts[$0] })
        return byHost.values.sorted { $0[0] < $1[0] }
    }

    /// Whom a process adds up with first, itself among them, and whom then.
    static func partners(of rank: Int, on machines: [[Int]]) -> (neighbours: [Int], counterparts: [Int]) {
        let all = machines.flatMap { $0 }.sorted()
        guard machines.count > 1, let each = machines.first?.count, each > 1,
            machines.allSatisfy({ $0.count == each }),
            let own = machines.first(where: { $0.contains(rank) }), let place = own.firstIndex(of: rank)
        else {
            return (all, [rank])
        }
        return (own, machines.map { $0[place] })
    }

    /// Adds up a part of some processes' numbers, in the order of `ranks`; the other parts are the others'.
    ///
    /// - Returns: The part, which ``handOut(_:to:among:)`` frees.
    private func collect(_ numbers: UnsafeMutableBufferPointer<Float>, among ranks: [Int])
        throws(ProcessError)
        -> UnsafeMutableBufferPointer<Float>
    {
        let lengths = Self.lengths(of: numbers.count, among: ranks)
        let length = ranks.firstIndex(of: rank).map { lengths[$0] } ?? 0
        let arrived = UnsafeMutableBufferPointer<Float>.allocate(capacity: max(1, length * ranks.count))
        // Where an exchange fails, its memory is still MPI's, so that none of it is freed then.
        try connection.exchange(
            numbers.baseAddress, layout(lengths, of: ranks), arrived.baseAddress,
            layout(ranks.map { _ in length }, of: ranks), hosts: hosts)
        // The first row becomes the sum.
        for other in 1..<max(1, ranks.count) {
            for place in 0..<length { arrived[place] += arrived[other * length + place] }
        }
        return UnsafeMutableBufferPointer(start: arrived.baseAddress, count: length)
    }

    /// Gives the part that this process has added up to the others, and takes theirs.
    private func handOut(
        _ part: UnsafeMutableBufferPointer<Float>, to numbers: UnsafeMutableBufferPointer<Float>,
        among ranks: [Int]
    ) throws(ProcessError) {
        var sent = layout(ranks.map { _ in part.count }, of: ranks)
        sent.offsets = sent.offsets.map { _ in 0 }
        let lengths = Self.lengths(of: numbers.count, among: ranks)
        try connection.exchange(
            part.baseAddress, sent, numbers.baseAddress, layout(lengths, of: ranks), hosts: hosts)
        part.deallocate()
    }

    /// How many numbers each process adds up.
    private static func lengths(of count: Int, among ranks: [Int]) -> [Int] {
        ranks.indices.map { count * ($0 + 1) / ranks.count - count * $0 / ranks.count }
    }

    /// Numbers of some processes, one after the other; none of the others.
    private func layout(_ lengths: [Int], of ranks: [Int]) -> Connection.Layout {
        let width = MemoryLayout<Float>.size
        let none = [Int32](repeating: 0, count: count)
        var layout = Connection.Layout(counts: none, offsets: none)
        var start = 0
        for (rank, length) in zip(ranks, lengths) {
            layout.counts[rank] = Int32(clamping: length * width)
            layout.offsets[rank] = Int32(clamping: start * width)
            start += length
        }
        return layout
    }
}
