#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <tiffio.h>

// A file in memory, and the first thing that libtiff says is wrong with it. libtiff's messages and fields come in lists
// of arguments that only C can read.
typedef struct {
    const uint8_t *bytes;
    uint64_t count;
    uint64_t position;
    char message[256];
} ctiff_source;

static inline void ctiff_note(ctiff_source *source, const char *format, va_list arguments) {
    if (!source->message[0]) vsnprintf(source->message, sizeof source->message, format, arguments);
}

static inline tmsize_t ctiff_read(thandle_t handle, void *target, tmsize_t count) {
    ctiff_source *source = (ctiff_source *)handle;
    if (count <= 0 || source->position >= source->count) return 0;
    uint64_t rest = source->count - source->position;
    uint64_t taken = (uint64_t)count < rest ? (uint64_t)count : rest;
    memcpy(target, source->bytes + source->position, taken);
    source->position += taken;
    return (tmsize_t)taken;
}

static inline tmsize_t ctiff_write(thandle_t handle, void *bytes, tmsize_t count) {
    (void)handle;
    (void)bytes;
    (void)count;
    return 0;
}

static inline toff_t ctiff_seek(thandle_t handle, toff_t offset, int whence) {
    ctiff_source *source = (ctiff_source *)handle;
    uint64_t base = whence == SEEK_CUR ? source->position : whence == SEEK_END ? source->count : 0;
    source->position = base + offset;
    return source->position;
}

static inline toff_t ctiff_size(thandle_t handle) { return ((ctiff_source *)handle)->count; }

static inline int ctiff_close(thandle_t handle) {
    (void)handle;
    return 0;
}

#if TIFFLIB_VERSION >= 20221213

static inline int ctiff_on_error(TIFF *tiff, void *source, const char *module, const char *format, va_list arguments) {
    (void)tiff;
    (void)module;
    ctiff_note((ctiff_source *)source, format, arguments);
    return 1;
}

static inline int ctiff_on_warning(TIFF *tiff, void *source, const char *module, const char *format,
                                   va_list arguments) {
    (void)tiff;
    (void)source;
    (void)module;
    (void)format;
    (void)arguments;
    return 1;
}

static inline void ctiff_prepare(void) {}

// Opens a file, none of whose parts may take more memory than that; NULL where it is none.
static inline TIFF *ctiff_open(ctiff_source *source, tmsize_t maximum) {
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options) return NULL;
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, maximum);
    TIFFOpenOptionsSetErrorHandlerExtR(options, ctiff_on_error, source);
    TIFFOpenOptionsSetWarningHandlerExtR(options, ctiff_on_warning, NULL);
    // 'm': read, as a file is; its bytes are not for libtiff to change.
    TIFF *tiff = TIFFClientOpenExt("picture", "rm", (thandle_t)source, ctiff_read, ctiff_write, ctiff_seek, ctiff_close,
                                   ctiff_size, NULL, NULL, options);
    TIFFOpenOptionsFree(options);
    return tiff;
}

#else

// Before 4.5, messages go to one function for all files, which is told the file.
static inline void ctiff_on_error(thandle_t source, const char *module, const char *format, va_list arguments) {
    (void)module;
    if (source) ctiff_note((ctiff_source *)source, format, arguments);
}

// To be called once, before any file is opened.
static inline void ctiff_prepare(void) {
    TIFFSetErrorHandler(NULL);
    TIFFSetWarningHandler(NULL);
    TIFFSetErrorHandlerExt(ctiff_on_error);
}

static inline TIFF *ctiff_open(ctiff_source *source, tmsize_t maximum) {
    (void)maximum;
    return TIFFClientOpen("picture", "rm", (thandle_t)source, ctiff_read, ctiff_write, ctiff_seek, ctiff_close,
                          ctiff_size, NULL, NULL);
}

#endif

// A field of 32 bits; 0 where there is none.
static inline uint32_t ctiff_side(TIFF *tiff, uint32_t tag) {
    uint32_t value = 0;
    return TIFFGetField(tiff, tag, &value) ? value : 0;
}

// A field of 16 bits, or what its absence means.
static inline uint16_t ctiff_choice(TIFF *tiff, uint32_t tag, uint16_t otherwise) {
    uint16_t value = 0;
    return TIFFGetField(tiff, tag, &value) ? value : otherwise;
}

// What the first of the samples behind the colours is (EXTRASAMPLE_...); -1 where there is none.
static inline int ctiff_first_extra_sample(TIFF *tiff) {
    uint16_t count = 0, *kinds = NULL;
    return TIFFGetField(tiff, TIFFTAG_EXTRASAMPLES, &count, &kinds) && count && kinds ? kinds[0] : -1;
}

// Has libtiff give colours as they are stored: it multiplies them with their opacity where the file has not.
static inline int ctiff_take_colors_as_they_are(TIFF *tiff) {
    uint16_t kind = EXTRASAMPLE_ASSOCALPHA;
    return TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, &kind);
}
