"""A small HTTP service, with Python's own metrics at /metrics if METRICS is on."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, Counter, generate_latest

REQUESTS = Counter("http_requests", "Requests answered.", ["method", "status"])
HAS_METRICS = os.environ.get("METRICS") == "on"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/metrics":
            if HAS_METRICS:
                self.answer(200, generate_latest(), CONTENT_TYPE_LATEST)
            else:
                self.answer(404, b"not found\n", "text/plain")
            return
        REQUESTS.labels("GET", "200").inc()
        self.answer(200, b"well\n", "text/plain")

    def answer(self, status, body, content_type):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("", 8080), Handler).serve_forever()
