/* order_form.h - an order in the words and layout of the printed application form (S16). */
#ifndef CERTDESK_ORDER_ORDER_FORM_H
#define CERTDESK_ORDER_ORDER_FORM_H

#include "order/order.h"

/* "浙江省杭州市西湖区文三路1号，310000，李四收，13800000000"; "" without a street. */
const char *form_address(struct arena *a, const struct address *d);

#endif
