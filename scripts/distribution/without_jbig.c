// What libtiff asks of libjbig, in packages: nothing can be read or written in JBIG, a compression of fax machines. libjbig itself
// is under the GPL, which does not go together with what else lies in a package; without it libtiff does not load.

#include <stddef.h>

enum { not_there = 1 };

void jbg_enc_init(void *state, unsigned long width, unsigned long height, int planes, unsigned char **in,
                  void (*out)(unsigned char *, size_t, void *), void *file) {
    (void)state, (void)width, (void)height, (void)planes, (void)in, (void)out, (void)file;
}
void jbg_enc_out(void *state) { (void)state; }
void jbg_enc_free(void *state) { (void)state; }

void jbg_dec_init(void *state) { (void)state; }
int jbg_newlen(unsigned char *data, size_t count) {
    (void)data, (void)count;
    return not_there;
}
int jbg_dec_in(void *state, unsigned char *data, size_t count, size_t *read) {
    (void)state, (void)data, (void)count;
    if (read) *read = 0;
    return not_there;
}
unsigned long jbg_dec_getsize(const void *state) {
    (void)state;
    return 0;
}
unsigned char *jbg_dec_getimage(const void *state, int plane) {
    (void)state, (void)plane;
    return NULL;
}
void jbg_dec_free(void *state) { (void)state; }
const char *jbg_strerror(int error) {
    (void)error;
    return "this program has no JBIG";
}
