"""HTTP to the service of a stand: over its Unix socket, its port, and byte by byte."""

import base64
import hashlib
import hmac
import http.client
import io
import json
import re
import secrets
import socket
import ssl
import time

WAIT_S = 60


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=WAIT_S)
        self._path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(WAIT_S)
        self.sock.connect(self._path)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    def kind(self):
        """The last part of a problem's type."""
        return self.json()["type"].rpartition("/")[2]


class Door:
    """One way to a service: its Unix socket, or a port with a token; over TLS by the name that is certified. With
    the service's document (http_document.py), it takes no answer that this does not describe."""

    def __init__(self, socket_path=None, port=None, token=None, tls=None, host="localhost", document=None):
        self._socket_path, self._port, self._token, self._tls = socket_path, port, token, tls
        self._host, self._document = host, document

    def connection(self):
        if self._socket_path:
            return UnixConnection(self._socket_path)
        if self._tls:
            return http.client.HTTPSConnection(self._host, self._port, timeout=WAIT_S, context=self._tls)
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=WAIT_S)

    def ask(self, method, path, body=None, headers=None):
        headers = dict(headers or {})
        if self._token:
            headers.setdefault("Authorization", f"Bearer {self._token}")
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        connection = self.connection()
        try:
            connection.request(method, path, body, headers)
            answer = Answer(connection.getresponse())
        finally:
            connection.close()
        if self._document:
            self._document.check(method, path, answer.status, answer.headers, answer.body)
        return answer

    def get(self, path, **headers):
        return self.ask("GET", path, headers=headers)

    def post(self, path, body=None, **headers):
        return self.ask("POST", path, body, {name.replace("_", "-"): value for name, value in headers.items()})

    def stream(self, path, **headers):
        """Events (id, event, data) as they come, until the stream ends."""
        connection = self.connection()
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        if self._token:
            names.setdefault("Authorization", f"Bearer {self._token}")
        connection.request("GET", path, headers=names)
        response = connection.getresponse()
        assert response.status == 200, response.read()
        if self._document:
            self._document.check("GET", path, response.status, dict(response.getheaders()), None)
        return EventStream(connection, response)


class EventStream:
    def __init__(self, connection, response):
        self.connection, self.response = connection, response

    def begun(self):
        """Waits for the comment that says from where on events come: `now` is not before it."""
        line = self.response.readline()
        assert line.startswith(b": from event "), line
        return self

    def next(self):
        """The next event, comments left out; none at the end."""
        fields = {}
        while True:
            line = self.response.readline()
            if not line:
                return None
            text = line.decode().rstrip("\n")
            if not text and fields:
                return fields
            if text and not text.startswith(":"):
                name, _, value = text.partition(": ")
                fields[name] = value

    def close(self):
        self.response.close()
        self.connection.close()


def own_address():
    """An address of this machine that is not loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unsent:
        # Connecting chooses the way and sends nothing; these are addresses of nobody.
        for nobody in ("192.0.2.1", "198.51.100.1"):
            try:
                unsent.connect((nobody, 9))
            except OSError:
                continue
            if not unsent.getsockname()[0].startswith("127."):
                return unsent.getsockname()[0]
    raise AssertionError("only loopback here; an address comes with `ip address add 192.0.2.1/32 dev lo`")


def make_token(stand, name, scope, expires_at_us=None):
    """A token of that scope, put into the ledger as its digest."""
    token = "amd_" + secrets.token_hex(26)
    digest = hashlib.sha256(token.encode()).hexdigest()
    stand.sql(f"SELECT amdahl.put_token('{name}', '{digest}', '{scope}', {expires_at_us or 'NULL'})")
    return token


def raw(port, data, read_all=True, timeout=WAIT_S):
    """Sends bytes to a port; whatever comes back until the other side closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as sock:
        sock.sendall(data)
        if not read_all:
            return b""
        sock.shutdown(socket.SHUT_WR)
        answer = b""
        while True:
            try:
                piece = sock.recv(65536)
            except ConnectionResetError:
                return answer
            if not piece:
                return answer
            answer += piece


def statuses(answer):
    """The status codes in a raw answer, in order."""
    return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


def answers(data):
    """Status, headers and body of each answer that came over a port, but for a mere `go on`."""
    file, found = io.BytesIO(data), []
    while line := file.readline():
        headers = {name.lower(): value for name, value in http.client.parse_headers(file).items()}
        status = int(line.split()[1])
        if status != 100:
            found.append((status, headers, file.read(int(headers.get("content-length", 0)))))
    return found


def signed(secret, body, identity=None, at=None):
    """Headers of Standard Webhooks for these bytes."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    identity = identity or f"msg_{secrets.token_hex(8)}"
    at = str(int(at if at is not None else time.time()))
    mac = hmac.new(key, f"{identity}.{at}.".encode() + body, hashlib.sha256).digest()
    return {"webhook-id": identity, "webhook-timestamp": at,
            "webhook-signature": "v1," + base64.b64encode(mac).decode(),
            "Content-Type": "application/json"}


def trusting(certificate):
    return ssl.create_default_context(cafile=str(certificate))
