# SPDX-License-Identifier: MIT OR Apache-2.0
"""The page of a journal on a server, by a role that may only read: the same answers, and what it says while the
server is away. With the argument "page", in a browser."""
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import browser
from browser import Browser
from served import ROOT, Served, Writer, main, make_journal, run
from test_http import PAGE, Events, fault

DIRECTORY = os.environ["TJ_POSTGRES_DIRECTORY"]
URL = os.environ["TJ_POSTGRES_URL"]


def server(action):
    subprocess.run(["bash", os.environ["TJ_POSTGRES_SERVER"], action, DIRECTORY], check=True)


def sql(text):
    psql = sorted(Path("/usr/lib/postgresql").glob("*/bin/psql"))[-1]
    return subprocess.run([psql, "-q", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", URL], check=True, text=True,
                          input=text, capture_output=True).stdout.strip()


def configure(name):
    """Two files: one for whoever writes, one for a role that is granted to look, and nothing else."""
    schema = f"page_{name}"
    for file, user in (("owner.toml", "postgres"), ("reader.toml", "page_reader")):
        Path(file).write_text(f'[journal]\ntype = "postgres"\nurl = "{URL.replace("user=postgres", f"user={user}")}"\n'
                              f'schema = "{schema}"\n', encoding="utf-8")
    make_journal("owner.toml", orders=20, commits=12)
    sql(f"""
        do $$ begin create role page_reader login; exception when duplicate_object then null; end $$;
        grant usage on schema {schema} to page_reader;
        grant select on all tables in schema {schema} to page_reader;""")


def test_answers():
    configure("answers")
    document = json.loads((PAGE / "openapi.json").read_text())
    routes = set(re.findall(r'\.path = "([^"]+)"', (ROOT / "cli/serve/routes.c").read_text()))
    with Served("reader.toml") as served:
        asked = {"/api/diff": "?from=2", "/api/history": "?limit=5&old=true"}
        for path in routes - {"/metrics"}:
            content = document["paths"][path]["get"]["responses"]["200"]["content"]
            answer = served.json(path + asked.get(path, ""))
            found = fault(content["application/json"]["schema"], answer, document)
            assert not found, (path, found)
        for path, command in (("/api/state", ("state", "show")), ("/api/state?at=7", ("state", "show", "--at", "7")),
                              ("/api/algos", ("algo", "list")), ("/api/diff?from=3&to=9", ("diff", "3", "9"))):
            assert served.get(path)[2] == run("--config", "owner.toml", *command, "--json"), path
        status = served.json("/api/status")
        assert status["engine"] == "postgres" and status["standbys"] == [], status
        assert served.get("/healthz")[0] == 200 and served.get("/healthz?writer=true")[0] == 503
        up = 'tesser_journal_up{journal="default in schema page_answers on PostgreSQL"} 1'
        assert f"\n{up}\n" in served.get("/metrics")[2]
        assert served.get("/api/health?min-free=1GiB")[0] == 400
        assert served.get("/api/state", method="POST")[0] == 405


def test_away_and_back():
    """Who listens is told of commits, that the server is away and since when, and that it is back."""
    configure("away")
    with Served("reader.toml") as served:
        events = Events(served)
        told = events.next()
        assert told == {"status": "OK", "sequence": 12, "writer_alive": False, "space_low": False}, told
        writer = Writer("owner.toml")
        writer.write({"portfolio_equity": "31000.5"})
        events.until(lambda told: told.get("sequence") == 13 and told["writer_alive"])
        assert served.json("/api/portfolio")["portfolio_equity"] == "31000.5"
        writer.end()
        events.until(lambda told: told["status"] == "OK" and not told["writer_alive"])
        server("halt")
        gone = events.until(lambda told: told["status"] == "UNAVAILABLE")
        assert gone["sequence"] == 13 and gone["since"].endswith("Z") and DIRECTORY in gone["error"], gone
        assert served.get("/healthz")[0] == 503
        status, _, body = served.get("/metrics")
        assert status == 200 and re.search(r"\ntesser_journal_up\{.*\} 0", body), (status, body)
        failure = served.json("/api/state", 503)
        assert failure["status"] == "UNAVAILABLE" and failure["exit_code"] == 24, failure
        server("resume")
        events.until(lambda told: told["status"] == "OK" and told["sequence"] == 13)
        assert served.get("/healthz")[0] == 200
    server("halt")  # one that begins while it is away says so, and shows it when it is there
    with Served("reader.toml") as served:
        assert served.get("/healthz")[0] == 503
        server("resume")
        assert served.json("/api/status")["sequence"] == 13
        assert f"{DIRECTORY}/.s.PGSQL" in served.stop()[1]


def test_rights_and_sessions():
    """Two who look on share a session, are told that the role may not look any more, and not that a session was cut."""
    configure("rights")
    of_reader = "from pg_stat_activity where usename = 'page_reader'"
    with Served("reader.toml") as served:
        both = [Events(served), Events(served)]
        assert [events.next()["sequence"] for events in both] == [12, 12]
        assert sql(f"select count(*) {of_reader}") == "1"
        sql("revoke select on all tables in schema page_rights from page_reader")
        for events in both:
            told = events.next()
            assert told["status"] == "READONLY" and "permission denied" in told["error"], told
            assert told["sequence"] == 12 and told["since"].endswith("Z"), told
        assert served.get("/healthz")[0] == 503
        sql("grant select on all tables in schema page_rights to page_reader")
        assert [events.next()["status"] for events in both] == ["OK", "OK"]
        assert sql(f"select count(pg_terminate_backend(pid)) {of_reader}") == "1"
        time.sleep(0.6)  # it is looked for news twice
        writer = Writer("owner.toml")
        told = [events.next() for events in both]
        writer.write({"portfolio_equity": "31000.5"})
        told += [events.until(lambda told: told.get("sequence") != 12) for events in both]
        assert {one["status"] for one in told} == {"OK"}, told
        writer.end()


def test_page():
    """In a browser: what stands on the page of a server, when that goes, and when it is back."""
    configure("browser")
    with Served("reader.toml") as served, Browser() as window:
        window.open(served.url + "#health")
        window.shown("health")
        window.waits("return document.querySelector('#pulse').textContent === 'commit 12, no writer'")
        facts = window.text("#journal")
        for wanted in ("PostgreSQL 1", "none is known: what is acknowledged may be on one machine", "postgres 2",
                       "from the first commit on", "page_browser.default"):
            assert wanted in facts + window.text("#path"), (wanted, facts)
        assert "undefined" not in facts and "NaN" not in facts and "LMDB" not in facts, facts
        window.click("nav a[href='#history']")
        window.shown("history")
        window.waits("return document.querySelector('#moment').textContent.startsWith('Commit 12 of ')")
        window.click("nav a[href='#overview']")
        window.shown("overview")
        window.waits("return document.querySelector('#portfolio').textContent.includes('10440.25')")
        server("halt")
        window.waits("return document.querySelector('#pulse').textContent === 'server away'")
        trouble = window.text("#trouble")
        assert trouble.startswith("The server is away since "), trouble
        assert trouble.endswith("What is shown is of commit 12."), trouble
        assert "10440.25" in window.text("#portfolio")
        server("resume")
        window.waits("return document.querySelector('#pulse').textContent === 'commit 12, no writer'")
        writer = Writer("owner.toml")
        writer.write({"portfolio_equity": "31000.5"})
        window.waits("return document.querySelector('#portfolio').textContent.includes('31000.5')")
        assert "commit 13, writer running" in window.text("#pulse")
        writer.end()


if __name__ == "__main__":
    if sys.argv[1:] == ["page"]:
        browser.needed()
        main(test_page)
    else:
        main(test_answers, test_away_and_back, test_rights_and_sessions)
