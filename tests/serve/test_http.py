# SPDX-License-Identifier: MIT OR Apache-2.0
"""What `serve` answers: as its OpenAPI document says and as the command line says, and what it refuses."""
import base64
import csv
import hashlib
import http.client
import io
import json
import os
import re
import signal
import socket
import threading
import time
from pathlib import Path

from served import ROOT, Served, Writer, back_up_ahead, make_journal, main, order, run, until

PAGE = ROOT / "cli" / "serve" / "page"


# ---- as the document says --------------------------------------------------------------------

def fault(schema, value, document, where="answer"):
    """What is wrong with a value, or None: the part of JSON schema that the document uses."""
    if "oneOf" in schema:
        found = [fault(one, value, document, where) for one in schema["oneOf"]]
        return None if None in found else " and ".join(found)
    if "$ref" in schema:
        target = document
        for word in schema["$ref"][2:].split("/"):
            target = target[word]
        return fault(target, value, document, where)
    if value is None and schema.get("nullable"):
        return None
    if value not in schema.get("enum", [value]):
        return f"{where} is {value!r}, not one of {schema['enum']}"
    kinds = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}
    kind = kinds.get(schema.get("type"), object)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        return f"{where} is {value!r}, not of type {schema['type']}"
    if kind is list:
        found = (fault(schema["items"], item, document, f"{where}[{i}]") for i, item in enumerate(value))
        return next(filter(None, found), None)
    if kind is dict:
        return object_fault(schema, value, document, where)
    return None


def object_fault(schema, value, document, where):
    members, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    missing = [name for name in schema.get("required", []) if name not in value]
    if missing:
        return f"{where} lacks {missing}"
    for name, member in value.items():
        if name not in members and others is False:
            return f"{where} has {name}, which is not described"
        inner = members.get(name, others if isinstance(others, dict) else {})
        found = fault(inner, member, document, f"{where}.{name}")
        if found:
            return found
    return None


def test_document():
    """Each path is a route, and each answer what is described."""
    make_journal("j")
    ahead = back_up_ahead("j")
    document = json.loads((PAGE / "openapi.json").read_text())
    routes = set(re.findall(r'\.path = "([^"]+)"', (ROOT / "cli/serve/routes.c").read_text()))
    assert set(document["paths"]) == routes | {"/api/events"}, set(document["paths"]) ^ routes
    with Served("j") as served:
        assert served.json("/api/openapi.json") == document
        asked = {"/api/diff": "?from=2", "/api/history": "?limit=5&old=true"}
        for path in routes - {"/metrics"}:
            content = document["paths"][path]["get"]["responses"]["200"]["content"]
            answer = served.json(path + asked.get(path, ""))
            found = fault(content["application/json"]["schema"], answer, document)
            assert not found, (path, found)
        assert not ahead or served.json("/api/status")["backup"]["age_s"] is None
        failure = document["components"]["schemas"]["Failure"]
        for path, expect in (("/api/state?at=tomorrow", 400), ("/api/state?at=4711", 404), ("/nothing", 404),
                             ("/api/state?book=none", 404), ("/api/orders?colour=red", 400),
                             ("/api/orders?limit=0", 400), ("/api/orders?where=symbol", 400),
                             ("/api/orders?columns=none", 400), ("/api/diff", 400), ("/api/orders?limit", 400),
                             ("/api/history?old=no", 400), ("/api/state?at=1%00", 400),
                             ("/api/history?kind=horse", 400), ("/metrics?output=x", 400),
                             ("/api/state?book=" + "b" * 129, 400), ("/api/ledger?exchange=" + "x" * 65, 400),
                             ("/%00", 400), ("/api/status%00", 400), ("/api/diff?from=", 400),
                             ("/api/diff?from=1&to=0", 400)):
            answer = served.json(path, expect)
            assert "/api/diff?" not in path or answer["error"].startswith(("from needs", "to is neither")), answer
            assert not fault(failure, answer, document) and answer["advice"], (path, answer)
        for path, item in document["paths"].items():  # each parameter that is described is taken
            for parameter in item["get"].get("parameters", []):
                status, _, body = served.get(f"{path}?{parameter['name']}=")
                assert "no parameter" not in body, (path, parameter["name"], status, body)


