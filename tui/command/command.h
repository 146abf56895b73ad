/* command.h - the console from scripts: `certdesk orders list -o json`.
 *
 * A table of commands; --help is printed from it. Lists are those of the screens, with the same columns. With
 * -o json, standard output is one JSON value, the response as proto3's JSON mapping has it. Exit codes are
 * those of base/end.h; the sentences stand on standard error.
 */
#ifndef CERTDESK_COMMAND_COMMAND_H
#define CERTDESK_COMMAND_COMMAND_H

#include "rpc/client.h"
#include "screen/session.h"
#include "tr/tr.h"

#include <jansson.h>
#include <stdbool.h>

struct options {
    const char *server;
    bool json, token_stdin, progress;
    const char *reader, *medium, *user, *totp, *reason;
    const char **words; /* command and arguments */
    int n_words;
};

struct run_context {
    const struct options *o;
    const char **args; /* after the command's words */
    int n_args;
    struct rpc_channel *channel;
    struct session session;
    struct arena arena;
    enum err failed; /* of the last call that failed */
};

struct command {
    const char *words; /* "orders list" */
    const char *args;  /* "[QUERY]", for the help */
    int least, most;   /* arguments */
    const char *about; /* msgid */
    int (*run)(struct run_context *c);
};

/* Runs what o->words say. Exit status. */
int command_run(const struct options *o);
void command_help(void);

/* ---- for the commands ---- */

/* Calls; prints the failure. True when there is a response. Fills in request_id. */
bool command_call(struct run_context *c, struct rpc_method m, ProtobufCMessage *request,
                  const ProtobufCMessage **response);
/* Prints a response: as JSON, or nothing but "OK". */
int command_print(struct run_context *c, const ProtobufCMessage *m);
/* Prints a value, and forgets it. */
void command_print_json(json_t *j);
/* Prints it; the exit code. */
int command_fault(const struct fault *f);

struct screen;
int command_list(struct run_context *c, const struct screen *s, const char *query);
/* The same with a flag of the request, "attention". */
int command_list_flag(struct run_context *c, const struct screen *s, const char *flag);

struct doc;
void command_doc(struct run_context *c, const struct doc *d);

extern const struct command commands[];
extern const size_t n_commands;

#endif
