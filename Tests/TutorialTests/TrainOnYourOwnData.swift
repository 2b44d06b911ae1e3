import Foundation
import VisualQuestionAnswering

/// Trains on a folder of questions and features, and gives the checkpoint of the best epoch.
func train(on datasets: String, in folder: URL, _ settings: [String: SettingValue]) throws -> String? {
    var request = TrainingRun.Request(name: "mine", place: .folder(datasets))
    request.workingFolder = folder
    for (key, value) in settings { try request.configuration.set(key, to: value) }
    request.onNotice = { print("note:", $0) }

    var best: (accuracy: Double, checkpoint: String)?
    let outcome = try TrainingRun(request).train { event in
        guard case .epoch(let record, let checkpoint) = event, let accuracy = record.overall else { return }
        print("epoch \(record.epoch): loss \(record.loss), accuracy \(accuracy) %")
        if accuracy > best?.accuracy ?? -1 { best = (accuracy, checkpoint) }
    }
    print(outcome)
    return best?.checkpoint
}

/// Answers the questions of val, and says how often the answers are right.
func evaluate(_ checkpoint: String, on datasets: String) throws -> Double {
    var options = Answerer.Options()
    options.place = .folder(datasets)
    let evaluation = try Answerer(checkpoint: checkpoint, options).evaluate(split: "val")
    for (type, accuracy) in evaluation.report.perAnswerType.sorted(by: { $0.key < $1.key }) {
        print(type, accuracy)
    }
    return evaluation.report.overall
}

/// Answers a question about an image whose features are in a file.
func ask(_ question: String, aboutFeaturesIn file: String, _ checkpoint: String) throws -> String? {
    let answerer = try Answerer(checkpoint: checkpoint)
    let regions = try RegionFeatures(officialFile: file)
    let answers = try answerer.ask([question], about: regions)[0]
    for answer in answers { print(answer.score, answer.text) }
    return answers.first?.text
}
