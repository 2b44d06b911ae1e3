import Foundation

/// The project's folder for what can be made again: `$RWSAN_CACHE`, else `$XDG_CACHE_HOME/rwsan`, else
/// `~/.cache/rwsan`.
package enum UserCache {
    package static func folder(_ environment: [String: String]) -> String {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        let home = value("HOME") ?? NSHomeDirectory()
        return value("RWSAN_CACHE") ?? (value("XDG_CACHE_HOME") ?? home + "/.cache") + "/rwsan"
    }
}
