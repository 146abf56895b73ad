/* address.h - which network addresses are the world's, and which somebody's own. Pure. */
#ifndef CERTDESK_PROVIDER_ADDRESS_H
#define CERTDESK_PROVIDER_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* True for what the registries of RFC 6890 call globally reachable; false for loopback, private, link-local,
 * shared, documentation, multicast and reserved ranges, for IPv6 that wraps such an IPv4, and for every other
 * family. */
bool address_is_public(const struct sockaddr *a, socklen_t n);

#endif
