#include "provider/identity.h"

const char *identity_verdict_name(enum identity_verdict v)
{
    switch (v) {
    case IDENTITY_NO_VERDICT:
        break;
    case IDENTITY_MATCH:
        return "MATCH";
    case IDENTITY_MISMATCH:
        return "MISMATCH";
    case IDENTITY_NOT_FOUND:
        return "NOT_FOUND";
    case IDENTITY_INVALID_INPUT:
        return "INVALID_INPUT";
    case IDENTITY_BUSY:
        return "BUSY";
    case IDENTITY_RATE_LIMITED:
        return "RATE_LIMITED";
    case IDENTITY_PENDING:
        return "PENDING";
    case IDENTITY_ABANDONED:
        return "ABANDONED";
    case IDENTITY_CONFIG_ERROR:
        return "CONFIG_ERROR";
    }
    return "";
}

const char *operating_status_name(enum operating_status s)
{
    switch (s) {
    case OPERATING_UNKNOWN:
        return "UNKNOWN";
    case OPERATING_NORMAL:
        return "NORMAL";
    case OPERATING_MOVED_OUT:
        return "MOVED_OUT";
    case OPERATING_CANCELLED:
        return "CANCELLED";
    case OPERATING_LICENCE_REVOKED:
        return "LICENCE_REVOKED";
    case OPERATING_RESCINDED:
        return "RESCINDED";
    case OPERATING_SUSPENDED:
        return "SUSPENDED";
    case OPERATING_REGISTRATION_RESCINDED:
        return "REGISTRATION_RESCINDED";
    case OPERATING_OTHER:
        return "OTHER";
    }
    return "";
}

bool operating_status_refused(enum operating_status s)
{
    return s == OPERATING_CANCELLED || s == OPERATING_LICENCE_REVOKED || s == OPERATING_RESCINDED ||
           s == OPERATING_REGISTRATION_RESCINDED;
}
