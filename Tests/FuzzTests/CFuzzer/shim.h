#include <stddef.h>
#include <stdint.h>

/// Of the library libclang_rt.fuzzer_no_main: runs libFuzzer with a command line; every input goes to `user`.
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*user)(const uint8_t *data, size_t size));
