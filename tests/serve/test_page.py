# SPDX-License-Identifier: MIT OR Apache-2.0
"""The page in a browser: what a person sees of a journal, and can do with it."""
import json
import time
from pathlib import Path

import browser
from browser import Browser, pictures
from served import BIDI, HOSTILE, Served, Writer, back_up_ahead, main, make_journal, make_slow_journal, run

ROWS = "return Array.from(document.querySelectorAll(arguments[0] + ' tbody tr:not(.space)')," \
       " (row) => Array.from(row.cells, (cell) => cell.textContent))"


def picture(window, name):
    if pictures():
        window.screenshot(Path(pictures()) / f"{name}.png")


def clean(window, *but):
    left = [said for said in window.complaints() if not any(word in said for word in but)]
    assert not left, left


def test_overview():
    """The charts draw, and can be zoomed and pointed at, by mouse and keyboard."""
    # In pictures the commits are of four weeks.
    weeks = ["faketime", "-f", "@2026-10-10 00:00:00 x4000000"] if pictures() else []
    make_slow_journal("j", 40, 400, *weeks)
    writer = Writer("j")
    with Served("j") as served, Browser() as window:
        window.open(served.url)
        window.shown("overview")
        window.waits("return document.querySelectorAll('#chart canvas').length === 2")
        drawn = window.run(
            "return Array.from(document.querySelectorAll('#chart canvas'), (c) => new Set(c.getContext('2d')"
            ".getImageData(0, 0, c.width, c.height).data.filter((_, i) => i % 4 === 3)).size)")
        assert all(colours > 2 for colours in drawn), drawn
        assert "400 points. Equity 25960.25" in window.text("#equity-text"), window.text("#equity-text")
        rows = window.run(ROWS, "#positions")
        assert [row[:2] for row in rows] == [["binance_perp", "BTCUSDT"], ["bybit_linear", "BTCUSDT"]], rows
        assert "10432.1700" in window.text("#portfolio")
        picture(window, "overview")
        before = window.text("#equity-text")
        window.drag("#chart .u-over", 0.3, 0.5)
        window.waits("return document.querySelector('#equity-text').textContent !== arguments[0]", before)
        zoomed = int(window.text("#equity-text").split(" ")[0])
        assert 10 < zoomed < 390, zoomed
        window.run("document.querySelector('#chart').focus()")
        window.keys(["\ue012"])
        assert "commit" in window.text("#point"), window.text("#point")
        at = window.text("#point")
        window.keys(["\ue012"])
        window.waits("return document.querySelector('#point').textContent !== arguments[0]", at)
        window.keys(["0"])
        window.waits("return document.querySelector('#equity-text').textContent === arguments[0]", before)
        made = writer.write({"portfolio_equity": "31000.5"})
        window.waits("return document.querySelector('#portfolio').textContent.includes('31000.5')")
        assert f"commit {made['seq']}, writer running" in window.text("#pulse")
        clean(window)
    writer.end()


def test_orders():
    """Ten thousand rows: quick, sorted, filtered; hostile names are text."""
    make_journal("j", orders=10000, commits=3)
    with Served("j") as served, Browser() as window:
        started = time.monotonic()
        window.open(served.url + "#orders")
        window.shown("orders")
        window.waits("return document.querySelectorAll('#open-orders tbody tr').length > 10")
        took = time.monotonic() - started
        paint = window.run("return performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null")
        filled = window.run("return performance.now()")
        print(f"10,000 orders: first paint {paint} ms, rows after {took * 1000:.0f} ms ({filled:.0f} ms of the page)")
        assert window.text("#open-orders output") == "10,002 rows"
        assert window.run("return document.querySelectorAll('#open-orders tbody tr').length") < 100
        rows = window.run(ROWS, "#open-orders")
        assert rows[0][0] == "order-00000", rows[0]
        window.run("const s = document.querySelector('#open-orders .scroll'); s.scrollTop = s.scrollHeight")
        window.waits("return Array.from(document.querySelectorAll('#open-orders tbody td:first-child'),"
                     " (c) => c.textContent).includes('order-09999')")
        found = [row[0] for row in window.run(ROWS, "#open-orders")]
        assert HOSTILE in found and "evil\\u{202e}gpj.exe\\u{200b}" in found, found[-3:]
        assert BIDI not in "".join(found) and window.run("return document.title") == "Open orders - tesser-journal"
        assert window.run("return document.querySelectorAll('#open-orders script').length") == 0
        picture(window, "orders")
        window.write("#open-orders input", "coin0007 sell")
        window.waits("return document.querySelector('#open-orders output').textContent.includes(' of ')")
        rows = window.run(ROWS, "#open-orders")
        assert rows and all("COIN0007" in row[1] and row[2] == "Sell" for row in rows), rows[:3]
        for expected in ("ascending", "descending"):
            window.click("#open-orders th:nth-child(8) button")
            assert window.run("return document.querySelector('#open-orders th:nth-child(8)').ariaSort") == expected
        prices = [float(row[7]) for row in window.run(ROWS, "#open-orders")]
        assert prices == sorted(prices, reverse=True) and len(prices) > 5, prices
        clean(window)
        return paint, took