def test_same_as_the_command_line():
    make_journal("j")
    with Served("j") as served:
        for path, command in (("/api/state", ("state", "show")), ("/api/state?at=7", ("state", "show", "--at", "7")),
                              ("/api/algos", ("algo", "list")), ("/api/diff?from=3&to=9", ("diff", "3", "9"))):
            assert served.get(path)[2] == run("-j", "j", *command, "--json"), path
        wanted = list(csv.reader(io.StringIO(run("-j", "j", "state", "show", "--table", "orders", "--csv",
                                                 "--where", "side=Buy", "--sort", "-price"))))
        table = served.json("/api/orders?where=side%3DBuy&sort=-price")
        assert table["columns"] == wanted[0] and table["total"] == 52 and table["matching"] == len(wanted) - 1
        assert [[cell or "" for cell in row] for row in table["rows"]] == wanted[1:]
        assert len(served.json("/api/orders?limit=3&columns=id,price")["rows"][0]) == 2
        past = served.json("/api/orders?at=1&where=id%3Dorder-00005&columns=price")["rows"]
        assert past == [[order(5)["request"]["price"]]], past
        entries = served.json("/api/ledger?type=fee&limit=2&desc=true")
        assert [row[0] for row in entries["rows"]] == ["59", "57"], entries
        commits = served.json("/api/history?from=2&to=4")["commits"]
        wanted = run("-j", "j", "history", "--from", "2", "--to", "4", "--json").splitlines()
        assert commits == [json.loads(line) for line in wanted]
        curve = served.json("/api/equity?from=5")
        wanted = json.loads(run("-j", "j", "equity", "--from", "5", "--json"))
        assert curve.pop("total") == len(wanted["points"]) and curve == wanted
        page = served.get("/metrics")
        assert page[1]["Content-Type"].startswith("text/plain") and "\ntesser_journal_up{" in page[2]


# ---- what is refused, and how answers are kept from doing harm -------------------------------

def test_refusals():
    make_journal("j")
    before = digest("j")
    with Served("j") as served:
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            status, headers, body = served.get("/api/state", method=method)
            assert status == 405 and headers["Allow"] == "GET, HEAD" and "nothing can be written" in body
        assert served.get("/api/state", method="HEAD")[0] == 200
        assert served.get("/api/state", body="x" * 100)[0] == 413
        for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "10.0.0.1"):
            assert served.get("/api/state", {"Host": host})[0] == 403, host
        for host in ("localhost", f"localhost:{served.port}", "[::1]", "127.0.0.1"):
            assert served.get("/api/status", {"Host": host})[0] == 200, host
        assert too_long(served, "/", {"X": "y" * 20000})
        assert too_long(served, "/" + "y" * 20000, {})
        assert served.get("/api/orders?" + "&".join(["where=id=1"] * 30))[0] == 400
        assert served.get("/../../etc/passwd")[0] == 404 and served.get("/page.js%2f")[0] == 404
        for path in ("/", "/page.js", "/api/state", "/nothing"):
            headers = served.get(path)[1]
            policy = headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy and "unsafe" not in policy and "script-src 'self'" in policy
            assert headers["X-Content-Type-Options"] == "nosniff" and headers["Cache-Control"] == "no-store"
            assert "Access-Control-Allow-Origin" not in headers
    assert digest("j") == before, "the journal changed"


def too_long(served, path, headers):
    """Refused; what is left unread may end the connection before its answer is read."""
    try:
        return served.get(path, headers)[0] in (413, 414, 431)
    except ConnectionError:
        return True


def digest(journal):
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in Path(journal).rglob("*")
            if file.is_file() and file.name != "lock.mdb"}


