/* money.h - commands about money: captures, reconciliations, the bank's files, invoices. */
#ifndef CERTDESK_COMMAND_MONEY_H
#define CERTDESK_COMMAND_MONEY_H

#include "command/command.h"

int run_captures_list(struct run_context *c);
int run_captures_show(struct run_context *c);
int run_captures_refund(struct run_context *c);
int run_captures_stop(struct run_context *c);
int run_captures_record(struct run_context *c);
int run_captures_partial(struct run_context *c);
int run_captures_seen(struct run_context *c);
int run_reconciliations_list(struct run_context *c);
int run_reconciliations_show(struct run_context *c);
int run_reconciliations_again(struct run_context *c);
int run_remittance_list(struct run_context *c);
int run_remittance_export(struct run_context *c);
int run_remittance_batch(struct run_context *c);
int run_remittance_import(struct run_context *c);
int run_remittance_again(struct run_context *c);
int run_invoices_list(struct run_context *c);
int run_invoices_show(struct run_context *c);
int run_invoices_save(struct run_context *c);
int run_invoices_mail(struct run_context *c);
int run_invoices_retry(struct run_context *c);

#endif
