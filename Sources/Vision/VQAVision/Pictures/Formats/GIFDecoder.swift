import CGIF

/// Decodes the first frame of a GIF file with giflib.
func decodeGIF(_ source: EncodedPicture) throws -> Picture {
    var unread = source.bytes
    return try withUnsafeMutablePointer(to: &unread) { unread in
        var status: Int32 = 0
        guard let gif = DGifOpen(unread, readGIF, &status) else { throw source.damaged(reason(of: status)) }
        defer { DGifCloseFile(gif, nil) }
        return try GIFFrame(source: source, gif: gif).picture()
    }
}

/// Gives giflib the next bytes of a file in memory.
private func readGIF(
    _ gif: UnsafeMutablePointer<GifFileType>?, _ target: UnsafeMutablePointer<GifByteType>?, _ count: Int32
) -> Int32 {
    guard let unread = gif?.pointee.UserData?.assumingMemoryBound(to: UnsafeRawBufferPointer.self),
        let target, count > 0
    else { return 0 }
    let taken = UnsafeRawBufferPointer(rebasing: unread.pointee.prefix(Int(count)))
    UnsafeMutableRawBufferPointer(start: target, count: taken.count).copyMemory(from: taken)
    unread.pointee = UnsafeRawBufferPointer(rebasing: unread.pointee.dropFirst(taken.count))
    return Int32(clamping: taken.count)
}

private func reason(of status: Int32) -> String {
    GifErrorString(status).map { String(cString: $0) } ?? "giflib refuses it (status \(status))"
}

/// The first frame of a file that giflib has opened.
private struct GIFFrame {
    let source: EncodedPicture
    let gif: UnsafeMutablePointer<GifFileType>

    private typealias Color = (red: UInt8, green: UInt8, blue: UInt8)

    /// Reads the frame onto the picture, whose size is that of all frames.
    func picture() throws -> Picture {
        let (width, height) = (Int(gif.pointee.SWidth), Int(gif.pointee.SHeight))
        _ = try Picture.byteCount(width: width, height: height, of: source.name)
        let transparent = try transparentIndexOfFirstFrame()
        let frame = gif.pointee.Image
        let (left, top) = (Int(frame.Left), Int(frame.Top))
        let (frameWidth, frameHeight) = (Int(frame.Width), Int(frame.Height))
        guard frameWidth > 0, frameHeight > 0, left >= 0, top >= 0, left + frameWidth <= width,
            top + frameHeight <= height
        else { throw source.damaged("its first frame lies beyond the picture") }

        let indices = try indices(of: frame, frameWidth, frameHeight)
        let palette = palette()
        return try source.picture(width: width, height: height) { pixels in
            cover(pixels, with: background(transparent, palette), width: width)
            for row in 0..<frameHeight {
                for column in 0..<frameWidth {
                    let index = indices[row * frameWidth + column]
                    guard index != transparent else { continue }
                    guard Int(index) < palette.count else {
                        throw source.damaged("a pixel has a colour that is not in the palette")
                    }
                    let pixel = 3 * ((top + row) * width + left + column)
                    (pixels[pixel], pixels[pixel + 1], pixels[pixel + 2]) = palette[Int(index)]
                }
            }
        }
    }

    /// The numbers of the frame's colours, rows from the top.
    private func indices(of frame: GifImageDesc, _ width: Int, _ height: Int) throws -> [GifPixelType] {
        try [GifPixelType](unsafeUninitializedCapacity: width * height) { buffer, initializedCount in
            guard let start = buffer.baseAddress else { return }
            for row in rowOrder(height, isInterlaced: frame.Interlace) {
                try check(DGifGetLine(gif, start + row * width, Int32(clamping: width)))
            }
            initializedCount = width * height
        }
    }

