import TestSupport
import VQABatches
import VQADatasets
import VQAFeatures

/// Features given as rows, for images numbered from 0.
struct GivenFeatures: FeatureSource {
    let rows: [[[Float]]]
    /// How many regions it says each image has.
    var statedCount: Int?
    let place = "memory"

    func contains(_ image: ImageID) -> Bool { rows.indices.contains(Int(image.rawValue)) }

    func features(for image: ImageID) throws -> RegionFeatures {
        let regions = rows[Int(image.rawValue)]
        let boxes = regions.indices.flatMap { [Float($0), 10, Float($0 + 20), 30] as [Float] }
        return try RegionFeatures(
            width: regions.first?.count ?? 2, features: regions.flatMap { $0 }, boxes: boxes,
            imageHeight: 50, imageWidth: 40)
    }

    func regionCount(of image: ImageID) -> Int? { statedCount }
}

/// Questions about images whose features are given.
func givenBuilder(
    _ rows: [[[Float]]], questions: [String], images: [Int64], width: Int = 2, maximumRegions: Int = 100,
    statedCount: Int? = nil
) throws -> BatchBuilder {
    try questionBuilder(
        GivenFeatures(rows: rows, statedCount: statedCount), questions: questions, images: images,
        width: width, maximumRegions: maximumRegions)
}

/// Questions of at most three words about images.
func questionBuilder(
    _ features: any FeatureSource, questions: [String], images: [Int64], width: Int, maximumRegions: Int
) throws -> BatchBuilder {
    let table = try QuestionTable(
        zip(questions, images).enumerated().map {
            Question(
                id: QuestionID(rawValue: Int64(100 + $0)), imageID: ImageID(rawValue: $1.1), text: $1.0)
        })
    let vocabulary = try Vocabulary(words: ["PAD", "UNK", "what", "is", "this"])
    return try BatchBuilder(
        examples: Examples(questions: table, vocabulary: vocabulary, maximumWords: 3),
        features: features, answerCount: 4, featureWidth: width, maximumRegions: maximumRegions,
        maximumWords: 3)
}

/// A store packed from folders of official files.
func packedStore(_ folders: [String], in temporary: TemporaryFolder, as precision: FeaturePrecision) throws
    -> FeatureStore
{
    var packer = FeaturePacker()
    packer.precision = precision
    _ = try packer.pack(folders, into: temporary.file("packed"))
    return try FeatureStore(temporary.file("packed"))
}
