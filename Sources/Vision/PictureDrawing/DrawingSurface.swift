import CCairo
import Foundation
import VQAVision

extension DrawingPart {
    fileprivate func draw(in context: OpaquePointer, _ picture: DrawingSurface?) {
        switch self {
        case .picture(let place):
            if let picture {
                picture.fill(place, of: context)
            } else {
                DrawingPart.fill(place, .ground).draw(in: context, nil)
            }
        case .fill(let place, let color, let opacity, _):
            color.use(in: context, opacity: opacity)
            cairo_rectangle(context, place.x, place.y, place.width, place.height)
            cairo_fill(context)
        case .frame(let place, let color, let lineWidth):
            cairo_rectangle(context, place.x, place.y, place.width, place.height)
            DrawingColor.white.use(in: context, opacity: Self.edgeOpacity)
            cairo_set_line_width(context, lineWidth * Self.edgeWidth)
            cairo_stroke_preserve(context)
            color.use(in: context)
            cairo_set_line_width(context, lineWidth)
            cairo_stroke(context)
        case .text(let line):
            line.font.use(in: context)
            line.color.use(in: context)
            cairo_move_to(context, line.x, line.baseline)
            cairo_show_text(context, line.text)
        }
    }
}

extension DrawingColor {
    fileprivate func use(in context: OpaquePointer, opacity: Double = 1) {
        cairo_set_source_rgba(
            context, Double(red) / 255, Double(green) / 255, Double(blue) / 255, opacity)
    }
}

/// Pixels that cairo draws on.
final class DrawingSurface {
    /// The longest side, in pixels.
    static let longestSide = 32_767

    private let surface: OpaquePointer

    init(width: Int, height: Int) throws {
        guard max(width, height) <= Self.longestSide else {
            throw DrawingError(
                description:
                    "a PNG is drawn of at most \(Self.longestSide) pixels a side, found \(width) x \(height)"
            )
        }
        let surface = cairo_image_surface_create(
            CAIRO_FORMAT_RGB24, Int32(clamping: width), Int32(clamping: height))
        guard let surface, cairo_surface_status(surface) == CAIRO_STATUS_SUCCESS else {
            let status = cairo_surface_status(surface)
            cairo_surface_destroy(surface)
            throw DrawingError(status)
        }
        self.surface = surface
    }

    /// A picture's pixels.
    convenience init(of picture: Picture) throws {
        try self.init(width: picture.width, height: picture.height)
        guard let bytes = cairo_image_surface_get_data(surface) else {
            throw DrawingError(CAIRO_STATUS_NO_MEMORY)
        }
        let stride = Int(cairo_image_surface_get_stride(surface))
        picture.pixels.withUnsafeBufferPointer { pixels in
            for row in 0..<picture.height {
                let words = UnsafeMutableRawPointer(bytes + row * stride)
                    .assumingMemoryBound(to: UInt32.self)
                for column in 0..<picture.width {
                    let place = 3 * (row * picture.width + column)
                    words[column] =
                        UInt32(pixels[place]) << 16 | UInt32(pixels[place + 1]) << 8
                        | UInt32(pixels[place + 2])
                }
            }
        }
        cairo_surface_mark_dirty(surface)
    }

    deinit { cairo_surface_destroy(surface) }

    /// Draws parts on it, one over the other.
    ///
    /// - Parameter picture: The pixels of the picture among them; nil where there is none.
    /// - Throws: `DrawingError` where cairo has failed at any of it.
    func draw(_ parts: [DrawingPart], picture: DrawingSurface? = nil) throws {
        guard let context = cairo_create(surface) else { throw DrawingError(CAIRO_STATUS_NO_MEMORY) }
        defer { cairo_destroy(context) }
        for part in parts { part.draw(in: context, picture) }
        let status = cairo_status(context)
        guard status == CAIRO_STATUS_SUCCESS else { throw DrawingError(status) }
    }

    /// Fills a rectangle of another drawing with this one; larger, its pixels stay squares.
    fileprivate func fill(_ place: DrawingRectangle, of context: OpaquePointer) {
        cairo_save(context)
        cairo_translate(context, place.x, place.y)
        cairo_scale(
            context, place.width / Double(max(1, cairo_image_surface_get_width(surface))),
            place.height / Double(max(1, cairo_image_surface_get_height(surface))))
        cairo_set_source_surface(context, surface, 0, 0)
        cairo_pattern_set_filter(cairo_get_source(context), CAIRO_FILTER_NEAREST)
        cairo_paint(context)
        cairo_restore(context)
    }

    /// The bytes of a file.
    func png() throws -> Data {
        let bytes = ByteBox()
        let status = cairo_surface_write_to_png_stream(
            surface,
            { box, bytes, count in
                guard let box, let bytes else { return CAIRO_STATUS_WRITE_ERROR }
                Unmanaged<ByteBox>.fromOpaque(box).takeUnretainedValue().data.append(bytes, count: Int(count))
                return CAIRO_STATUS_SUCCESS
            }, Unmanaged.passUnretained(bytes).toOpaque())
        guard status == CAIRO_STATUS_SUCCESS else { throw DrawingError(status) }
        return withExtendedLifetime(bytes) { $0.data }
    }
}

private final class ByteBox {
    var data = Data()
}

extension DrawingError {
    fileprivate init(_ status: cairo_status_t) {
        self.init(description: "cannot draw: \(String(cString: cairo_status_to_string(status)))")
    }
}
