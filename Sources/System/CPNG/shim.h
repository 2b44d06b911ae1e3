#include <png.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// libpng's simplified interface converts gamma and blends what is transparent. The numbers as they are stored come from
// the other one, which reports errors by a jump: here it ends where it began, and Swift sees a value.

typedef struct {
    const uint8_t *bytes;
    size_t count;
    size_t position;
    char message[128];
} cpng_source;

static inline void cpng_fail(png_structp png, png_const_charp message) {
    cpng_source *source = (cpng_source *)png_get_error_ptr(png);
    strncpy(source->message, message, sizeof source->message - 1);
    png_longjmp(png, 1);
}

static inline void cpng_ignore(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

static inline void cpng_read(png_structp png, png_bytep target, size_t count) {
    cpng_source *source = (cpng_source *)png_get_io_ptr(png);
    if (count > source->count - source->position) png_error(png, "Read Error: the file ends too early");
    memcpy(target, source->bytes + source->position, count);
    source->position += count;
}

// Whatever is stored becomes 8 bits of red, green and blue: the high byte of 16, no transparency, no gamma.
static inline void cpng_read_rows(png_structp png, png_infop info, uint32_t width, uint32_t height, uint8_t *pixels) {
    png_set_user_limits(png, width, height);
    png_read_info(png, info);
    png_set_strip_16(png);
    png_set_palette_to_rgb(png);
    png_set_expand_gray_1_2_4_to_8(png);
    png_set_gray_to_rgb(png);
    png_set_strip_alpha(png);
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    if (png_get_image_width(png, info) != width || png_get_image_height(png, info) != height ||
        png_get_rowbytes(png, info) != 3 * (size_t)width)
        png_error(png, "the rows have another length than the header says");
    for (int pass = 0; pass < passes; pass++)
        for (uint32_t row = 0; row < height; row++) png_read_row(png, pixels + 3 * (size_t)width * row, NULL);
}

// Decodes a PNG of a known size into width * height * 3 bytes. 0 where it cannot; the source then has the reason.
__attribute__((noinline)) static int cpng_read_stored(cpng_source *source, uint32_t width, uint32_t height,
                                                      uint8_t *pixels) {
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, source, cpng_fail, cpng_ignore);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info) {
        if (!source->message[0]) strncpy(source->message, "libpng cannot start", sizeof source->message - 1);
        png_destroy_read_struct(&png, NULL, NULL);
        return 0;
    }
    if (setjmp(png_jmpbuf(png))) {
        png_destroy_read_struct(&png, &info, NULL);
        return 0;
    }
    png_set_read_fn(png, source, cpng_read);
    cpng_read_rows(png, info, width, height, pixels);
    png_destroy_read_struct(&png, &info, NULL);
    return 1;
}
