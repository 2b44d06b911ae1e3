import FileSystem
import Foundation

extension PatchSettings {
    /// Reads a `preprocessor_config.json`, of an older or a newer form; what it leaves out is as the released ViLT has it.
    ///
    /// - Parameter path: The path of the file.
    /// - Throws: ``PatchSettingsError`` where it cannot be read, or asks for what is not done here.
    public init(contentsOf path: String) throws(PatchSettingsError) {
        let file: PreprocessorFile
        do {
            let contents = try SmallFile.contents(of: path, byteLimit: Self.byteLimit)
            file = try JSONDecoder().decode(PreprocessorFile.self, from: contents)
        } catch let error as SmallFileError {
            throw PatchSettingsError(source: path, reason: "\(error): it is no preprocessor_config.json")
        } catch let error as DecodingError {
            throw PatchSettingsError(
                source: path, reason: "is not a preprocessor_config.json of ViLT: \(error.whatIsWrong)")
        } catch {
            throw PatchSettingsError(source: path, reason: "cannot be read: \(systemReason(of: error))")
        }
        if let problem = file.problem { throw PatchSettingsError(source: path, reason: problem) }
        do {
            let released = try PatchSettings()
            try self.init(
                shortestEdge: file.size?.shortestEdge ?? released.shortestEdge,
                divisor: file.divisor ?? released.divisor,
                rescaleFactor: file.rescaleFactor ?? released.rescaleFactor,
                means: file.means ?? released.means, deviations: file.deviations ?? released.deviations)
        } catch {
            throw PatchSettingsError(source: path, reason: error.reason)
        }
    }

    /// Those of the released models have half a kilobyte.
    private static let byteLimit = 1 << 20
}

/// The keys of a `preprocessor_config.json` that say what becomes of a picture. Padding is of batches.
private struct PreprocessorFile: Decodable {
    let size: Size?
    let divisor: Int?
    let rescaleFactor: Double?
    let means: [Double]?
    let deviations: [Double]?
    private let resample: Int?
    private let isResizing: Bool?
    private let isRescaling: Bool?
    private let isNormalizing: Bool?
    private let isCropping: Bool?
    private let kind: String?
    private let olderKind: String?

    private enum CodingKeys: String, CodingKey {
        case size, resample
        case divisor = "size_divisor"
        case rescaleFactor = "rescale_factor"
        case means = "image_mean"
        case deviations = "image_std"
        case isResizing = "do_resize"
        case isRescaling = "do_rescale"
        case isNormalizing = "do_normalize"
        case isCropping = "do_center_crop"
        case kind = "image_processor_type"
        case olderKind = "feature_extractor_type"
    }

    /// The names that transformers has had for what is done here.
    private static let kinds = ["ViltImageProcessor", "ViltImageProcessorFast", "ViltFeatureExtractor"]

    /// What is asked for and not done here, in one line; nil where there is nothing.
    var problem: String? {
        for (key, found) in [(CodingKeys.kind, kind), (.olderKind, olderKind)] {
            if let found, !Self.kinds.contains(found) {
                return
                    "expected the \(key.rawValue) \(Self.kinds[0]), found '\(found)': take the file that was published "
                    + "with the model"
            }
        }
        if let resample, resample != 3 {
            return "expected resample to be 3, which is bicubic, found \(resample): no other way is supported"
        }
        for (key, found) in [
            (CodingKeys.isResizing, isResizing), (.isRescaling, isRescaling), (.isNormalizing, isNormalizing),
        ] where found == false {
            return
                "expected \(key.rawValue) to be true, found false: pictures are always resized and normalized"
        }
        if isCropping == true {
            return "expected do_center_crop to be false, found true: pictures are not cropped"
        }
        return nil
    }

    /// The shorter side: a number, or an object with it.
    struct Size: Decodable {
        let shortestEdge: Int

        private enum Keys: String, CodingKey { case shortestEdge = "shortest_edge" }

        init(from decoder: any Decoder) throws {
            if let number = try? decoder.singleValueContainer().decode(Int.self) {
                shortestEdge = number
            } else {
                shortestEdge = try decoder.container(keyedBy: Keys.self).decode(
                    Int.self, forKey: .shortestEdge)
            }
        }
    }
}
