"""The sandbox's mail server: takes over a listening socket, keeps each message as a file, and asks the sandbox's
control interface what to say (so that ordered faults apply). Started by certdesk-sandbox only; see smtp.h."""

import asyncio
import email
import email.policy
import hashlib
import json
import os
import socket
import urllib.request
import uuid

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

URL = os.environ["SANDBOX_URL"]
MAIL = os.environ["SANDBOX_MAIL"]
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(step):
    request = urllib.request.Request(
        URL + "/sim/smtp/step", json.dumps(step).encode(), {"Content-Type": "application/json"}
    )
    with DIRECT.open(request, timeout=10) as answer:
        return json.load(answer)


def describe(envelope, name):
    """What people and tests want to read of a message; the file has the rest."""
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
    body = message.get_body(("plain", "html"))
    return {
        "file": name,
        "from": envelope.mail_from,
        "to": list(envelope.rcpt_tos),
        "address": envelope.rcpt_tos[0],
        "subject": str(message.get("Subject", "")),
        "message_id": str(message.get("Message-ID", "")),
        "text": body.get_content() if body else "",
        "attachments": [part.get_filename() or "" for part in message.iter_attachments()],
        "digests": [hashlib.sha256(part.get_payload(decode=True)).hexdigest() for part in message.iter_attachments()],
    }


class Handler:
    async def obey(self, server, step):
        """Asks, waits as told; returns the verdict. With "cut" the connection is gone."""
        verdict = await asyncio.to_thread(ask, step)
        if verdict["delay_ms"]:
            await asyncio.sleep(verdict["delay_ms"] / 1000)
        return verdict

    def cut(self, server):
        server.transport.abort()
        raise ConnectionResetError("cut by order")

    async def handle_RCPT(self, server, session, envelope, address, options):
        verdict = await self.obey(server, {"step": "RCPT", "address": address})
        if verdict["cut"]:
            self.cut(server)
        if verdict["reply"].startswith("250"):
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return verdict["reply"]

    async def handle_DATA(self, server, session, envelope):
        name = uuid.uuid4().hex + ".eml"
        path = os.path.join(MAIL, name)
        with open(path, "wb") as out:
            out.write(envelope.content)
        verdict = await self.obey(server, {"step": "DATA", **describe(envelope, name)})
        if not verdict["keep"]:
            os.unlink(path)
        if verdict["cut"]:
            self.cut(server)
        return verdict["reply"]

    async def handle_exception(self, error):
        return "451 4.3.0 the sandbox failed: " + type(error).__name__


def authenticate(server, session, envelope, mechanism, data):
    good = LoginPassword(os.environ["SANDBOX_USER"].encode(), os.environ["SANDBOX_PASSWORD"].encode())
    return AuthResult(success=isinstance(data, LoginPassword) and data == good, handled=False)


async def main():
    listening = socket.socket(fileno=int(os.environ["SANDBOX_SOCKET"]))
    handler = Handler()
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(
            handler,
            hostname="mail.certdesk.test",
            ident="certdesk sandbox",
            enable_SMTPUTF8=True,
            authenticator=authenticate,
            auth_require_tls=False,
        ),
        sock=listening,
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
