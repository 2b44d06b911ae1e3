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
        let cached = "\(UserCache.folder(environment))/mpi/\(fileName)"
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

    private static func reason() -> String {
        dlerror().map { String(cString: $0) } ?? "\(fileName) cannot be loaded"
    }
}
