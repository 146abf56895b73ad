/* fuzz.h - the one function of a fuzz target, and its test.
 *
 * A target includes this header, defines LLVMFuzzerTestOneInput and ends with FUZZ_TEST. It must hold for any
 * bytes: abort() when what it learned about them cannot be.
 *
 * As a test (fuzz_<name>_test) each file of corpus/<name>/ is run as it is, cut at every length, and with
 * every octet changed, so that a small corpus walks the error paths too.
 */
#ifndef CERTDESK_TESTS_FUZZ_H
#define CERTDESK_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Prints TAP; 0 when the folder had files and all ran. */
int fuzz_replay(const char *folder);

#ifdef FUZZ_CORPUS
#define FUZZ_TEST                                                                                            \
    int main(void)                                                                                           \
    {                                                                                                        \
        return fuzz_replay(FUZZ_CORPUS);                                                                     \
    }
#else
#define FUZZ_TEST
#endif

#endif
