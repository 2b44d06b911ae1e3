import Testing
import VQASettings

/// Values as files and the command line give them.
@Suite struct SettingValueTests {
    @Test(
        "text is read as YAML reads it",
        arguments: [
            ("3", .int(3)), (" -4 ", .int(-4)), ("1e-4", .double(1e-4)), ("0.5", .double(0.5)),
            ("true", .bool(true)), ("False", .bool(false)), ("yes", .bool(true)), ("null", .null),
            ("", .null),
            ("train+val", .string("train+val")), ("[12, 14]", .list([.int(12), .int(14)])), ("[]", .list([])),
            ("[0.9, 0.98]", .list([.double(0.9), .double(0.98)])),
        ] as [(String, SettingValue)])
    func parsing(text: String, value: SettingValue) {
        #expect(SettingValue(parsing: text) == value)
    }
}
