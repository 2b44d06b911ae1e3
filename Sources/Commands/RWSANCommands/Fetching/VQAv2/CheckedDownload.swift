import Downloads
import Foundation
import VQADatasets

extension Downloader {
    /// Fetches an archive, where it is not there yet, and uses it. One that turns out damaged is removed, and fetched once
    /// more.
    ///
    /// - Parameters:
    ///   - address: Where it comes from.
    ///   - path: Where it goes. A run that was killed while it used it has left it there.
    ///   - expected: What it is, for the error: `an archive of VQA-v2`.
    ///   - use: Looks at it, and throws `DamagedDatasetArchive` where it is not what it should be.
    /// - Returns: What `use` gives.
    /// - Throws: `FetchStopped`; `DownloadError`; `WrongArchive`; what else `use` throws.
    func fetchChecked<Result>(
        _ address: String, to path: String, expected: String, _ interrupts: Interrupts,
        use: () throws -> Result
    ) throws -> Result {
        var isSecond = false
        while true {
            if access(path, F_OK) != 0 { try fetchShowing(address, to: path, interrupts) }
            do {
                return try use()
            } catch let damage as DamagedDatasetArchive {
                unlink(path)
                guard !isSecond else {
                    throw WrongArchive(address: address, expected: expected, damage: damage)
                }
                isSecond = true
                Console.note("\(damage): fetching it again")
            }
        }
    }
}

/// What a server gives is not the archive, and was not the second time either.
private struct WrongArchive: Error, CustomStringConvertible {
    let address: String
    let expected: String
    let damage: DamagedDatasetArchive
    var description: String {
        "\(address): expected \(expected), twice found something else: \(damage)"
    }
}

/// An archive beside the question files: what is in it is made into files there, and it is removed.
struct UnpackedArchive {
    let name: String
    /// The address that its name follows.
    let source: String
    /// What it is, for errors.
    let expected: String
    /// Where a user may have put it; it stays there then.
    let ownFolder: URL
    let downloads: DownloadsFolder
    let isForced: Bool
    let downloader: Downloader
    let interrupts: Interrupts

    private var own: String { ownFolder.appending(component: name).path }
    private var path: String { downloads.url.appending(component: name).path }
    private var hasOwn: Bool { !isForced && access(own, F_OK) == 0 }

    /// The file to fetch; nil where the user has put it there.
    var planned: FetchPlan.File? { hasOwn ? nil : FetchPlan.File(address: source + name, path: path) }

    /// Uses the archive, which is fetched where that is needed.
    ///
    /// - Parameter work: Given the archive's path; throws `DamagedDatasetArchive` where it is not what it should be.
    /// - Throws: As `Downloader.fetchChecked`.
    func use<Result>(_ work: (String) throws -> Result) throws -> Result {
        if hasOwn {
            do {
                return try work(own)
            } catch let damage as DamagedDatasetArchive {
                Console.note("passing over \(damage)")
            }
        }
        if isForced { unlink(path) }
        let result = try downloader.fetchChecked(
            source + name, to: path, expected: expected, interrupts, use: { try work(path) })
        unlink(path)
        return result
    }
}
