import Foundation

/// What a request is about.
package enum ImageSource: Sendable, Equatable {
    /// The bytes of a picture file.
    case picture([UInt8])
    /// The bytes of a file of features in the official form (`.npz`).
    case features([UInt8])
    /// What was sent before, by the id that came back.
    case kept(String)
}

/// The fields of a request's body, whichever form it came in.
struct RequestFields {
    /// What may be wrong with each is told with its name.
    var images: [ImageSource] = []
    var questions: [String]?
    var top: Int?
    var explain: String?
    var layer: Int?
    var head: Int?
    var regions: Bool?
    var values: Bool?

    /// The names of the fields, in the order in which errors list them.
    static let names = [
        "picture", "features", "pictureId", "questions", "top", "explain", "layer", "head", "regions",
        "values",
    ]

    /// What the request is about.
    func image() throws(RequestError) -> ImageSource {
        guard let image = images.first, images.count == 1 else {
            throw RequestError(
                "expected one of picture, features and pictureId, found \(images.isEmpty ? "none" : "several")"
            )
        }
        return image
    }

    /// How answers are to be explained; nil for not at all. Occlusion has no concern with layers.
    func explanation() throws(RequestError) -> AnswerRequest.Explanation? {
        let methods = AnswerRequest.Explanation.methods
        guard let explain else {
            guard layer == nil, head == nil else {
                throw RequestError("layer, head: expected explain with them, found none")
            }
            return nil
        }
        guard methods.contains(explain) else {
            throw RequestError(
                "explain: expected \(methods.joined(separator: " or ")), found \(shown(explain))")
        }
        guard head == nil || layer != nil else {
            throw RequestError("head: expected layer with it, found none")
        }
        guard (1...1000).contains(layer ?? 1), (1...1000).contains(head ?? 1) else {
            throw RequestError("layer, head: expected numbers from 1 on, found others")
        }
        return AnswerRequest.Explanation(method: explain, layer: layer, head: head)
    }

    /// Makes sure that there is nothing but what the route takes.
    func requireOnly(_ allowed: Set<String>) throws(RequestError) {
        let present: [(String, Bool)] = [
            ("questions", questions != nil), ("top", top != nil), ("explain", explain != nil),
            ("layer", layer != nil), ("head", head != nil),
            ("regions", regions != nil), ("values", values != nil),
        ]
        for (name, isPresent) in present where isPresent && !allowed.contains(name) {
            throw RequestError("\(name): the address takes no such field")
        }
    }

    static func unknown(_ name: String) -> RequestError {
        RequestError("\(shown(name)): no such field; expected some of \(names.joined(separator: ", "))")
    }

    /// Reads the body of a request.
    ///
    /// - Parameter contentType: The header of that name; nil where there is none.
    init(_ body: [UInt8], contentType: String?) throws(RequestError) {
        let type = HeaderValue(parsing: contentType ?? "")
        switch type.value {
        case "application/json": try self.init(json: body)
        case "multipart/form-data": try self.init(form: MultipartForm(body, contentType: type))
        default:
            throw RequestError(
                "Content-Type: expected application/json or multipart/form-data, found "
                    + (contentType == nil ? "none" : shown(type.value)), kind: .unsupportedType)
        }
    }
}

// MARK: - Forms

extension RequestFields {
    private init(form: MultipartForm) throws(RequestError) {
        for part in form.parts {
            switch part.name {
            case "picture": images.append(.picture(Array(part.contents)))
            case "features": images.append(.features(Array(part.contents)))
            case "pictureId": images.append(.kept(try Self.text(part)))
            case "questions": questions = (questions ?? []) + [try Self.text(part)]
            case "top": try Self.setOnce(&top, part, "a whole number") { Int($0) }
            case "explain": try Self.setOnce(&explain, part, "a text") { $0 }
            case "layer": try Self.setOnce(&layer, part, "a whole number") { Int($0) }
            case "head": try Self.setOnce(&head, part, "a whole number") { Int($0) }
            case "regions": try Self.setOnce(&regions, part, "true or false") { Bool($0) }
            case "values": try Self.setOnce(&values, part, "true or false") { Bool($0) }
            default: throw Self.unknown(part.name)
            }
        }
    }

    private static func text(_ part: MultipartForm.Part) throws(RequestError) -> String {
        guard let text = String(validating: part.contents, as: UTF8.self) else {
            throw RequestError("\(part.name): expected a text in UTF-8, found other bytes")
        }
        return text
    }

    private static func setOnce<Value>(
        _ field: inout Value?, _ part: MultipartForm.Part, _ expected: String, _ parse: (String) -> Value?
    ) throws(RequestError) {
        guard field == nil else { throw RequestError("\(part.name): expected it once, found it again") }
        let text = try text(part)
        guard let value = parse(text) else {
            throw RequestError("\(part.name): expected \(expected), found \(shown(text))")
        }
        field = value
    }
}

// MARK: - JSON

extension RequestFields: Decodable {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(_ name: String) { stringValue = name }
        init?(stringValue: String) { self.init(stringValue) }
        init?(intValue: Int) { nil }
    }

    private init(json: [UInt8]) throws(RequestError) {
        do {
            self = try JSONDecoder().decode(RequestFields.self, from: Data(json))
        } catch let error as RequestError {
            throw error
        } catch let error as DecodingError {
            throw RequestError(Self.text(of: error))
        } catch {
            throw RequestError("expected JSON, found something else")
        }
    }

    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        for key in values.allKeys where !Self.names.contains(key.stringValue) {
            throw Self.unknown(key.stringValue)
        }
        func field<Value: Decodable>(_ name: String, _ type: Value.Type) throws -> Value? {
            // Null is no value: a field that is not meant is left out.
            values.contains(Key(name)) ? try values.decode(type, forKey: Key(name)) : nil
        }
        func whole(_ name: String) throws -> Int? {
            guard let number = try field(name, Double.self) else { return nil }
            guard let whole = Int(exactly: number) else {
                throw RequestError("'\(name)': expected a whole number, found \(number)")
            }
            return whole
        }
        if let text = try field("picture", String.self) {
            images.append(.picture(try Self.bytes(text, "picture")))
        }
        if let text = try field("features", String.self) {
            images.append(.features(try Self.bytes(text, "features")))
        }
        if let id = try field("pictureId", String.self) { images.append(.kept(id)) }
        questions = try field("questions", [String].self)
        top = try whole("top")
        explain = try field("explain", String.self)
        layer = try whole("layer")
        head = try whole("head")
        regions = try field("regions", Bool.self)
        self.values = try field("values", Bool.self)
    }

    private static func bytes(_ text: String, _ name: String) throws(RequestError) -> [UInt8] {
        guard let data = Data(base64Encoded: text) else {
            throw RequestError("\(name): expected a file in base64, found \(shown(text))")
        }
        return [UInt8](data)
    }

    private static func text(of error: DecodingError) -> String {
        func place(_ context: DecodingError.Context) -> String {
            let names = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }
            return names.isEmpty ? "the body" : shown(names.joined(separator: " "))
        }
        switch error {
        case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
            return "\(place(context)): expected \(Self.name(of: type)), found something else"
        case .dataCorrupted(let context):
            return "\(place(context)): expected JSON, found something else, or it was cut off"
        case .keyNotFound: return "the body: expected an object"
        @unknown default: return "expected JSON, found something else"
        }
    }

    private static func name(of type: any Any.Type) -> String {
        switch type {
        case is String.Type: "a text"
        case is Double.Type: "a whole number"
        case is Bool.Type: "true or false"
        case is [Any].Type: "a list"
        default: "an object"
        }
    }
}
