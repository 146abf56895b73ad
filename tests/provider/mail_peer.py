"""A mail server for mail_test.c (aiosmtpd). Prints its two ports, plain and TLS, then each message that it took
as one line of JSON, read by Python's own e-mail parser. What it says depends on the recipient's local part."""

import asyncio
import base64
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


def describe(envelope):
    m = email.message_from_bytes(envelope.content, policy=email.policy.default)
    text, html = m.get_body(("plain",)), m.get_body(("html",))
    return {
        "from": envelope.mail_from,
        "to": envelope.rcpt_tos,
        "header_from": str(m["From"]),
        "header_to": str(m["To"]),
        "subject": str(m["Subject"]),
        "date": str(m["Date"].datetime.timestamp()),
        "message_id": str(m["Message-ID"]),
        "text": text.get_content() if text else None,
        "html": html.get_content() if html else None,
        "attachments": [
            [a.get_filename(), a.get_content_type(), base64.b64encode(a.get_payload(decode=True)).decode()]
            for a in m.iter_attachments()
        ],
        "defects": [str(d) for part in m.walk() for d in part.defects],
        "longest_line": max(len(line) for line in envelope.content.split(b"\r\n")),
    }


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        who = address.split("@")[0]
        if who == "busy":
            return "451 4.7.1 try again later"
        if who == "bounce":
            return "550 5.1.1 no such user"
        if who == "cut":
            server.transport.abort()
            raise ConnectionResetError
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        who = envelope.rcpt_tos[0].split("@")[0]
        if who == "full":
            return "452 4.2.2 mailbox full"
        if who == "spam":
            return "554 5.7.1 refused"
        print(json.dumps(describe(envelope)), flush=True)
        if who == "lost":
            server.transport.abort()
            raise ConnectionResetError
        return "250 OK: taken"


def authenticate(server, session, envelope, mechanism, data):
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"desk", b"secret")
    return AuthResult(success=good, handled=False)


async def main(certificate):
    def plain():
        return SMTP(Handler(), hostname="peer", authenticator=authenticate, auth_require_tls=False)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    one = await loop.create_server(plain, "127.0.0.1", 0)
    two = await loop.create_server(plain, "127.0.0.1", 0, ssl=context)
    print(one.sockets[0].getsockname()[1], two.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


asyncio.run(main(sys.argv[1]))
