/// How the numbers in a file become a picture.
public enum PictureReading: String, Sendable, CaseIterable {
    /// As a picture is meant to be seen: what is transparent is laid over white in linear light, a gamma other than
    /// sRGB's is converted, and pictures in inks (CMYK) are refused, as they say nothing of the inks they mean.
    case shown

    /// As the file stores it, which is what OpenCV's `imread` reads by default, and what networks see that were trained
    /// with it: transparency is dropped and no gamma converted; of 16 bits a PNG's high byte counts; inks become red,
    /// green and blue by OpenCV's formula. What a GIF leaves transparent has its background colour.
    case stored

    /// As `stored`, but what is transparent has the colour that the file has for it, which is what Pillow's
    /// `convert("RGB")` gives, and what models of the Hugging Face hub see: a TIFF's colours are not multiplied with their
    /// opacity, and a GIF's transparent pixels have the palette's colour of their number.
    case unblended
}
