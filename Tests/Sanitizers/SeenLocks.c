// Tells the thread sanitizer of what it does not see of Swift's Mutex: a thread that has to wait for one, or that lets
// one go for which another waits, does so in a library that is not built with the sanitizer, so that what the mutex
// guards would be reported. scripts/sanitize has this loaded before that library: it calls what it stands before, and
// says who got and who let go of what. A mutex that nobody waits for is taken in code that the sanitizer sees.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

// Synchronization._MutexHandle's methods, whose `self` is in the register of a context.
#define METHOD __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *self
#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

// The sanitizer's own, in the program; not there in others, such as `swift` itself.
extern void __tsan_acquire(void *) __attribute__((weak));
extern void __tsan_release(void *) __attribute__((weak));

METHOD void seenLock(uint32_t thread, SELF) __asm__(LOCK);
METHOD void seenUnlock(SELF) __asm__(UNLOCK);

/// What this library stands before.
static void *next(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) abort();
    return found;
}

METHOD void seenLock(uint32_t thread, SELF) {
    METHOD void (*call)(uint32_t, SELF) = next(LOCK);
    call(thread, self);
    if (__tsan_acquire) __tsan_acquire(self);
}

METHOD void seenUnlock(SELF) {
    METHOD void (*call)(SELF) = next(UNLOCK);
    if (__tsan_release) __tsan_release(self);
    call(self);
}
