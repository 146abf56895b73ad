/* theme.h - what things look like; named by meaning, so that a terminal without colours says the same. */
#ifndef CERTDESK_UI_THEME_H
#define CERTDESK_UI_THEME_H

enum style {
    STYLE_NORMAL,
    STYLE_BAR,      /* title and footer lines */
    STYLE_BAR_KEY,  /* a key in the footer */
    STYLE_BANNER,   /* simulator */
    STYLE_HEAD,     /* column titles, section titles */
    STYLE_LABEL,    /* the name of a value */
    STYLE_DIM,      /* less important */
    STYLE_STRONG,   /* more important */
    STYLE_SELECTED, /* the row that keys act on */
    STYLE_GOOD,
    STYLE_WARN,
    STYLE_BAD,
    STYLE_FIELD,    /* where one types */
    STYLE_FIELD_ON, /* where one types now */
    STYLE_COUNT,
};

#endif
