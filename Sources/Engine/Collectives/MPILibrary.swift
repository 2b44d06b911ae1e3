import CMPI
import FileSystem
import Foundation

/// The library CMPI, which `scripts/setup --mpi` makes for the MPI of the machine.
enum MPILibrary {
    private static let fileName = "libCMPI.so"

    /// Loads it: from beside the program, where a copy of the program may have it, or from the user's cache.
    ///
    /// - Throws: `ProcessError` where it is in neither place, lacks its MPI, or was made by another version.
    static func load(_ environment: [String: String]) throws(ProcessError) -> cmpi_library {
        let cached = cachedPath(environment)
        // Modules of Open MPI look for its names among those of all libraries.
        guard let library = dlopen(fileName, RTLD_NOW | RTLD_GLOBAL) ?? dlopen(cached, RTLD_NOW | RTLD_GLOBAL)
        else {
            throw .notSetUp(reason: reason())
        }
        guard let symbol = dlsym(library, "cmpi_get_library") else { throw .notSetUp(reason: reason()) }
        let functions = unsafeBitCast(symbol, to: cmpi_get_library_function.self)().pointee
        guard functions.interface == CMPI_INTERFACE else { throw .otherInterface(library: cached) }
        return functions
    }

    private static func cachedPath(_ environment: [String: String]) -> String {
        "\(UserCache.folder(environment))/mpi/\(fileName)"
    }

    /// Whether there is one in the user's cache.
    static func isThere(_ environment: [String: String]) -> Bool {
        access(cachedPath(environment), F_OK) == 0
    }

    private static func reason() -> String {
        dlerror().map { String(cString: $0) } ?? "\(fileName) cannot be loaded"
    }
}

/// Whether several processes could work together here.
package enum MPIInstallation: Sendable, Equatable {
    /// `scripts/setup --mpi` has not made the library CMPI.
    case missing
    /// The library is there and cannot be used.
    case unusable(reason: String)
    /// The library can be loaded, and which MPI it is for, as that MPI names itself.
    case usable(mpi: String)

    /// Looks for the library, and loads it with its MPI.
    ///
    /// - Parameter environment: The variables to go by.
    package init(_ environment: [String: String]) {
        do throws(ProcessError) {
            _ = try MPILibrary.load(environment)
            self = .usable(mpi: Self.mpiName)
        } catch {
            switch error {
            case .notSetUp where !MPILibrary.isThere(environment): self = .missing
            case .notSetUp(let reason): self = .unusable(reason: reason)
            default: self = .unusable(reason: "\(error)")
            }
        }
    }

    /// More than any MPI's name is long.
    private static let nameCapacity = 1 << 14

    /// What the MPI that was loaded says of itself, which it does before it is started, too.
    private static var mpiName: String {
        typealias GetVersion =
            @convention(c) (UnsafeMutablePointer<CChar>, UnsafeMutablePointer<CInt>) -> CInt
        // The null handle is RTLD_DEFAULT: what is loaded.
        guard let symbol = dlsym(nil, "MPI_Get_library_version") else { return "an MPI without a name" }
        var text = [CChar](repeating: 0, count: nameCapacity)
        var count: CInt = 0
        guard unsafeBitCast(symbol, to: GetVersion.self)(&text, &count) == 0 else {
            return "an MPI without a name"
        }
        let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let line = String(decoding: bytes, as: UTF8.self).prefix { $0 != "," && !$0.isNewline }
        return line.trimmingCharacters(in: .whitespaces)
    }
}
