import Foundation

/// Where in a file the channels of each anchor lie, for ports that have the anchors in another order than the original.
struct AnchorOrder: Equatable {
    /// For each of ``Anchors/ofFirstCell``, its place in the file.
    let places: [Int]

    /// That of ports whose files have no anchors: scale slowest, ratio fastest.
    static let byScale = AnchorOrder(
        places: (0..<ratioCount * scaleCount).map { $0 % scaleCount * ratioCount + $0 / scaleCount })

    private static let ratioCount = 3
    private static let scaleCount = 4
    /// How far the logarithms of two sides may be apart, of sizes that are rounded in other ways; the next anchor is
    /// more than three times as far away.
    private static let tolerance: Float = 0.1

    private init(places: [Int]) { self.places = places }

    /// Finds the anchors of the original among those of a file, by width and height.
    ///
    /// - Parameter stored: The file's, `[12, 4]`: x1, y1, x2, y2, where x2 lies behind the last pixel.
    /// - Throws: `otherAnchors` where one is not there.
    init(matching stored: [[Float]]) throws(DetectorWeightsError.Problem) {
        guard stored.count == Anchors.ofFirstCell.count else { throw .otherAnchors }
        var places: [Int] = []
        for own in Anchors.ofFirstCell.map({ Self.sides($0, bothEndsCount: true) }) {
            let place = stored.firstIndex { other in
                zip(own, Self.sides(other, bothEndsCount: false)).allSatisfy {
                    abs(log($0) - log($1)) <= Self.tolerance
                }
            }
            guard let place, !places.contains(place) else { throw .otherAnchors }
            places.append(place)
        }
        self.places = places
    }

    /// Whether a file has the anchors of the original in the original's own order.
    static func isOriginal(_ stored: [[Float]]) -> Bool {
        stored.count == Anchors.ofFirstCell.count
            && zip(stored, Anchors.ofFirstCell).allSatisfy { boxes in
                zip(boxes.0, boxes.1).allSatisfy { abs($0 - $1) < 0.01 }
            }
    }

    private static func sides(_ box: [Float], bothEndsCount: Bool) -> [Float] {
        let more: Float = bothEndsCount ? 1 : 0
        return [box[2] - box[0] + more, box[3] - box[1] + more]
    }
}