def test_other_views():
    make_journal("j", orders=20, commits=40)
    with Served("j") as served, Browser() as window:
        window.open(served.url + "#algos")
        window.shown("algos")
        summary = window.text("#algo-list summary")
        assert summary.startswith("TWAPevil\\u{202e}gpj.exe\\u{200b}"), summary
        window.click("#algo-list summary")
        payload = window.text("#algo-list pre")
        assert '"progress": 0.1' in payload and HOSTILE in payload, payload
        picture(window, "algorithms")
        window.click("nav a[href='#ledger']")
        window.shown("ledger")
        assert window.text("#entries output") == "60 rows"
        window.write("#entries input", "script")
        window.waits("return document.querySelector('#entries output').textContent === '1 of 60 rows'")
        assert window.run(ROWS, "#entries")[0][-1] == HOSTILE
        window.run("const i = document.querySelector('#entries input'); i.value = '';"
                   "i.dispatchEvent(new Event('input'))")
        window.run("const s = document.querySelector('#ledger-type'); s.value = 'fee';"
                   "s.dispatchEvent(new Event('change'))")
        window.waits("return document.querySelector('#entries output').textContent === '30 rows'")
        picture(window, "ledger")
        clean(window)


def test_books():
    """One book after the other, by the names that they have."""
    make_journal("j", orders=3, commits=2)
    name = "second " + HOSTILE
    run("-j", "j", "init", "--book", name)
    run("-j", "j", "record", text=json.dumps({"book": name, "portfolio_equity": "77.70"}) + "\n")
    with Served("j") as served, Browser() as window:
        window.open(served.url)
        window.shown("overview")
        window.waits("return document.querySelectorAll('#book option').length === 2")
        assert window.run("return document.querySelector('#book').value") == "default"
        assert window.text("#book option:last-child") == name
        window.run("const s = document.querySelector('#book'); s.value = arguments[0];"
                   "s.dispatchEvent(new Event('change'))", name)
        window.waits("return document.querySelector('#portfolio').textContent.includes('77.70')")
        window.waits("return document.querySelector('#positions output').textContent === '0 rows'")
        clean(window)


def test_history():
    """The slider shows the state of that commit, and two moments can be compared."""
    make_journal("j", orders=20, commits=40)
    with Served("j") as served, Browser() as window:
        window.open(served.url + "#history")
        window.shown("history")
        window.waits("return document.querySelector('#moment').textContent.startsWith('Commit 40 of ')")
        window.run("const s = document.querySelector('#slider'); s.value = 7; s.dispatchEvent(new Event('input'))")
        window.waits("return document.querySelector('#moment').textContent.startsWith('Commit 7 of ')")
        window.waits("return document.querySelector('#past-portfolio').textContent.includes('10240.25')")
        then = json.loads(run("-j", "j", "state", "show", "--json", "--at", "7"))["state"]
        rows = window.run(ROWS, "#past-orders")
        assert [row[7] for row in rows[:20]] == [o["request"]["price"] for o in then["open_orders"][:20]]
        changes = window.run(ROWS, "#changes")
        assert ["order", "default", "-", "order-00006"] in [row[:4] for row in changes], changes
        picture(window, "history")
        window.run("document.querySelector('#slider').focus()")
        window.keys(["\ue014"])
        window.waits("return document.querySelector('#moment').textContent.startsWith('Commit 8 of ')")
        window.write("#diff input[name=from]", "3")
        window.write("#diff input[name=to]", "5")
        window.click("#diff button")
        window.waits("return document.querySelector('#differences output').textContent === '3 rows'")
        window.write("#diff input[name=from]", "4711")
        window.click("#diff button")
        window.waits("return !document.querySelector('#view-history .problem').hidden")
        clean(window, "404")


