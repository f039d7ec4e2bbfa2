#!/usr/bin/env python3
"""Meets `tagwall serve` at its doors: TLS, certificates of clients, sockets of systemd, and clients that do not behave.

usage: serve_doors.py TAGWALL

Needs openssl for certificates. Every server listens on loopback at a port of the system's choice and is ended. Prints a
PASS or FAIL line for each check; exit 0 if all passed, 1 if one did not, 2 if it could not run.
"""

import base64
import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import warnings

if len(sys.argv) != 2 or not shutil.which("openssl"):
    print(__doc__, file=sys.stderr)
    sys.exit(2)
tagwall = os.path.abspath(sys.argv[1])
work = pathlib.Path(tempfile.mkdtemp(prefix="serve-doors-"))
os.chdir(work)
os.environ["TAGWALL_STORE"] = str(work / "store")
LIST = "/v1/feeds/public/Storage.v4.txt"
failed = False


def check(what, holds, more=""):
    global failed
    print(("PASS " if holds else "FAIL ") + what + ("" if holds else f" {more}"), flush=True)
    failed = failed or not holds


def week():
    """Addresses of documentation and benchmarks only; one list is large enough that it fills every buffer on its way."""
    large = [f"198.18.{i // 128}.{i % 128 * 2}/32" for i in range(25600 // 2)] + [f"2001:db8:0:0:0:0:{i // 32768:x}:{i % 32768 * 2:x}/128" for i in range(200000)]
    tags = [("Storage", ["192.0.2.0/25", "198.51.100.7/32"]), ("Large", large)]
    values = [{"name": name, "id": name, "properties": {"region": "", "regionId": 0, "platform": "Azure", "systemService": "",
               "changeNumber": 1, "addressPrefixes": prefixes, "networkFeatures": ["API", "NSG"]}} for name, prefixes in tags]
    return {"changeNumber": 1, "cloud": "Public", "values": values}


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, capture_output=True)


def authority(name):
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2",
            "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE")


def certificate(name, by, usage):
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
    pathlib.Path("ext").write_text(f"subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage={usage}\n")
    openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{by}.pem", "-CAkey", f"{by}.key", "-CAcreateserial", "-days", "2",
            "-extfile", "ext", "-out", f"{name}.pem")


def digest(name):
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pathlib.Path(f"{name}.pem").read_text())).hexdigest()


class Server:
    """A server, and what it said so far."""

    def __init__(self, *args, listen="127.0.0.1:0", opened=None, env=None):
        line = [tagwall, "serve", "--access-log", "off", "--poll", "1", *(["--listen", listen] if listen else []), *args]
        if opened:
            script = ("import os,sys; os.dup2(int(sys.argv[1]), 3); os.environ['LISTEN_PID'] = str(os.getpid()); "
                      "os.environ['LISTEN_FDS'] = '1'; os.execv(sys.argv[2], sys.argv[2:])")
            line = [sys.executable, "-c", script, str(opened.fileno()), *line]
        self.process = subprocess.Popen(line, stderr=subprocess.PIPE, text=True, env={**os.environ, **(env or {})},
                                        pass_fds=(opened.fileno(),) if opened else ())
        self.said, self.news = [], threading.Condition()
        threading.Thread(target=self.listen, daemon=True).start()
        self.at = self.wait("listening on ").split()[-1]
        self.wait("serving ")

    def listen(self):
        for line in self.process.stderr:
            with self.news:
                self.said.append(line.rstrip())
                self.news.notify_all()

    def wait(self, words, seconds=60):
        end = time.monotonic() + seconds
        with self.news:
            while True:
                for line in self.said:
                    if words in line:
                        return line
                if not self.news.wait(max(0.0, end - time.monotonic())) and time.monotonic() >= end:
                    raise TimeoutError(f"`{words}` is not said: {self.said}")

    @property
    def port(self):
        return int(self.at.rsplit(":", 1)[1])

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return None


@contextlib.contextmanager
def server(*args, **more):
    running = Server(*args, **more)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.end()


def trust(ca, own=None, low=None):
    context = ssl.create_default_context(cafile=f"{ca}.pem")
    if own:
        context.load_cert_chain(f"{own}.pem", f"{own}.key")
    if low:
        context.minimum_version = context.maximum_version = low
    return context


def get(port, context=None, path=LIST, headers=None):
    """Status and body; the name of the error where there is no answer."""
    try:
        if context:
            connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=30)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        with contextlib.closing(connection):
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__, b""


