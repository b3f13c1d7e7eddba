"""A stock service in Python that is broken on purpose, for bench/record-causes.ts: threads, tracebacks, other labels."""

import json, logging, os, socket, sqlite3, sys, threading, time, traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
log = logging.getLogger("stock")
release = open("/app/release").read().strip()
DSN = os.environ["REDIS_ADDR"]
TIMEOUT_S = float(os.environ.get("TIMEOUT_S", "2"))
WORKERS = int(os.environ.get("WORKERS", "32"))
WORK_S = float(os.environ.get("WORK_S", "0.004"))
DATA = os.environ.get("DATA_DIR", "/tmp")
if WORKERS < 1:
    log.critical("invalid value for WORKERS: %s, must be at least 1", WORKERS)
    sys.exit(1)

slots = threading.Semaphore(WORKERS)
guard = threading.Lock()
counts, sums = {}, {}
BUCKETS = [0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
held, state = [], {"fail": 0, "deadlock": False, "leak": 0, "threads": False}
start = time.time()


def redis(*words):
    host, port = DSN.split(":")
    with socket.create_connection((host, int(port)), timeout=TIMEOUT_S) as conn:
        conn.settimeout(TIMEOUT_S)
        conn.sendall((" ".join(words) + "\r\n").encode())
        answer = conn.recv(4096).decode()
    if answer.startswith("-"):
        raise RuntimeError("redis answered: " + answer[1:].strip())
    return answer


def work(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        sum(range(100))


def record(amount):
    db = sqlite3.connect(DATA + "/stock.db", timeout=1)
    with db:
        db.execute("create table if not exists moves (at real, note text)")
        db.execute("insert into moves values (?, ?)", (time.time(), "x" * amount))
    db.close()


def serve(path):
    if state["deadlock"]:
        guard.acquire()
        guard.acquire()
    if state["leak"]:
        held.append(bytearray(state["leak"] * 1024))
    if state["threads"]:
        worker = threading.Thread(target=time.sleep, args=(600,), daemon=True)
        worker.start()
    if state["fail"] and time.time() * 1000 % 100 < state["fail"]:
        [][len(path)]
    work(WORK_S * (20 if release == "1.5.4" else 1))
    if release == "1.5.0":
        state.stock_level
    redis("GET", "stock")
    if path == "/moves":
        record(200)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def log_message(self, *args):
        pass

    def answer(self, code, body=b""):
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        url = urlparse(self.path)
        if url.path == "/metrics":
            return self.answer(200, metrics().encode())
        if url.path == "/health":
            return self.answer(200, b"ok")
        began, code = time.time(), 200
        if not slots.acquire(timeout=TIMEOUT_S):
            code = 503
            log.error("all %d workers are busy, rejected request for %s", WORKERS, url.path)
        else:
            try:
                serve(url.path)
            except Exception as error:
                code = 500
                log.error("%s failed: %s\n%s", url.path, error, traceback.format_exc())
            finally:
                slots.release()
        took = time.time() - began
        key = (url.path, code)
        counts[key] = counts.get(key, 0) + 1
        buckets = sums.setdefault(key, [0.0, 0] + [0] * len(BUCKETS))
        buckets[0] += took
        buckets[1] += 1
        for at, le in enumerate(BUCKETS):
            buckets[2 + at] += took <= le
        log.info('"GET %s" %d %.3f', url.path, code, took)
        try:
            self.answer(code)
        except OSError:
            pass

    do_POST = do_GET


def metrics():
    rss = int(open("/proc/self/statm").read().split()[1]) * 4096
    lines = [
        f"process_cpu_seconds_total {time.process_time()}",
        f"process_resident_memory_bytes {rss}",
        f"process_start_time_seconds {start}",
    ]
    for (path, code), value in list(counts.items()):
        lines.append(f'http_requests_total{{handler="{path}",status="{code}"}} {value}')
    for (path, code), values in list(sums.items()):
        name = f'http_request_duration_seconds_%s{{handler="{path}",status="{code}"'
        for at, le in enumerate(BUCKETS):
            lines.append(name % "bucket" + f',le="{le}"}} {values[2 + at]}')
        lines.append(name % "bucket" + f',le="+Inf"}} {values[1]}')
        lines.append(name % "sum" + f"}} {values[0]}")
        lines.append(name % "count" + f"}} {values[1]}")
    return "\n".join(lines) + "\n"


def spin():
    while True:
        sum(range(1000))


def fill():
    try:
        for at in range(10000):
            with open(f"{DATA}/export-{at}", "wb") as file:
                file.write(b"x" * 262144)
    except OSError as error:
        log.error("export failed: %s", error)


def leak_steadily(kib):
    while True:
        held.append(bytearray(kib * 102))
        time.sleep(0.1)


def keep_open():
    while True:
        try:
            for _ in range(3):
                held.append(open("/app/stock.py"))
        except OSError:
            pass
        time.sleep(0.1)


FAULTS = {
    "spin": lambda n: [threading.Thread(target=spin, daemon=True).start() for _ in range(n)],
    "leak": lambda n: threading.Thread(target=leak_steadily, args=(n * 1024,), daemon=True).start(),
    "leak_requests": lambda n: state.update(leak=n),
    "fail": lambda n: state.update(fail=n),
    "deadlock": lambda n: state.update(deadlock=True),
    "threads": lambda n: state.update(threads=True),
    "files": lambda n: threading.Thread(target=keep_open, daemon=True).start(),
    "fill": lambda n: threading.Thread(target=fill, daemon=True).start(),
    "abort": lambda n: os.abort(),
}


class Control(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_POST(self):
        url = urlparse(self.path)
        amount = int(parse_qs(url.query).get("n", ["1"])[0])
        self.send_response(200)
        self.end_headers()
        threading.Timer(0.05, FAULTS[url.path[1:]], [amount]).start()


threading.Thread(target=ThreadingHTTPServer(("", 9000), Control).serve_forever, daemon=True).start()
log.info("stock %s listening on 8000", release)
ThreadingHTTPServer(("", 8000), Handler).serve_forever()
