/* identity_calls.h - what the jobs of this folder share. */
#ifndef CERTDESK_IDENTITY_IDENTITY_CALLS_H
#define CERTDESK_IDENTITY_IDENTITY_CALLS_H

#include "identity/identity_steps.h"

extern const struct job_kind face_start_job, face_poll_job;
extern const struct job_kind transfer_open_job, transfer_start_job, transfer_poll_job, transfer_confirm_job,
    deposit_end_job;

const char *identity_payload(struct ctx *c, const struct job *j);
struct identity_person identity_person_of(const struct check_task *t);
/* The answer as evidence; *t names the check. */
struct check_answer *identity_answer(struct ctx *c, const struct check_task *t, const char *provider,
                                     const struct identity_result *r);
/* This outcome of a supplier sends the job to the next one: it cannot answer, or did not with all its
 * attempts. */
bool identity_elsewhere(const struct job *j, enum err e);
/* Payload "xxx_… n": the id, and how many looks there were; -1 for a look that a hint asked for. */
const char *identity_look(struct ctx *c, const struct job *j, int *n);

#endif