def raw(port, data, seconds=10):
    """What comes back for bytes as they are."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as stream:
        with contextlib.suppress(OSError):
            stream.sendall(data)
        back = b""
        with contextlib.suppress(OSError):
            while piece := stream.recv(65536):
                back += piece
        return back


def serial(port, context):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as stream:
            return stream.getpeercert()["serialNumber"]


def tls():
    certificate("one", "ca", "serverAuth")
    certificate("two", "ca", "serverAuth")
    shutil.copy("one.pem", "server.pem")
    shutil.copy("one.key", "server.key")
    with server("--tls-certificate", "server.pem", "--tls-key", "server.key", "--head-timeout", "2") as running:
        port = running.port
        status, body = get(port, trust("ca"))
        check("TLS: a list", status == 200 and b"192.0.2.0/25" in body, status)
        check("TLS: another authority is not trusted", get(port, trust("other"))[0] == "SSLCertVerificationError")
        for version, wanted in [(ssl.TLSVersion.TLSv1_2, 200), (ssl.TLSVersion.TLSv1_3, 200)]:
            check(f"TLS: {version.name}", get(port, trust("ca", low=version))[0] == wanted)
        old = trust("ca")
        old.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings(action="ignore"):
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        check("TLS: 1.1 is refused", isinstance(get(port, old)[0], str))
        back = raw(port, b"GET " + LIST.encode() + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        check("TLS: plain HTTP gets no list", b"192.0.2" not in back, back[:80])
        raw(port, os.urandom(4096))
        start = time.monotonic()
        back = raw(port, b"\x16\x03\x01\x02\x00\x01", 20)
        check("TLS: half a handshake is let go", time.monotonic() - start < 15)
        check("TLS: and others are answered", get(port, trust("ca"))[0] == 200)
        # A new certificate; a connection that is open goes on with the old one.
        kept = http.client.HTTPSConnection("127.0.0.1", port, context=trust("ca"), timeout=30)
        kept.request("GET", LIST)
        kept.getresponse().read()
        before = serial(port, trust("ca"))
        # For a moment the key is not that of the certificate, as when two files are written one after the other.
        shutil.copy("two.pem", "server.pem")
        running.process.send_signal(signal.SIGHUP)
        running.wait("server.", 20)
        check("TLS: a certificate without its key changes nothing", serial(port, trust("ca")) == before)
        shutil.copy("two.key", "server.key")
        running.process.send_signal(signal.SIGHUP)
        for _ in range(100):
            after = serial(port, trust("ca"))
            if after != before:
                break
            time.sleep(0.1)
        check("TLS: the new one is shown", after != before)
        kept.request("GET", LIST)
        check("TLS: an open connection goes on", kept.getresponse().status == 200)
        kept.close()
        check("TLS: SIGTERM ends it with 0", running.end() == 0)
    done = subprocess.run([tagwall, "serve", "--listen", "127.0.0.1:0", "--tls-certificate", "server.pem", "--tls-key", "one.key"],
                          capture_output=True, text=True, timeout=60)
    check("TLS: a key of another certificate is exit 2 and named", done.returncode == 2 and "one.key" in done.stderr, done.stderr)


def clients():
    certificate("named", "ca", "clientAuth")
    certificate("unnamed", "ca", "clientAuth")
    certificate("foreign", "other", "clientAuth")
    files = ["--tls-certificate", "one.pem", "--tls-key", "one.key", "--client-ca", "ca.pem"]
    with server(*files) as running:
        port = running.port
        check("clients: no certificate, no answer", isinstance(get(port, trust("ca"))[0], str))
        check("clients: one of the authority", get(port, trust("ca", "unnamed"))[0] == 200)
        check("clients: one of another authority", isinstance(get(port, trust("ca", "foreign"))[0], str))
        check("clients: one that is for servers", isinstance(get(port, trust("ca", "one"))[0], str))
    secret = hashlib.sha256(b"a long secret").hexdigest()
    pathlib.Path("access.toml").write_text(
        f'[[user]]\nname = "edge"\ncertificates = ["{digest("named")}"]\npaths = ["/v1/feeds/public/Storage.*"]\n'
        f'[[user]]\nname = "job"\npasswords = [{{ sha256 = "{secret}" }}]\npaths = ["/v1/*"]\n')
    basic = {"Authorization": "Basic " + base64.b64encode(b"job:a long secret").decode()}
    with server(*files, "--access", "access.toml") as running:
        port = running.port
        check("access: the named certificate", get(port, trust("ca", "named"))[0] == 200)
        check("access: it may not ask for more", get(port, trust("ca", "named"), "/v1/tags")[0] == 403)
        check("access: a certificate that stands for nobody", get(port, trust("ca", "unnamed"))[0] == 401)
        check("access: a password without a certificate", get(port, trust("ca"), headers=basic)[0] == 200)
        check("access: neither", get(port, trust("ca"))[0] == 401)
        check("access: one of another authority", isinstance(get(port, trust("ca", "foreign"))[0], str))


def inherited(kind):
    """A socket that is open before the server starts, as systemd gives it."""
    opened = socket.socket(socket.AF_UNIX if kind == "unix" else socket.AF_INET)
    opened.bind(str(work / "opened.sock") if kind == "unix" else ("127.0.0.1", 0))
    opened.listen()
    at = opened.getsockname()
    # A client that comes before the server is there waits and is answered.
    early = socket.socket(opened.family)
    early.connect(at)
    early.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    note = work / f"notify-{kind}.sock"
    notes = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notes.bind(str(note))
    notes.settimeout(30)
    env = {"NOTIFY_SOCKET": str(note), "WATCHDOG_USEC": "2000000"}
    with server(listen="systemd", opened=opened, env=env) as running:
        opened.close()
        early.settimeout(30)
        check(f"systemd: who came early is answered ({kind})", early.recv(4096).startswith(b"HTTP/1.1 200"))
        early.close()
        heard = ""
        with contextlib.suppress(TimeoutError):
            while "WATCHDOG=1" not in heard or "READY=1" not in heard:
                heard += notes.recv(4096).decode() + "\n"
        check("systemd: it is told when data is there, with the state", "READY=1" in heard and "STATUS=" in heard, heard)
        check("systemd: the watchdog is fed", "WATCHDOG=1" in heard, heard)
        code = running.end()
        with contextlib.suppress(TimeoutError):
            while "STOPPING=1" not in heard:
                heard += notes.recv(4096).decode() + "\n"
        check("systemd: the stop is told", code == 0 and "STOPPING=1" in heard, heard)
    notes.close()


def clumsy():
    with server("--head-timeout", "2", "--stall-timeout", "3", "--max-client-connections", "20") as running:
        port = running.port
        request = f"GET {LIST} HTTP/1.1\r\nHost: x\r\n"
        for what, data, wanted in [
            ("a head of a megabyte", request + "X-Long: " + "a" * (1 << 20) + "\r\n\r\n", b"431"),
            ("ten thousand headers", request + "".join(f"X-{i}: a\r\n" for i in range(10000)) + "\r\n", b"431"),
            ("a long path", f"GET /v1/feeds/public/{'a' * 15000} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"4"),
            ("a path of a megabyte", f"GET /{'a' * (1 << 20)} HTTP/1.1\r\nHost: x\r\n\r\n", b"4"),
            ("a body of a terabyte", request + "Content-Length: 1099511627776\r\n\r\n", b"413"),
            ("no version", f"GET {LIST}\r\n\r\n", b"4"),
            ("two lengths", request + "Content-Length: 0\r\nContent-Length: 5\r\n\r\nabcde", b"4"),
            ("HTTP/2 without asking", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"4"),
        ]:
            back = raw(port, data.encode())
            # Where more is sent than is read the answer may be lost with the connection.
            status = back[9:12] if back.startswith(b"HTTP/1.") else back[:3]
            check(f"clumsy: {what}", not back or status.startswith(wanted), back[:60])
        slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(15)]
        for stream in slow:
            stream.sendall(request.encode())
        start = time.monotonic()
        check("clumsy: beside fifteen who send no end, others are answered", get(port)[0] == 200)
        gone = 0
        for stream in slow:
            stream.settimeout(10)
            with contextlib.suppress(OSError):
                while stream.recv(4096):
                    pass
                gone += 1
            stream.close()
        check("clumsy: they are let go", gone == 15 and time.monotonic() - start < 9, gone)
        # One who takes nothing of a large answer.
        stream = socket.socket()
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stream.connect(("127.0.0.1", port))
        stream.sendall(b"GET /v1/feeds/public/Large.mixed.txt HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(8)
        taken = b""
        stream.settimeout(10)
        with contextlib.suppress(OSError):
            while piece := stream.recv(1 << 20):
                taken += piece
        stream.close()
        length = int(taken.split(b"content-length: ")[1].split(b"\r\n")[0])
        body = len(taken) - taken.index(b"\r\n\r\n") - 4
        check("clumsy: who takes nothing is let go, and sees that it is not all", body < length, (body, length))
        crowd = [socket.create_connection(("127.0.0.1", port)) for _ in range(40)]
        time.sleep(0.5)
        held = 0
        for stream in crowd:
            stream.settimeout(0.2)
            try:
                held += stream.recv(1) != b""
            except TimeoutError:
                held += 1
            except OSError:
                pass
            stream.close()
        check("clumsy: a client has no more connections than it may", held <= 20, held)
        check("clumsy: and is answered again", any(get(port)[0] == 200 or time.sleep(0.2) for _ in range(50)))


def drain():
    with server() as running:
        stream = socket.create_connection(("127.0.0.1", running.port))
        stream.sendall(b"GET /v1/feeds/public/Large.mixed.txt HTTP/1.1\r\nHost: x\r\n\r\n")
        taken = stream.recv(4096)
        running.process.send_signal(signal.SIGTERM)
        time.sleep(1)
        refused = get(running.port)[0]
        stream.settimeout(30)
        while piece := stream.recv(1 << 16):
            taken += piece
        length = int(taken.split(b"content-length: ")[1].split(b"\r\n")[0])
        body = len(taken) - taken.index(b"\r\n\r\n") - 4
        check("stop: a download that runs is finished, whole", body == length, (body, length))
        check("stop: nobody new is taken", isinstance(refused, str), refused)
        check("stop: exit 0", running.process.wait(30) == 0)


pathlib.Path("ServiceTags_Public_20260302.json").write_text(json.dumps(week()))
subprocess.run([tagwall, "snapshots", "add", "ServiceTags_Public_20260302.json"], check=True, stdout=subprocess.DEVNULL)
authority("ca")
authority("other")
tls()
clients()
inherited("tcp")
inherited("unix")
clumsy()
drain()
shutil.rmtree(work)
sys.exit(failed)
