/* fi.h - labelled points where a test build can be killed.
 *
 * CERTDESK_CRASH="issue.signed:2" kills the process (SIGKILL) the second time it passes FI("issue.signed").
 * Compiled to nothing unless the build says CERTDESK_FAULTS=ON, which release builds do not.
 */
#ifndef CERTDESK_BASE_FI_H
#define CERTDESK_BASE_FI_H

#ifdef CERTDESK_FAULTS
void fi_point(const char *label);
#define FI(label) fi_point(label)
#else
#define FI(label) ((void)0)
#endif

#endif
