/* tr.h - the console's words in the user's language (gettext catalogues: zh_CN and English).
 *
 * msgids are English and stand in the code as _("…") or, in constant tables, N_("…"). Catalogues are ordinary
 * .po files; the build turns each into a table inside the program (po/tables.sh), because glibc's gettext
 * translates nothing in the C and C.UTF-8 locales, the only ones of a minimal Debian. So no installed locale,
 * no .mo file and no path is needed.
 */
#ifndef CERTDESK_TR_TR_H
#define CERTDESK_TR_TR_H

#include <stdbool.h>
#include <stddef.h>

#define _(s)  tr(s)
#define N_(s) s

/* Chooses the language once, at the start: CERTDESK_LANG, LANGUAGE, LC_ALL, LC_MESSAGES, LANG; the first that
 * names a language counts ("C", "POSIX" and "C.UTF-8" name none). English when none does. */
void tr_init(void);

/* Chooses by name: "zh_CN", "zh", "en_GB.UTF-8"; an unknown one is English. */
void tr_choose(const char *language);

/* True when the user reads Chinese: servers send both sentences. */
bool tr_chinese(void);

/* The translation, or msgid itself. NULL stays NULL, "" stays "". Static storage. */
const char *tr(const char *msgid) __attribute__((format_arg(1)));

#endif
