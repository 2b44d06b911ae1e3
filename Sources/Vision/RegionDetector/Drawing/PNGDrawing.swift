import CCairo
import Foundation
import VQAVision

extension RegionDrawing {
    /// The longest side that a PNG is drawn of, in pixels of the picture.
    public static let longestPNGSide = 32_767

    /// The drawing as a PNG.
    ///
    /// - Parameter picture: The picture, of the size that the drawing was made for.
    /// - Throws: ``DrawingError`` where the picture has another size or too long a side, or memory is short.
    public func png(over picture: Picture) throws -> Data {
        guard (picture.width * layout.scale, picture.height * layout.scale) == (layout.width, layout.height)
        else {
            throw DrawingError(
                description:
                    "expected a picture of \(layout.width / layout.scale) x \(layout.height / layout.scale), found "
                    + "\(picture.width) x \(picture.height)")
        }
        let surface = try Surface(of: picture)
        let canvas = layout.scale == 1 ? surface : try Surface(width: layout.width, height: layout.height)
        let font = try DrawingFont(size: layout.fontSize)
        try canvas.draw { context in
            if layout.scale > 1 { surface.fill(context, scale: Double(layout.scale)) }
            font.use(in: context)
            for item in layout.items.reversed() { draw(item.frame, item.color, in: context) }
            for item in layout.items.reversed() { drawLabel(of: item, in: context) }
        }
        return try canvas.png()
    }

    private func draw(_ frame: DrawingLayout.Rectangle, _ color: DrawingColor, in context: OpaquePointer) {
        cairo_rectangle(context, frame.x, frame.y, frame.width, frame.height)
        // A white edge, which dark pictures and those of the frame's own colour leave to be seen.
        cairo_set_source_rgba(context, 1, 1, 1, 0.7)
        cairo_set_line_width(context, layout.lineWidth * 1.8)
        cairo_stroke_preserve(context)
        color.use(in: context)
        cairo_set_line_width(context, layout.lineWidth)
        cairo_stroke(context)
    }

    private func drawLabel(of item: DrawingLayout.Item, in context: OpaquePointer) {
        guard let label = item.label else { return }
        item.color.use(in: context)
        cairo_rectangle(context, label.x, label.y, label.width, label.height)
        cairo_fill(context)
        let level: Double = item.color.takesBlack ? 0 : 1
        cairo_set_source_rgb(context, level, level, level)
        cairo_move_to(context, label.x + layout.padding, label.y + layout.baseline)
        cairo_show_text(context, item.text)
    }
}

extension DrawingColor {
    fileprivate func use(in context: OpaquePointer) {
        cairo_set_source_rgb(context, Double(red) / 255, Double(green) / 255, Double(blue) / 255)
    }
}

/// Pixels that cairo draws on.
private final class Surface {
    private let surface: OpaquePointer

    init(width: Int, height: Int) throws {
        guard max(width, height) <= RegionDrawing.longestPNGSide else {
            throw DrawingError(
                description:
                    "a PNG is drawn of at most \(RegionDrawing.longestPNGSide) pixels a side, found \(width) x \(height)"
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

    /// Draws on it.
    ///
    /// - Throws: `DrawingError` where cairo has failed at any of it.
    func draw(_ body: (OpaquePointer) -> Void) throws {
        guard let context = cairo_create(surface) else { throw DrawingError(CAIRO_STATUS_NO_MEMORY) }
        defer { cairo_destroy(context) }
        body(context)
        let status = cairo_status(context)
        guard status == CAIRO_STATUS_SUCCESS else { throw DrawingError(status) }
    }

    /// Fills another drawing with this one, larger by a whole number.
    func fill(_ context: OpaquePointer, scale: Double) {
        cairo_save(context)
        cairo_scale(context, scale, scale)
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
