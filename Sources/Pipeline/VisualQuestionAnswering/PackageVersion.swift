/// The version of this package: the one place where it is written. A test holds what cannot take it from here to it.
public enum PackageVersion {
    /// As a tag of the repository has it.
    public static let current = "1.0.0"
}
