import Foundation

/// The system's clock, by which certificates of servers are checked and curves of runs are drawn.
struct ClockCheck {
    private static let name = "clock"
    /// Years in which this version may be used.
    private static let years = 2025...2125

    /// Seconds since 1970.
    let seconds: Int

    var finding: Finding {
        var (seconds, parts) = (time_t(seconds), tm())
        let isDate = gmtime_r(&seconds, &parts) != nil
        let year = Int(parts.tm_year) + 1900
        let text =
            isDate
            ? String(
                format: "%d-%02d-%02d %02d:%02d UTC", year, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                parts.tm_min)
            : "\(seconds) s since 1970"
        guard isDate, Self.years.contains(year) else {
            return .note(
                Self.name, text,
                advice:
                    "set it: servers' certificates are not valid at that time, so that nothing can be fetched"
            )
        }
        return .ok(Self.name, text)
    }

    /// What this process finds.
    static var own: ClockCheck { ClockCheck(seconds: Int(clamping: Date().timeIntervalSince1970)) }
}
