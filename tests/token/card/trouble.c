#include "trouble.h"

#include <stdlib.h>
#include <string.h>

static const char *const NAMES[TROUBLE_KINDS] = {
    [TROUBLE_PULL_BEFORE] = "pull-before",
    [TROUBLE_PULL_AFTER] = "pull-after",
    [TROUBLE_HANG_BEFORE] = "hang-before",
    [TROUBLE_HANG_AFTER] = "hang-after",
    [TROUBLE_LOSE] = "lose",
    [TROUBLE_GARBAGE] = "garbage",
    [TROUBLE_DELAY] = "delay",
};

bool trouble_parse(const char *spec, struct trouble *out)
{
    *out = (struct trouble){.ins = -1, .nth = 1};
    size_t n = strcspn(spec, "=:");
    for (int k = TROUBLE_NONE + 1; k < TROUBLE_KINDS; k++)
        if (strlen(NAMES[k]) == n && !strncmp(spec, NAMES[k], n))
            out->kind = (enum trouble_kind)k;
    if (out->kind == TROUBLE_NONE)
        return false;
    char *p = (char *)(uintptr_t)spec + n;
    if (*p == '=')
        out->value = (unsigned)strtoul(p + 1, &p, 10);
    if (*p == ':' && p[1] == '*')
        p += 2;
    else if (*p == ':')
        out->ins = (int)strtol(p + 1, &p, 16);
    if (*p == ':')
        out->nth = (unsigned)strtoul(p + 1, &p, 10);
    return !*p && out->nth > 0 && out->ins <= 0xFF && out->value <= 65535;
}

enum trouble_kind trouble_due(struct trouble *t, const uint8_t *apdu, size_t n)
{
    if (t->kind == TROUBLE_NONE || n < 2 || (t->ins >= 0 && apdu[1] != t->ins) || ++t->seen < t->nth)
        return TROUBLE_NONE;
    enum trouble_kind k = t->kind;
    t->kind = TROUBLE_NONE;
    return k;
}
