"""Stands between the service and slurmrestd and does to a submission what networks do."""

import collections
import contextlib
import http.client
import http.server
import threading

FORWARDED = ("content-type", "x-slurm-user-name", "x-slurm-user-token", "authorization", "accept")
WAIT_S = 60


class RestProxy:
    """`faults`: of the submissions to come, one each, in order. A fault is called with a function that asks
    slurmrestd and returns (status, body); what the fault returns is the answer, None an end without one. `met`
    counts those that were had, `refused` the answers to whatever that are errors."""

    def __init__(self, port):
        self.faults = collections.deque()
        self.met = 0
        self.refused = 0
        self._lock = threading.Lock()
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                proxy._answer(self, port)

            do_POST = do_DELETE = do_GET

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, request, port):
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))

        def forward():
            door = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S)
            with contextlib.closing(door):
                headers = {name: value for name, value in request.headers.items() if name.lower() in FORWARDED}
                door.request(request.command, request.path, body or None, headers)
                answer = door.getresponse()
                return answer.status, answer.read()

        answer = None
        with contextlib.suppress(OSError, http.client.HTTPException):  # slurmrestd is away: so is the answer
            answer = self._fault_of(request)(forward)
        if answer is None:
            request.close_connection = True
            return
        status, content = answer
        with self._lock:
            self.refused += status >= 400
        with contextlib.suppress(OSError):  # who asked has gone
            request.send_response(status)
            request.send_header("Content-Type", "application/json")
            request.send_header("Content-Length", str(len(content)))
            request.end_headers()
            request.wfile.write(content)

    def _fault_of(self, request):
        if request.command != "POST" or not request.path.endswith("/job/submit"):
            return lambda forward: forward()
        with self._lock:
            if not self.faults:
                return lambda forward: forward()
            self.met += 1
            return self.faults.popleft()


def answer_lost(forward):
    """Delivered, and nobody hears of it."""
    forward()


def request_lost(forward):
    """Nobody hears it."""
