#include "lib/check.h"

typedef int testlib_is_a_header_for_now;
