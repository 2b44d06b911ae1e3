import ArgumentParser

/// `--skip-damaged` of commands that answer questions.
struct DamagedOption: ParsableArguments {
    @Flag(
        help: """
            Leave out questions about images whose features cannot be read, and count them: the results lack them. Else \
            the first one is an error.
            """)
    var skipDamaged = false
}
