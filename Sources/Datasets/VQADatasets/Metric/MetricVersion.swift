/// Which form of the official accuracy it is: how the people's answers and the predicted one are made comparable.
public enum MetricVersion: String, CaseIterable, Sendable {
    /// That of the official RWSAN release, and of the VQA authors before March 2021. The predicted answer is brought
    /// into normal form, the people's only loses its punctuation where they differ. "The Old Bridge" scores nothing,
    /// though all ten people may have said so.
    case release
    /// That of the VQA authors since 2021-03-11 (commit a013f00 of GT-Vision-Lab/VQA). Where the people's answers differ,
    /// all of them and the predicted one are brought into normal form; where all are the same, all are compared as they
    /// were given, without the white space around them.
    case vqa2021 = "vqa-2021"
}