def test_health():
    """A writer that stopped, a server that went, and a journal that is damaged, are told."""
    make_journal("j", orders=20, commits=5)
    writer = Writer("j")
    served = Served("j")
    with Browser() as window:
        window.open(served.url + "#health")
        window.shown("health")
        window.waits("return document.querySelector('#pulse').textContent === 'commit 5, writer running'")
        assert window.text("#findings") == "All is well."
        picture(window, "health")
        writer.child.kill()
        writer.child.wait()
        window.waits("return document.querySelector('#pulse').textContent === 'commit 5, no writer'")
        window.waits("return document.querySelector('#findings').textContent.startsWith('WRITER_DEAD')")
        assert "No process writes to this journal" in window.text("#trouble")
        port = served.port
        served.stop()
        window.waits("return document.querySelector('#pulse').textContent === 'not connected'")
        data = bytearray(Path("j/data.mdb").read_bytes())
        page = data.rfind(b"order-00019") // 4096 * 4096
        data[page + 12] ^= 0x10
        Path("j/data.mdb").write_bytes(data)
        served = Served("j", listen=f"127.0.0.1:{port}")
        window.waits("return document.querySelector('#pulse').textContent === 'cannot be opened: CORRUPT'")
        assert "cannot be opened" in window.text("#trouble") and "data.mdb" in window.text("#trouble")
        window.waits("return document.querySelector('#view-health .problem').textContent.includes('tesser-journal repair')")
        picture(window, "damaged")
        served.stop()


def test_backup_to_come():
    """A backup of a time that is still to come has no age, and is not one of just now."""
    make_journal("j", orders=2, commits=2)
    if back_up_ahead("j"):
        with Served("j") as served, Browser() as window:
            window.open(served.url + "#health")
            window.shown("health")
            window.waits("return document.querySelector('#journal').textContent.includes("
                         "'at 2031-05-01 00:00:0')")
            assert "which is still to come, up to commit 2, in " in window.text("#journal")
            clean(window)


def test_phone_dark_and_helped():
    """On a phone, in the dark, by keyboard, and with a screen reader."""
    make_journal("j", orders=60, commits=60)
    with Served("j") as served, Browser(390, 800, dark=True) as window:
        window.devtools("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]})
        for view in ("overview", "orders", "algos", "ledger", "history", "health"):
            window.open(f"{served.url}#{view}")
            window.shown(view)
            wide = window.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, (view, wide)
            hidden = window.run("return Array.from(document.querySelectorAll('nav a'))"
                                ".filter((e) => e.getBoundingClientRect().right > innerWidth).map((e) => e.text)")
            assert hidden == [], (view, hidden)
            if view in ("overview", "orders"):
                picture(window, f"phone-{view}")
        assert window.run("return getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 28)"
        window.open(f"{served.url}#orders")
        window.shown("orders")
        named = window.run(
            "return Array.from(document.querySelectorAll('input, select, button, table, [role=region]'))"
            ".filter((e) => !(e.labels?.length || e.ariaLabel || e.textContent.trim())).map((e) => e.outerHTML)")
        assert named == [], named
        tree = window.devtools("Accessibility.getFullAXTree", {})["nodes"]
        roles = {node["role"]["value"] for node in tree if not node.get("ignored")}
        assert {"banner", "navigation", "main", "heading", "table", "columnheader", "row", "status"} <= roles, roles
        window.run("document.activeElement.blur()")
        seen = []
        for _ in range(12):
            window.keys(["\ue004"])
            seen.append(window.run("const e = document.activeElement; return e.id || e.hash || e.type || e.className"))
        assert seen[0] == "#main" and "#orders" in seen and "search" in seen and "button" in seen, seen
        contrast = window.run(
            "const rgb = (c) => c.match(/\\d+/g).slice(0, 3).map(Number);"
            "const light = (c) => { const [r, g, b] = rgb(c).map((v) => { v /= 255;"
            " return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });"
            " return 0.2126 * r + 0.7152 * g + 0.0722 * b; };"
            "const ground = light(getComputedStyle(document.body).backgroundColor);"
            "return Array.from(document.querySelectorAll('h1, td, nav a, #pulse, .good, .bad'), (e) => {"
            " const l = light(getComputedStyle(e).color);"
            " return (Math.max(l, ground) + 0.05) / (Math.min(l, ground) + 0.05); })")
        assert min(contrast) >= 4.5, min(contrast)


if __name__ == "__main__":
    browser.needed()
    main(test_overview, test_orders, test_other_views, test_books, test_history, test_health, test_backup_to_come,
         test_phone_dark_and_helped)
