#include "ui/keys.h"

#include "tr/tr.h"

#include <stdio.h>

ui_key key_command(ui_key k)
{
    if (k >= 0xFF01 && k <= 0xFF5E) /* full-width ASCII */
        return k - 0xFF01 + '!';
    if (k == 0x3000)
        return ' ';
    if (k == 0x3001) /* the key that types a slash without the input method */
        return '/';
    if (k == '\n')
        return K_ENTER;
    return k;
}

const char *key_label(ui_key k, char out[static 8])
{
    static const struct {
        ui_key key;
        const char *name;
    } names[] = {
        {K_TAB, "Tab"},   {K_ENTER, "Enter"}, {K_ESC, "Esc"},          {K_UP, "Up"},
        {K_DOWN, "Down"}, {K_LEFT, "Left"},   {K_RIGHT, N_("Arrows")}, {K_PGUP, "PgUp"},
        {K_PGDN, "PgDn"}, {K_HOME, "Home"},   {K_END, "End"},          {K_F1, "F1"},
        {K_F5, "F5"},     {' ', "Space"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].key == k)
            return tr(names[i].name);
    snprintf(out, 8, "%c", k > ' ' && k < 127 ? (char)k : '?');
    return out;
}
