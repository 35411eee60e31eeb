"""A web server on this machine that gives one file of weights, or fails in a way of choice."""

import contextlib
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CONTENT = b"weights" * 400_000
OTHER = b"x" * len(CONTENT)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Server:
    """A web server on this machine that gives `CONTENT`, or fails in the way that `fault` names."""

    def __init__(self):
        self.fault = None
        self.requests = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                owner.requests.append(self.path)
                if owner.fault == "not found":
                    self.send_error(404)
                    return
                self.send_response(200)
                if owner.fault != "no length":
                    self.send_header("Content-Length", str(len(CONTENT)))
                self.end_headers()
                if owner.fault == "dies":
                    self.wfile.write(CONTENT[: len(CONTENT) // 2])
                elif owner.fault == "other content":
                    self.wfile.write(OTHER)
                else:
                    self.wfile.write(CONTENT)

            def log_message(self, *_):
                pass

        self.web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.web.server_port}/models"


@contextlib.contextmanager
def serving():
    """A `Server` that answers while the block lasts."""
    server = Server()
    thread = threading.Thread(target=server.web.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.web.shutdown()
        thread.join()
        server.web.server_close()
