/* child.h - the wire between a program and its card child; for reader.c and child.c only.
 *
 * A SOCK_SEQPACKET pair: one message a request, one message an answer. A request begins with an operation, an
 * answer with an enum err (both are the same program) and, when it is not OK, goes on with a sentence.
 */
#ifndef CERTDESK_TOKEN_CHILD_H
#define CERTDESK_TOKEN_CHILD_H

#define CHILD_ARGUMENT "--certdesk-card-child"

enum {
    CHILD_FD = 3,
    CHILD_MESSAGE_MAX = 4096,
};

enum child_op {
    CHILD_CONNECT = 'C',  /* reader name -> 1 byte: protocol is T=0 */
    CHILD_BEGIN = 'B',    /* -> */
    CHILD_TRANSMIT = 'T', /* command APDU -> answer APDU */
    CHILD_END = 'E',      /* 1 byte: reset -> */
    CHILD_WATCH = 'W',    /* -> struct reader_list, again with every change, for ever */
};

/* Does nothing; referring to it links the child's half into the program. */
void child_is_here(void);

#endif