    /// Makes all pixels one colour: a row, and then rows like it.
    private func cover(_ pixels: UnsafeMutableBufferPointer<UInt8>, with color: Color, width: Int) {
        let rowByteCount = 3 * width
        for pixel in 0..<width {
            (pixels[3 * pixel], pixels[3 * pixel + 1], pixels[3 * pixel + 2]) = color
        }
        let bytes = UnsafeMutableRawBufferPointer(pixels)
        let first = UnsafeRawBufferPointer(rebasing: bytes[..<rowByteCount])
        for start in stride(from: rowByteCount, to: pixels.count, by: rowByteCount) {
            UnsafeMutableRawBufferPointer(rebasing: bytes[start..<start + rowByteCount]).copyMemory(
                from: first)
        }
    }

    private func check(_ status: Int32) throws {
        if status == GIF_ERROR { throw source.damaged(reason(of: gif.pointee.Error)) }
    }

    /// Goes on to the first frame's pixels, and gives the number of the colour that stands for none.
    private func transparentIndexOfFirstFrame() throws -> GifPixelType? {
        var transparent: GifPixelType?
        while true {
            var record = UNDEFINED_RECORD_TYPE
            try check(DGifGetRecordType(gif, &record))
            switch record {
            case IMAGE_DESC_RECORD_TYPE:
                try check(DGifGetImageDesc(gif))
                return transparent
            case EXTENSION_RECORD_TYPE:
                if let block = try graphicsControl() { transparent = block.transparent }
            case TERMINATE_RECORD_TYPE: throw source.damaged("it has no picture in it")
            default: continue
            }
        }
    }

    /// Reads an extension to its end; what it says of the next frame where that is its purpose.
    private func graphicsControl() throws -> (transparent: GifPixelType?, Void)? {
        var code: Int32 = 0
        var block: UnsafeMutablePointer<GifByteType>?
        var found: (transparent: GifPixelType?, Void)?
        try check(DGifGetExtension(gif, &code, &block))
        while let bytes = block {
            // The block's length, flags, two bytes of time, and the number of the colour.
            if code == GRAPHICS_EXT_FUNC_CODE, bytes[0] == 4 {
                found = (bytes[1] & 1 == 1 ? bytes[4] : nil, ())
            }
            try check(DGifGetExtensionNext(gif, &block))
        }
        return found
    }

    /// The frame's colours: its own, else those of the file, else greys, as OpenCV takes them.
    private func palette() -> [Color] {
        guard let map = gif.pointee.Image.ColorMap ?? gif.pointee.SColorMap else {
            return (0...255).map { $0 == 1 ? (255, 255, 255) : ($0, $0, $0) }
        }
        return colors(of: map)
    }

    private func colors(of map: UnsafeMutablePointer<ColorMapObject>) -> [Color] {
        UnsafeBufferPointer(start: map.pointee.Colors, count: Int(map.pointee.ColorCount)).map {
            ($0.Red, $0.Green, $0.Blue)
        }
    }

    /// What is seen where the frame is transparent, and around it.
    ///
    /// - Parameters:
    ///   - transparent: The number of the colour that stands for none.
    ///   - palette: The frame's colours.
    private func background(_ transparent: GifPixelType?, _ palette: [Color]) -> Color {
        switch source.reading {
        case .shown: return (255, 255, 255)
        case .unblended:
            let index = Int(transparent ?? 0)
            return palette.indices.contains(index) ? palette[index] : (0, 0, 0)
        case .stored:
            let colors = gif.pointee.SColorMap.map(colors) ?? []
            let index = Int(gif.pointee.SBackGroundColor)
            return colors.indices.contains(index) ? colors[index] : (0, 0, 0)
        }
    }

    /// The order in which a frame's rows are stored (GIF89a, appendix E).
    private func rowOrder(_ height: Int, isInterlaced: Bool) -> [Int] {
        guard isInterlaced else { return Array(0..<height) }
        return [(0, 8), (4, 8), (2, 4), (1, 2)].flatMap { Array(stride(from: $0.0, to: height, by: $0.1)) }
    }
}
