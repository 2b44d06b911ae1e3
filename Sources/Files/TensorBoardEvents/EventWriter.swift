import FileSystem
import Foundation
import SwiftProtobuf

/// Writes what TensorBoard shows of a run: an event file, of which each event is on the disk when its call returns.
///
/// A run that goes on has another file beside those that it has left. Its first event but one, `SessionLog.START`, says
/// which of the earlier ones no longer count, so that TensorBoard shows one curve, also where it is looking at the time.
package final class EventWriter {
    private let file: RecordFile
    /// Seconds since 1970.
    private let now: () -> Double

    /// A value of a setting.
    package enum Setting: Sendable, Equatable {
        case flag(Bool)
        case number(Double)
        case text(String)
    }

    /// Begins an event file in a folder.
    ///
    /// - Parameters:
    ///   - folder: The run's folder; its name is the run's in TensorBoard.
    ///   - step: The first step that is to come; 0 for a new run. Events of it and later ones that earlier files of the
    ///     folder hold no longer count.
    ///   - now: Seconds since 1970.
    /// - Throws: ``EventFileError`` where no file can be made.
    package convenience init(
        in folder: URL, from step: Int,
        now: @escaping () -> Double = { Date().timeIntervalSince1970 }
    ) throws {
        let file = try RecordFile(creating: Self.newFile(in: folder, now()))
        try self.init(file, from: step, now: now)
    }

    init(_ file: RecordFile, from step: Int, now: @escaping () -> Double) throws {
        self.file = file
        self.now = now
        try add(step: 0) { $0.fileVersion = "brain.Event:2" }
        // TensorBoard takes the first one of a run for its beginning, and those that follow for restarts.
        try add(step: step) { $0.sessionLog.status = .start }
    }

    /// Adds the values of a step, by tag: what stands before a tag's first `/` is the group that it is shown in.
    ///
    /// - Throws: ``EventFileError``.
    package func add(_ values: KeyValuePairs<String, Double>, step: Int) throws {
        try add(values.map { ($0.key, $0.value) }, step: step)
    }

    /// Adds the values of a step, by tag.
    ///
    /// - Throws: ``EventFileError``.
    package func add(_ values: [(tag: String, value: Double)], step: Int) throws {
        try add(step: step) { event in
            event.summary.value = values.map { value in
                .with {
                    $0.tag = value.tag
                    $0.simpleValue = Float(value.value)
                }
            }
        }
    }

    /// A picture that is shown.
    package struct Picture: Sendable {
        /// The bytes of a PNG.
        package let png: Data
        /// Markdown. TensorBoard keeps the first one of a tag.
        package let description: String

        /// - Parameters: as the properties.
        package init(png: Data, description: String) {
            self.png = png
            self.description = description
        }

        /// Width and height as the PNG's header states them, in pixels; 0 where it has none.
        fileprivate var size: (width: Int32, height: Int32) {
            func number(at start: Int) -> Int32 {
                let bytes = png.dropFirst(start).prefix(4)
                return Int32(clamping: bytes.reduce(0) { $0 << 8 | Int($1) })
            }
            return (number(at: 16), number(at: 20))
        }
    }

    /// Adds a picture of a step.
    ///
    /// - Throws: ``EventFileError``.
    package func add(_ picture: Picture, tag: String, step: Int) throws {
        try add(step: step) { event in
            event.summary.value = [
                .with {
                    $0.tag = tag
                    $0.metadata.pluginData.pluginName = "images"
                    $0.metadata.summaryDescription = picture.description
                    ($0.image.width, $0.image.height) = picture.size
                    $0.image.colorspace = 3
                    $0.image.encodedImageString = picture.png
                }
            ]
        }
    }

    /// Says what the run's settings are, for TensorBoard's table of runs.
    ///
    /// There is no `Experiment` beside them: TensorBoard takes the first one that it finds for all runs, and would show
    /// of the others only the settings that this one has. Without, it makes one out of all runs.
    ///
    /// - Parameters:
    ///   - settings: By name.
    ///   - checkpoints: Where the run's checkpoints are.
    /// - Throws: ``EventFileError``.
    package func begin(_ settings: [String: Setting], checkpoints: String) throws {
        try addSettings("session_start_info") { data in
            data.sessionStartInfo.hparams = settings.mapValues(\.message)
            data.sessionStartInfo.modelUri = checkpoints
            data.sessionStartInfo.startTimeSecs = now()
        }
    }

    /// Says that the run is finished.
    ///
    /// - Throws: ``EventFileError``.
    package func finish() throws {
        try addSettings("session_end_info") { data in
            data.sessionEndInfo.status = .success
            data.sessionEndInfo.endTimeSecs = now()
        }
    }

    private func addSettings(_ tag: String, _ fill: (inout Tensorboard_Hparams_HParamsPluginData) -> Void)
        throws
    {
        var data = Tensorboard_Hparams_HParamsPluginData()
        fill(&data)
        let content: Data = try data.serializedBytes()
        try add(step: 0) { event in
            event.summary.value = [
                .with {
                    $0.tag = "_hparams_/" + tag
                    $0.metadata.pluginData.pluginName = "hparams"
                    $0.metadata.pluginData.content = content
                }
            ]
        }
    }

    private func add(step: Int, _ fill: (inout Tensorboard_Event) -> Void) throws {
        var event = Tensorboard_Event()
        event.wallTime = now()
        event.step = Int64(step)
        fill(&event)
        try file.append(event.serializedBytes())
    }

    private static let prefix = "events.out.tfevents."

    /// A name that comes behind those of the folder, for TensorBoard reads files in the order of their names.
    private static func newFile(in folder: URL, _ now: Double) -> String {
        let names = (try? FolderListing(folder.path))?.visibleNames ?? []
        // Ten digits, as any second until the year 2286 has.
        let earlier = names.filter { $0.hasPrefix(prefix) }.compactMap { name in
            name.dropFirst(prefix.count).split(separator: ".").first
                .flatMap { $0.count == 10 ? Int($0) : nil }
        }
        let second = max(Int(clamping: now), (earlier.max() ?? 0) + 1)
        return folder.appending(component: "\(prefix)\(second).rwsan").path
    }
}

extension EventWriter.Setting {
    fileprivate var message: Google_Protobuf_Value {
        switch self {
        case .flag(let value): Google_Protobuf_Value(boolValue: value)
        case .number(let value): Google_Protobuf_Value(numberValue: value)
        case .text(let value): Google_Protobuf_Value(stringValue: value)
        }
    }
}
