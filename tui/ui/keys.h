/* keys.h - one number for every key: characters as they are, function keys above all of Unicode. */
#ifndef CERTDESK_UI_KEYS_H
#define CERTDESK_UI_KEYS_H

#include <stddef.h>
#include <stdint.h>

typedef int32_t ui_key;

enum {
    K_NONE = 0,
    K_TAB = '\t',
    K_ENTER = '\r',
    K_ESC = 27,
    K_UP = 0x110000,
    K_DOWN,
    K_LEFT,
    K_RIGHT,
    K_HOME,
    K_END,
    K_PGUP,
    K_PGDN,
    K_BACKTAB,
    K_BACKSPACE,
    K_DELETE,
    K_F1,
    K_F5,
    K_OTHER, /* a key of no use here */
};

#define K_CTRL(c) ((c)&0x1F)

/* The key of a command: with a Chinese input method on, people get full-width letters and punctuation where
 * they mean the key. Never for text that is being typed. */
ui_key key_command(ui_key k);

/* What stands in the footer for a key: "Enter", "Esc", "a". Static storage; valid until the next call for
 * keys that are characters (in `out`). */
const char *key_label(ui_key k, char out[static 8]);

#endif
