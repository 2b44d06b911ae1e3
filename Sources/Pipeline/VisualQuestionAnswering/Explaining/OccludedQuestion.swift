import VQADatasets
import VQAFeatures

/// A question about an image, and the same without each of the regions, and without each of the words, that are read.
struct OccludedQuestion: FeatureSource {
    let place = "the image"
    private let question: String
    private let regions: RegionFeatures
    private let vocabulary: Vocabulary
    private let words: [WrittenWord]
    /// The regions and words that are left out, in the order in which the model is asked without them.
    private let leftOutRegions: [Int]
    private let leftOutWords: [Int]

    /// - Parameters:
    ///   - question: Some words.
    ///   - regions: The image's.
    ///   - vocabulary: What says which words there are.
    ///   - maximumWords: How many words, or pieces of words, the model reads.
    ///   - maximumRegions: How many regions it reads.
    init(
        _ question: String, _ regions: RegionFeatures, _ vocabulary: Vocabulary, maximumWords: Int,
        maximumRegions: Int
    ) {
        self.question = question
        self.regions = regions
        self.vocabulary = vocabulary
        let words = vocabulary.writtenWords(of: question, maximumCount: maximumWords)
        self.words = words
        // In place of a region of zeros among more than are read, another one comes in.
        leftOutRegions =
            regions.count > maximumRegions
            ? Array(0..<max(0, maximumRegions)) : regions.readRegions(maximumCount: maximumRegions)
        leftOutWords = words.indices.filter { !words[$0].rows.isEmpty }
    }

    /// What is asked: the question as it is, then without each region, then without each word. Image 0 is the whole, others
    /// are without the region before their number.
    func table() throws -> QuestionTable {
        let whole = [(0, question)]
        let withoutRegions = leftOutRegions.map { ($0 + 1, question) }
        let withoutWords = leftOutWords.map { (0, vocabulary.question(question, without: words[$0])) }
        return try QuestionTable(
            (whole + withoutRegions + withoutWords).enumerated().map { number, asked in
                Question(
                    id: QuestionID(rawValue: Int64(number)), imageID: ImageID(rawValue: Int64(asked.0)),
                    text: asked.1)
            })
    }

    /// How much a logit falls without each region, and without each word.
    ///
    /// - Parameter logits: An answer's logit for each question of ``table()``.
    func falls(_ logits: [Double]) -> (regions: [Double], words: [WordWeight]) {
        let falls = logits.dropFirst().map { logits[0] - $0 }
        var byRegion = [Double](repeating: 0, count: regions.count)
        for (region, fall) in zip(leftOutRegions, falls) { byRegion[region] = fall }
        var byWord = [Double](repeating: 0, count: words.count)
        for (word, fall) in zip(leftOutWords, falls.dropFirst(leftOutRegions.count)) { byWord[word] = fall }
        return (byRegion, zip(words, byWord).map { WordWeight(text: $0.text, weight: $1) })
    }

    func contains(_ image: ImageID) -> Bool { (0...Int64(regions.count)).contains(image.rawValue) }

    func features(for image: ImageID) throws -> RegionFeatures {
        let number = Int(clamping: image.rawValue)
        return (0..<regions.count).contains(number - 1) ? regions.removing(number - 1) : regions
    }
}
