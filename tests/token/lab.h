/* lab.h - what surrounds a personalisation in the tests: a server that keeps the journal and issues from a
 * little CA, and the judgement of the token at the end. */
#ifndef CERTDESK_TESTS_LAB_H
#define CERTDESK_TESTS_LAB_H

#include "token/personalise.h"

struct lab {
    struct personalise_plan plan;
    struct personalise_record journal; /* as the server has stored it */
    void *ca;                          /* EVP_PKEY */
    struct ukey_pub issued_for;
    uint8_t cert[UKEY_CERT_MAX]; /* the one certificate */
    size_t cert_n;
    unsigned issue_calls, journal_calls, finish_calls;
    bool second_key; /* issue was called for another key: must never be */
    /* Misfortunes at the server: the n-th call (from 1; 0: none) fails before or after it took effect. */
    unsigned lose_journal_before, lose_journal_after, lose_issue_before, lose_issue_after;
    bool bare;  /* the server gives back step and certificate alone */
    size_t pad; /* extra bytes in the certificate, to make it long */
};

/* A plan with secrets of its own for a factory-new token; an empty journal. */
void lab_init(struct lab *l, enum ukey_alg alg);
void lab_free(struct lab *l);

/* Runs the saga as a new process would: with what the server has stored. */
enum err lab_run(struct lab *l, struct channel *ch, struct fault *f);

/* Fails the test unless the token behind the channel is as planned: one key, one certificate, the one that
 * was issued; PIN, PUK and management key as planned, all tries left; signatures of the slot verify. */
void lab_judge(const struct lab *l, struct channel *ch);

#endif
