import FileSystem
import Foundation

/// Weights of bottom-up attention that a program can fetch, and the short name by which `--detector` takes them then.
enum PublishedDetector: String, CaseIterable {
    /// Caffe's, for 10 to 100 regions.
    case upTo100 = "k10-100"
    /// Caffe's, for 36 regions.
    case fixed36 = "k36"
    /// Those of the Hugging Face hub, for 36 regions.
    case hub

    /// What the file is called by its authors.
    var fileName: String {
        switch self {
        case .upTo100: "resnet101_faster_rcnn_final.caffemodel"
        case .fixed36: "resnet101_faster_rcnn_final_iter_320000.caffemodel"
        case .hub: "pytorch_model.bin"
        }
    }

    /// Where its authors give it; nil for the hub's, which is asked by its repository.
    var source: String? {
        switch self {
        case .upTo100: "https://storage.googleapis.com/up-down-attention/"
        case .fixed36: "https://storage.googleapis.com/bottom-up-attention/"
        case .hub: nil
        }
    }

    /// The repository of the hub.
    static let repository = "unc-nlp/frcnn-vg-finetuned"

    /// The files with the names of objects and attributes, and where the original's authors give them.
    static let nameFiles = (objects: "objects_vocab.txt", attributes: "attributes_vocab.txt")
    static let namesSource =
        "https://raw.githubusercontent.com/peteanderson80/bottom-up-attention/master/data/genome/1600-400-20/"

    /// How `--regions` asks for the number of regions that it was trained for; nil where that need not be said.
    var regions: String? { self == .upTo100 ? nil : "36" }

    /// The names of all, in words.
    static var choices: String { "\(upTo100.rawValue), \(fixed36.rawValue) or \(hub.rawValue)" }

    /// The folder in the program's cache that it is fetched to where no other is named.
    var folder: String {
        UserCache.folder(ProcessInfo.processInfo.environment) + "/detectors/" + rawValue
    }

    /// The path of the weights there.
    var path: String { folder + "/" + fileName }

    /// The folder of the names that were fetched with the weights; nil where there are none.
    var fetchedNames: String? {
        let files = [Self.nameFiles.objects, Self.nameFiles.attributes]
        return files.allSatisfy { access(folder + "/" + $0, F_OK) == 0 } ? folder : nil
    }

    /// The path of the weights that were fetched.
    ///
    /// - Throws: `DetectorNotFetched`.
    func fetchedPath() throws(DetectorNotFetched) -> String {
        guard access(path, F_OK) == 0 else { throw DetectorNotFetched(detector: self) }
        return path
    }
}

/// Weights of a short name that are not there yet.
struct DetectorNotFetched: Error, CustomStringConvertible {
    let detector: PublishedDetector
    var description: String {
        "--detector \(detector.rawValue): expected weights in \(detector.path), found none: "
            + "'\(Program.name) fetch detector --which \(detector.rawValue)' brings them"
    }
}
