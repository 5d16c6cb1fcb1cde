"""The real PostgreSQL, older than it is."""

import re
import shutil
import socket
import socketserver
import threading


class OldServer:
    """Passes a connection through to the real server, whose version it makes 14."""

    def __init__(self, ledger, folder):
        self._real = next(path for path in (ledger / "postmaster.pid").read_text().split("\n")[4:5])
        self._port = (ledger / "postmaster.pid").read_text().split("\n")[3]
        self._folder = folder / "old"
        self._folder.mkdir()
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                outer.relay(self.request)

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True

        self._server = Server(str(self._folder / f".s.PGSQL.{self._port}"), Handler)

    def url(self, real):
        return real.replace(self._real, str(self._folder))

    def relay(self, client):
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{self._real}/.s.PGSQL.{self._port}")
        with server:
            threading.Thread(target=copy, args=(client, server, bytes), daemon=True).start()
            copy(server, client, lambda data: re.sub(rb"(server_version\x00)\d\d\.", rb"\g<1>14.", data))

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        shutil.rmtree(self._folder)


def copy(source, sink, change):
    try:
        while data := source.recv(65536):
            sink.sendall(change(data))
    except OSError:
        pass
    finally:
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