def test_page_has_nothing_of_elsewhere():
    page = (PAGE / "page.html").read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|javascript:", page)
    for file in PAGE.glob("page.*"):
        text = file.read_text()
        assert not re.search(r"https?://", text), file
        assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|\beval\(", text), file
    ranges = r"(0x[0-9a-f]+), (0x[0-9a-f]+)"
    text = (ROOT / "src/base/text.c").read_text()
    ours = re.findall(r"\[" + ranges + r"\]", (PAGE / "page.js").read_text())
    theirs = re.findall(r"\{" + ranges + r"\}", text[text.index("hidden[] = {"):text.index("static bool is_hidden")])
    assert ours == theirs and len(ours) > 30, "page.js hides other characters than src/base/text.c"
    for line in (PAGE / "uplot/README").read_text().splitlines():
        found = re.match(r"\s+([0-9a-f]{64})  (\S+)", line)
        if found:
            assert hashlib.sha256((PAGE / "uplot" / found[2]).read_bytes()).hexdigest() == found[1], found[2]


def test_token():
    make_journal("j", orders=2, commits=2)
    said = run("serve", "-j", "j", "--listen", "0.0.0.0:0", expect=2)
    assert "0.0.0.0 can be reached from other machines: give --token-file FILE" in said
    token = "correct horse battery"
    Path("token").write_text(token + "\n")
    os.chmod("token", 0o644)
    assert "can be read by everybody" in run("serve", "-j", "j", "--token-file", "token", expect=26)
    os.chmod("token", 0o600)
    for text in ("short\n", token + "\n" + token + "\n", token + "\t" + token, "\0" * 16, "x" * 513):
        Path("none").write_text(text)
        os.chmod("none", 0o600)
        assert "holds no token" in run("serve", "-j", "j", "--token-file", "none", expect=26), text
    basic = {"Authorization": "Basic " + base64.b64encode(f"me:{token}".encode()).decode()}
    wrong = {"Authorization": "Basic " + base64.b64encode(f"me:{token}x".encode()).decode()}
    with Served("j", "--token-file", "token", listen="0.0.0.0:0") as served:
        status, headers, body = served.get("/api/state")
        assert status == 401 and headers["WWW-Authenticate"].startswith("Basic ") and token not in body
        for path in ("/", "/healthz", "/metrics", "/api/events", "/page.js"):
            assert served.get(path)[0] == 401, path
        for headers in (wrong, {"Authorization": "Bearer " + token[:-1]}, {"Authorization": "Basic !!"},
                        {"Authorization": "Bearer "}, {"Authorization": token}):
            assert served.get("/api/state", headers)[0] == 401, headers
        assert served.get("/api/state", basic)[0] == 200
        assert served.get("/api/state", {"Authorization": "Bearer " + token, "Host": "journal.example"})[0] == 200


def test_listen():
    make_journal("j", orders=2, commits=2)
    for text in ("7788", "localhost", "[::1]", ":7788", "127.0.0.1:port", "127.0.0.1:99999", "::1:7788", "127.0.0.1:1x"):
        assert "expected ADDRESS:PORT" in run("serve", "-j", "j", "--listen", text, expect=2), text
    assert "there is no journal" in run("serve", "-j", "nowhere", "--listen", "127.0.0.1:0", expect=13)
    assert "which journal?" in run("serve", "--listen", "127.0.0.1:0", expect=2)
    with Served("j") as served:
        said = run("serve", "-j", "j", "--listen", f"127.0.0.1:{served.port}", expect=18)
        assert "another program has it; choose another port" in said, said


# ---- what changes, and the end ---------------------------------------------------------------

class Events:
    """The events that a server tells, as they come."""

    def __init__(self, served):
        self.connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
        self.connection.request("GET", "/api/events")
        self.answer = self.connection.getresponse()
        assert self.answer.headers["Content-Type"] == "text/event-stream"

    def next(self):
        """The next event; None at the end."""
        for line in iter(self.answer.readline, b""):
            if line.startswith(b"data: "):
                return json.loads(line[6:])
        return None

    def until(self, holds):
        told = self.next()
        while told is not None and not holds(told):
            told = self.next()
        assert told, "the events ended"
        return told


def test_long_event():
    """However long a failure is, who listens is told it whole."""
    path = "/".join(["d" + '"' * 200] * 5)
    os.makedirs(path)
    make_journal(f"{path}/j", orders=2, commits=2)
    os.rename(f"{path}/j/data.mdb", f"{path}/j/gone")
    with Served(f"{path}/j") as served:
        told = Events(served).next()
        assert told["status"] == "CORRUPT" and len(json.dumps(told)) > 2048, told
        assert told["error"].startswith(os.getcwd()) and told["since"].endswith("Z"), told
        assert "WARNING" in served.stop()[1].upper()


def test_events():
    make_journal("j", orders=2, commits=2)
    with Served("j") as served:
        events = Events(served)
        assert events.next() == {"status": "OK", "sequence": 2, "writer_alive": False, "space_low": False}
        writer = Writer("j")
        made = writer.write({"portfolio_equity": "5"})
        assert made["seq"] == 3, made
        events.until(lambda told: told["sequence"] == 3 and told["writer_alive"])
        assert served.json("/api/portfolio")["portfolio_equity"] == "5"
        for number, pause in ((4, 0.16), (5, 0.19), (6, 0.22)):  # shortly before it is looked for news
            time.sleep(pause)
            assert served.json("/api/portfolio")["sequence"] == number - 1  # and kept
            assert writer.write({"portfolio_equity": f"{number}"})["seq"] == number
            events.until(lambda told, number=number: told["sequence"] == number)
            assert served.json("/api/portfolio")["sequence"] == number
        assert served.json("/healthz?writer=true")["well"] is True
        writer.child.kill()
        writer.child.wait()
        events.until(lambda told: told["sequence"] == 6 and not told["writer_alive"])
        assert served.json("/healthz?writer=true", 503)["findings"][0]["name"] == "WRITER_DEAD"
        assert served.json("/healthz")["well"] is True


def test_damage_while_looked_at():
    make_journal("j", orders=2, commits=2)
    with Served("j") as served:
        events = Events(served)
        assert events.next()["status"] == "OK"
        os.rename("j/data.mdb", "gone")  # found when the journal is opened afresh
        events.until(lambda told: told["status"] == "CORRUPT")
        os.rename("gone", "j/data.mdb")
        events.until(lambda told: told["status"] == "OK")


def test_damage():
    make_journal("j")
    data = bytearray(Path("j/data.mdb").read_bytes())
    page = data.rfind(b"order-00049") // 4096 * 4096
    data[page + 12] ^= 0x10
    Path("j/data.mdb").write_bytes(data)
    served = Served("j")
    assert served.json("/healthz", 503)["status"] == "CORRUPT"
    answer = served.json("/api/state", 500)
    assert answer["exit_code"] == 19 and f"verify -j {os.path.realpath('j')} --deep" in answer["advice"], answer
    status, _, body = served.get("/metrics")
    assert status == 200 and re.search(r"^tesser_journal_up\{.*\} 0$", body, re.M)
    assert Events(served).next()["status"] == "CORRUPT"
    code, said = served.stop()
    assert code == 0 and '"warning"' in said, (code, said)


def test_end():
    make_journal("j", orders=2, commits=2)
    for number in (signal.SIGTERM, signal.SIGINT):
        served = Served("j")
        events = Events(served)
        assert events.next()["sequence"] == 2
        half = socket.create_connection(("127.0.0.1", served.port))
        half.sendall(b"GET / HT")
        asking = [threading.Thread(target=ask_on, args=(served,)) for _ in range(4)]
        for each in asking:
            each.start()
        assert served.stop(number) == (0, "")
        assert events.next() is None
        for each in asking:
            each.join()
        half.close()
        with Served("j", listen=f"127.0.0.1:{served.port}"):  # the port is free at once
            pass


def ask_on(served):
    """Asks until nobody answers."""
    try:
        for n in range(10000):
            status = served.get(f"/api/state?at={n % 2 + 1}")[0]
            assert status in (200, 503), status
    except (OSError, http.client.HTTPException):
        pass


def test_slow_clients():
    """Who never finishes a request is sent away; meanwhile everybody else is answered."""
    make_journal("j", orders=2, commits=2)
    with Served("j") as served:
        slow = socket.create_connection(("127.0.0.1", served.port))
        slow.settimeout(0.5)
        ended = []

        def drip():
            for n in range(200):  # a byte now and then: libmicrohttpd alone would wait for ever
                try:
                    slow.sendall(b"G" if n == 0 else b"x")
                    if slow.recv(100) == b"":
                        break
                except TimeoutError:
                    continue
                except OSError:
                    break
            ended.append(True)
        dripping = threading.Thread(target=drip)
        dripping.start()
        assert served.json("/healthz")["well"]
        dripping.join(timeout=60)
        assert ended, "a slow client is still there"
        assert until(lambda: served.json("/healthz")["well"])


if __name__ == "__main__":
    quick = (test_document, test_same_as_the_command_line, test_refusals, test_page_has_nothing_of_elsewhere,
             test_token, test_listen, test_long_event, test_events, test_end, test_damage)
    waiting = (test_damage_while_looked_at, test_slow_clients)  # ten seconds each: what is waited for is that long
    main(*quick, *(waiting if os.environ.get("TJ_LONG") else waiting[:0]))
    if not os.environ.get("TJ_LONG"):
        print("not run: " + ", ".join(test.__name__ for test in waiting) + " (TJ_LONG=1)")
