#include "provider/address.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* RFC 6890 and its registry: what is not globally reachable. */
static const struct {
    uint32_t net;
    int bits;
} own[] = {
    {0x00000000, 8},  /* this network */
    {0x0a000000, 8},  /* RFC 1918 */
    {0x64400000, 10}, /* RFC 6598, behind a carrier's NAT; clouds keep metadata here, too */
    {0x7f000000, 8},  /* loopback */
    {0xa9fe0000, 16}, /* link-local; metadata of clouds */
    {0xac100000, 12}, /* RFC 1918 */
    {0xc0000000, 24}, /* IETF protocols */
    {0xc0000200, 24}, /* documentation */
    {0xc0586300, 24}, /* 6to4 relays */
    {0xc0a80000, 16}, /* RFC 1918 */
    {0xc6120000, 15}, /* benchmarks */
    {0xc6336400, 24}, /* documentation */
    {0xcb007100, 24}, /* documentation */
    {0xe0000000, 3},  /* multicast, reserved, broadcast */
};

static bool public4(const unsigned char b[static 4])
{
    uint32_t ip = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if ((ip ^ own[i].net) >> (32 - own[i].bits) == 0)
            return false;
    return true;
}

/* 2000::/3 is all that was ever given out; a few of its ranges lead elsewhere. NAT64 (RFC 6052) wraps IPv4.
 */
static bool public6(const unsigned char b[static 16])
{
    static const unsigned char nat64[12] = {0x00, 0x64, 0xff, 0x9b};
    if (memcmp(b, nat64, sizeof nat64) == 0)
        return public4(b + 12);
    if (b[0] == 0x20 && b[1] == 0x02) /* 6to4 */
        return public4(b + 2);
    bool special = b[0] == 0x20 && b[1] == 0x01 && (b[2] < 2 || (b[2] == 0x0d && b[3] == 0xb8));
    return (b[0] & 0xe0) == 0x20 && !special; /* 2001::/23: Teredo, ORCHID and such; 2001:db8::/32 */
}

bool address_is_public(const struct sockaddr *a, socklen_t n)
{
    if (a->sa_family == AF_INET && n >= sizeof(struct sockaddr_in)) {
        struct sockaddr_in in;
        memcpy(&in, a, sizeof in);
        return public4((const unsigned char *)&in.sin_addr);
    }
    if (a->sa_family == AF_INET6 && n >= sizeof(struct sockaddr_in6)) {
        struct sockaddr_in6 in;
        memcpy(&in, a, sizeof in);
        const unsigned char *b = in.sin6_addr.s6_addr;
        return IN6_IS_ADDR_V4MAPPED(&in.sin6_addr) ? public4(b + 12) : public6(b);
    }
    return false;
}
