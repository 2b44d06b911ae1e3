import CCairo

/// A font, which cairo finds in the system.
final class DrawingFont {
    /// In pixels of the drawing.
    let size: Double
    /// Whether its strokes are thick.
    let isBold: Bool
    /// How far letters reach above their base line.
    let ascent: Double
    /// How far letters reach below it.
    let descent: Double
    private let scaled: OpaquePointer

    static let family = "DejaVu Sans"

    /// Whether the system has a font; else these are strokes of cairo's own.
    var isThere: Bool { cairo_scaled_font_get_type(scaled) != CAIRO_FONT_TYPE_USER }

    /// - Throws: `DrawingError` where memory is short.
    init(size: Double, isBold: Bool = true) throws {
        let face = cairo_toy_font_face_create(
            Self.family, CAIRO_FONT_SLANT_NORMAL,
            isBold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL)
        defer { cairo_font_face_destroy(face) }
        var (matrix, identity) = (cairo_matrix_t(), cairo_matrix_t())
        cairo_matrix_init_scale(&matrix, size, size)
        cairo_matrix_init_identity(&identity)
        let options = cairo_font_options_create()
        defer { cairo_font_options_destroy(options) }
        // Widths that do not depend on how letters are brought to pixels.
        cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF)
        let scaled = cairo_scaled_font_create(face, &matrix, &identity, options)
        guard let scaled, cairo_scaled_font_status(scaled) == CAIRO_STATUS_SUCCESS else {
            cairo_scaled_font_destroy(scaled)
            throw DrawingError(description: "no font can be made to draw with: memory is short")
        }
        self.scaled = scaled
        self.size = size
        self.isBold = isBold
        var extents = cairo_font_extents_t()
        cairo_scaled_font_extents(scaled, &extents)
        (ascent, descent) = (extents.ascent, extents.descent)
    }

    deinit { cairo_scaled_font_destroy(scaled) }

    /// How wide a text is.
    func width(of text: String) -> Double {
        var extents = cairo_text_extents_t()
        cairo_scaled_font_text_extents(scaled, text, &extents)
        return max(extents.x_advance, extents.x_bearing + extents.width)
    }

    /// A text that is longer is cut off.
    private static let longestText = 120

    /// As much of a text as is no wider than that; none where nothing is.
    func shortened(_ text: String, toWidth limit: Double) -> String {
        let whole = String(text.prefix(Self.longestText))
        if whole.count == text.count, width(of: whole) <= limit { return whole }
        var count = whole.count
        while count > 0 {
            let cut = whole.prefix(count) + "…"
            if width(of: String(cut)) <= limit { return String(cut) }
            count -= 1
        }
        return ""
    }

    /// Makes it the font of a drawing.
    func use(in context: OpaquePointer) { cairo_set_scaled_font(context, scaled) }
}
