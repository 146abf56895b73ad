/* check.h - what every C test includes: cmocka and our own error codes.
 *
 * A test program ends with `return CHECK_MAIN(tests);` and prints TAP, which tests/run collects.
 */
#ifndef CERTDESK_TESTS_CHECK_H
#define CERTDESK_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above first */
#include <cmocka.h>
#undef fail /* cmocka says fail(); ours sets a fault */

#include "base/err.h"

/* Fails with both names, not numbers: "CODE_WRONG != OK". */
#define assert_err(got, want) assert_string_equal(err_name(got), err_name(want))
#define assert_ok(got)        assert_err((got), OK)

/* Runs an array of struct CMUnitTest, printing TAP. */
#define CHECK_MAIN(tests)                                                                                    \
    (cmocka_set_message_output(CM_OUTPUT_TAP), cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL))

#endif
