/* trouble.h - one planned misfortune of the simulated card.
 *
 * Written KIND[=VALUE][:INS[:N]]: at the N-th command (from 1) with instruction INS (two hex digits, * for
 * any). Kinds:
 *   pull-before  the card leaves before it executes the command
 *   pull-after   it leaves after executing, before the answer
 *   hang-before  it never answers and does not execute
 *   hang-after   it executes and never answers
 *   lose         it executes; the answer arrives empty
 *   garbage      it executes; VALUE bytes of rubbish arrive in place of the answer (0..65535)
 *   delay        the answer comes VALUE milliseconds late
 */
#ifndef CERTDESK_TESTS_TROUBLE_H
#define CERTDESK_TESTS_TROUBLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum trouble_kind {
    TROUBLE_NONE,
    TROUBLE_PULL_BEFORE,
    TROUBLE_PULL_AFTER,
    TROUBLE_HANG_BEFORE,
    TROUBLE_HANG_AFTER,
    TROUBLE_LOSE,
    TROUBLE_GARBAGE,
    TROUBLE_DELAY,
    TROUBLE_KINDS,
};

struct trouble {
    enum trouble_kind kind;
    unsigned value;
    int ins; /* -1: any */
    unsigned nth, seen;
};

/* false: not a specification. */
bool trouble_parse(const char *spec, struct trouble *out);
/* Counts a command; the kind when it is the one, TROUBLE_NONE otherwise. It happens once. */
enum trouble_kind trouble_due(struct trouble *t, const uint8_t *apdu, size_t n);

#endif
