/* alipay_keys.h - Alipay's adapter for fuzz targets, whose answers the target itself can sign. */
#ifndef CERTDESK_TESTS_FUZZ_ALIPAY_KEYS_H
#define CERTDESK_TESTS_FUZZ_ALIPAY_KEYS_H

#include "payment_keys.h"
#include "provider/alipay.h"

static const struct provider_pair settings[] = {
    {"app_id", "2021000000000001"},
    {"seller_id", "2088000000000001"},
    {"app_key", rig.pem},
    {"alipay_public_key", rig.pub},
};

static void set_up(void)
{
    payment_rig("alipay", settings, sizeof settings / sizeof *settings);
}

#endif
