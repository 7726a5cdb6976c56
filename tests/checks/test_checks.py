#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Each check turns red for each violation it is there for, planted in a copy of the tree."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # each test copies the tree


class Planted(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(dir=MEMORY)
        self.addCleanup(holder.cleanup)
        self.tree = Path(holder.name) / "tree"
        for folder in ("cmake", "include", "src", "cli", "debian", "tests/checks",
                       "bindings/rust/tesser-journal-sys/src"):
            shutil.copytree(ROOT / folder, self.tree / folder)
        shutil.copy(ROOT / ".clang-format", self.tree)

    def plant(self, path, text):
        file = self.tree / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def declare(self, text):
        """Adds a declaration to a public header, before what closes it."""
        header = self.tree / "include/tesser/time.h"
        before, guard, after = header.read_text().rpartition("#ifdef __cplusplus\n}")
        header.write_text(before + text + "\n" + guard + after)

    def run_check(self, name, *arguments):
        script = self.tree / "tests/checks" / f"{name}.py"
        return subprocess.run([sys.executable, str(script), str(self.tree), *arguments],
                              capture_output=True, text=True, check=False)

    def assert_red(self, expected, name, *arguments):
        run = self.run_check(name, *arguments)
        self.assertEqual(run.returncode, 1, run.stdout + run.stderr)
        self.assertIn(expected, run.stdout)


class Advice(Planted):
    def test_commands_and_options(self):
        for text, fault in (("`tesser-journal mend -j %s` helps", "there is no command 'mend -j'"),
                            ("see 'tesser-journal quarantine mend'",
                             "there is no command 'quarantine mend'"),
                            ("`tesser-journal \" \"repair --in NEW`", "there is no option --in")):
            with self.subTest(text):
                self.plant("src/base/planted.c", f'const char *advice = "{text}";\n')
                self.assert_red(f"src/base/planted.c:1: {fault}", "advice")


class Rooms(Planted):
    def test_upwards(self):
        self.plant("src/base/planted.c", '#include "base/buffer.h"\n#include "journal/open.h"\n')
        self.assert_red('src/base/planted.c:2: base must not include "journal/open.h"', "rooms")

    def test_log_and_table(self):
        self.plant("src/log/planted.c", '#include "table/table.h"\n')
        self.assert_red('log must not include "table/table.h"', "rooms")
        self.plant("src/table/planted.c", '#include "log/frame.h"\n')
        self.assert_red('table must not include "log/frame.h"', "rooms")

    def test_what_is_internal_to_another_room(self):
        self.plant("src/migrate/planted.c", '#include "store/internal.h"\n')
        self.assert_red('migrate must not include "store/internal.h"', "rooms")

    def test_room_that_is_not_stated(self):
        self.plant("src/attic/planted.c", '#include "base/buffer.h"\n')
        self.assert_red('attic must not include "base/buffer.h"', "rooms")

    def test_command_line_uses_the_public_interface(self):
        self.plant("cli/planted.c", '#include "base/buffer.h"\n')
        self.assert_red('cli must not include "base/buffer.h"', "rooms")

    def test_foreign(self):
        for path, header in (("src/log/planted.c", "lmdb.h"),
                             ("src/rows/planted.c", "sqlite3.h"),
                             ("src/base/planted.c", "bid_functions.h"),
                             ("src/base/time.c", "uuid/uuid.h"),
                             ("cli/planted.cc", "toml.hpp")):
            with self.subTest(header):
                self.plant(path, f"#include <{header}>\n")
                self.assert_red(f"{path}:1: <{header}> belongs to", "rooms")

    def test_library_of_one_file_in_two(self):
        for path, header in (("src/config/{}.cc", "toml.hpp"), ("src/migrate/{}.c", "sqlite3.h")):
            with self.subTest(header):
                for name in ("planted_a", "planted_b"):
                    self.plant(path.format(name), f"#include <{header}>\n")
                self.assert_red(f"<{header}> is included by more than one file", "rooms")

    def test_example_uses_the_public_interface(self):
        self.plant("examples/planted.c", '#include "base/buffer.h"\n')
        self.assert_red('examples must not include "base/buffer.h"', "rooms")


class Circles(Planted):
    def build(self, sources):
        room = self.tree / "build/CMakeFiles/tj_planted.dir/src/planted"
        room.mkdir(parents=True)
        for name, source in sources.items():
            self.plant(f"src/planted/{name}.c", source)
            subprocess.run(["cc", "-c", str(self.tree / f"src/planted/{name}.c"), "-o",
                            str(room / f"{name}.c.o")], check=True)
        return str(self.tree / "build")

    def test_line(self):
        build = self.build({"a": "void b(void); void a(void); void a(void) { b(); }",
                            "b": "void b(void); void b(void) {}"})
        run = self.run_check("circles", build)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)

    def test_circle(self):
        build = self.build({"a": "void b(void); void a(void); void a(void) { b(); }",
                            "b": "void b(void); void c(void); void b(void) { c(); }",
                            "c": "void c(void); void a(void); void c(void) { a(); }"})
        self.assert_red("src/planted/c.c needs a of a.c, which needs c.c", "circles", build)

    def test_nothing_built(self):
        self.assert_red("No circles in 0 rooms.", "circles", str(self.tree))


class Headers(Planted):
    def setUp(self):
        super().setUp()
        for header in (self.tree / "include/tesser").glob("*.h"):
            if header.name not in ("base.h", "error.h", "time.h"):
                header.unlink()  # the fewer there are, the sooner the compilers are through

    def test_not_alone(self):
        self.plant("include/tesser/planted.h", "typedef size_t tj_planted;\n")
        self.assert_red("planted.h does not compile alone with gcc", "headers")

    def test_not_cxx(self):
        self.plant("include/tesser/planted.h", "struct tj_planted {\n    int class;\n};\n")
        self.assert_red("planted.h does not compile alone with g++", "headers")

    def test_comments(self):
        doc = "/** Does it. Threads: any. */\n"
        for text, expected in (
                ("TJ_API void tj_planted(void);", "tj_planted has no doc comment"),
                ("/** Threads: any. */\nvoid tj_planted(void);", "tj_planted is not marked TJ_API"),
                ("/** Does it. */\nTJ_API void tj_planted(void);", "does not say which threads"),
                (doc + "TJ_API TJ_CHECKED tj_status tj_planted(void);", "does not say what it ret"),
                (doc + "TJ_API tj_status tj_planted(void);", "is not marked TJ_CHECKED"),
                ("/* Threads: any. */\n/** A type. */\ntypedef int tj_type;\n/** Does it. */\n"
                 "TJ_API void tj_planted(void);", "does not say which threads")):
            with self.subTest(expected):
                self.setUp()
                self.declare(text)
                self.assert_red(expected, "headers")


class Symbols(Planted):
    def library(self, names):
        source = "".join(f"void {name}(void);\nvoid {name}(void)\n{{\n}}\n" for name in names)
        file = self.tree / "planted.so"
        subprocess.run(["cc", "-shared", "-x", "c", "-", "-o", str(file)], input=source, text=True,
                       check=True)
        return str(file)

    def setUp(self):
        super().setUp()
        self.run_check("symbols", "--write")
        self.names = (self.tree / "tests/checks/exported-symbols.txt").read_text().split()

    def run_check(self, name, *arguments):
        if "--write" in arguments:
            return super().run_check(name, *arguments)
        pages = self.tree / "man3"
        subprocess.run([sys.executable, str(self.tree / "cmake/header_pages.py"),
                        str(self.tree / "include/tesser"), str(pages), "0"], check=True)
        return super().run_check(name, *arguments, str(pages))

    def test_same(self):
        run = self.run_check("symbols", self.library(self.names))
        self.assertEqual(run.returncode, 0, run.stdout)

    def test_leaked(self):
        self.assert_red("tj__leak is exported but not declared", "symbols",
                        self.library([*self.names, "tj__leak"]))

    def test_missing(self):
        expected = f"{self.names[0]} is declared but the library does not export it"
        self.assert_red(expected, "symbols", self.library(self.names[1:]))

    def test_not_listed(self):
        self.declare("/** Does it. Threads: any. */\nTJ_API void tj_planted(void);")
        self.assert_red("tj_planted is declared but not in exported-symbols.txt", "symbols",
                        self.library([*self.names, "tj_planted"]))

    def test_without_a_page(self):
        maker = self.tree / "cmake/header_pages.py"
        maker.write_text(maker.read_text().replace("for name in names:", "for name in names[:-1]:"))
        self.assert_red("is declared but has no man page", "symbols",
                        self.library(self.names))

    def test_what_a_page_says(self):
        """Code keeps its lines, what goes on with a tag is none; and what is said of a group is there."""
        self.declare("/**\n * Does it.\n *\n *     int a = 1;\n *       int b = 2;\n *\n * Again.\n * @return TJ_OK, or\n"
                     " *         not\n * Threads: any.\n */\nTJ_API TJ_CHECKED tj_status tj_planted(void);")
        self.run_check("symbols", self.library(self.names))
        page = (self.tree / "man3/tesser_time.h.3").read_text()
        self.assertIn("\n.RS 4\n.nf\nint a = 1;\n  int b = 2;\n.fi\n.RE\n.PP\nAgain.\n", page)
        self.assertIn("TJ_OK, or not\n", page)
        page = (self.tree / "man3/tesser_repository.h.3").read_text()
        self.assertIn("and the commit that spans them\n.SH SYNOPSIS", page)
        self.assertIn(".SS tj_txn_put_state and the following\n.PP\nEach of the following notes", page)

    def test_not_in_rust(self):
        file = self.tree / "bindings/rust/tesser-journal-sys/src/time.rs"
        file.write_text(file.read_text().replace("fn tj_time_now", "fn tj_time_later"))
        library = self.library(self.names)
        self.assert_red("tj_time_now is declared but not in the crate", "symbols", library)
        self.assert_red("tj_time_later is in the crate tesser-journal-sys but not", "symbols", library)

    def test_not_in_debian(self):
        file = self.tree / "debian/libtesser-journal0.symbols"
        file.write_text(file.read_text().replace(" tj_time_now@", " tj_time_later@"))
        library = self.library(self.names)
        self.assert_red("tj_time_now is declared but not in debian", "symbols", library)
        self.assert_red("tj_time_later is in debian", "symbols", library)

    def test_not_declared(self):
        with (self.tree / "tests/checks/exported-symbols.txt").open("a") as file:
            file.write("tj_planted\n")
        self.assert_red("tj_planted is in exported-symbols.txt but not declared", "symbols",
                        self.library([*self.names, "tj_planted"]))


class Documents(Planted):
    def test_what_is_gone(self):
        self.plant("Makefile", "demo: ## Shows it\n")
        self.plant("README.md", (ROOT / "README.md").read_text().replace("`prune`", "prune"))
        self.assert_red("README.md: its table of commands lacks 'prune'", "documents")
        for text, fault in (("[a picture](pictures/gone.png)", "the link leads to no pictures/gone.png"),
                            ("see src/base/gone.c", "there is no src/base/gone.c"),
                            ("see GONE.md", "there is no GONE.md"),
                            ("`make gone`", "there is no 'make gone'"),
                            ("    tesser-journal gone -j ./journal", "there is no command 'gone -j'"),
                            ("`tesser-journal verify --gone`", "there is no option --gone")):
            with self.subTest(text):
                self.plant("docs/PLANTED.md", f"A page.\n{text}\n")
                self.assert_red(f"docs/PLANTED.md:2: {fault}", "documents")


class Crate(Planted):
    def test_other_words(self):
        file = self.tree / "bindings/rust/tesser-journal-sys/src/time.rs"
        file.write_text(file.read_text().replace("The system's clock now", "A clock"))
        self.assert_red('of tj_time_now "A" where the header says "The system s"', "crate")
        file.write_text("".join(line for line in file.read_text().splitlines(True) if "///" not in line))
        self.assert_red('of tj_time_now "" where the header says "The system s clock now', "crate")


class Words(Planted):
    def test_markers(self):
        for marker in ("TO" "DO", "FIX" "ME", "X" "XX", "HA" "CK"):
            with self.subTest(marker):
                self.plant("src/planted.c", f"/* {marker}: later */\n")
                self.assert_red(f"src/planted.c:1: '{marker}' was left over", "words")

    def test_machine_paths(self):
        for path in ("/ho" "me/someone/src", "/ro" "ot/x", "/wo" "rk/main"):
            with self.subTest(path):
                self.plant("docs/planted.md", f"run it in {path} now\n")
                self.assert_red("docs/planted.md:1:", "words")


class Format(Planted):
    def setUp(self):
        super().setUp()
        if not shutil.which("clang-format"):
            self.skipTest("clang-format is not installed")
        for folder in ("src", "cli", "include"):
            shutil.rmtree(self.tree / folder)  # the fewer files, the sooner it is through

    def test_badly_formatted(self):
        self.plant("src/planted.c", "int  planted ;\n")
        self.assert_red("src/planted.c:1:", "format")

    def test_long_comment(self):
        self.plant("src/planted.c", f"/* {'long ' * 20}*/\n")
        self.assert_red("src/planted.c:1: 105 columns", "format")


class Habits(Planted):
    PLANTED = (
        ("/* See planted_away.c. */", "there is no file planted_away.c"),
        ("/* See tj__planted_away. */", "there is no tj__planted_away"),
        ("/* See planted_away(). */", "there is no planted_away"),
        ("TJ_ASSERT(take(&number));", "an assertion that calls or changes something"),
        ("TJ_ASSERT(count++ > 0);", "an assertion that calls or changes something"),
        ("TJ_ASSERT(count = 1);", "an assertion that calls or changes something"),
        ("pthread_mutex_init(&lock, NULL);", "pthread_mutex_init is for src/base/thread.c alone"),
        ("x = (unsigned long long)y;", "unsigned long long"),
        ("if (x == NULL) {", "a pointer is compared with NULL"),
        ("if (x && y != NULL) {", "a pointer is compared with NULL"),
        ("x = y != NULL ? y : z;", "a pointer is compared with NULL"),
        ("x = sizeof(*y);", "sizeof(x) of what is no type"),
        ("x = sizeof(planted);", "sizeof(x) of what is no type"),
        ("x = sizeof(y[0]);", "sizeof(x) of what is no type"))

    def test_each(self):
        lines = [code for code, _ in self.PLANTED]
        self.plant("src/log/planted.c", "\n".join(["/* MIT */", "int planted;", *lines, ""]))
        run = self.run_check("habits")
        self.assertEqual(run.returncode, 1)
        self.assertIn("src/log/planted.c:1: the second line is not a comment", run.stdout)
        for line, (code, expected) in enumerate(self.PLANTED, 3):
            with self.subTest(code):
                self.assertIn(f"src/log/planted.c:{line}: {expected}", run.stdout)

    def test_a_count_before_a_plural(self):
        self.plant("cli/planted.c", '/* MIT */\n/* Planted. */\nout("%" PRIu64\n    " open orders", n);\n')
        self.assert_red("cli/planted.c:3: a count that may be 1 before a plural", "habits")


class Promises(Planted):
    def setUp(self):
        super().setUp()
        self.plant("docs/ARCHITECTURE.md", "- **P1** It is kept.\n- **P2** So is this.\n")

    def test_not_cited(self):
        self.plant("tests/base/test_planted.c", "/* P1 */\n")
        self.assert_red("no tests/**/test_*.c cites P2", "promises")

    def test_not_stated(self):
        self.plant("tests/base/test_planted.c", "/* P1, P2, P3 */\n")
        self.assert_red("P3 is cited by a test", "promises")


class Figures(Planted):
    def setUp(self):
        super().setUp()
        self.readme = (ROOT / "README.md").read_text()
        self.benchmarks = (ROOT / "docs/BENCHMARKS.md").read_text()

    def told(self, readme, benchmarks):
        self.plant("README.md", readme)
        self.plant("docs/BENCHMARKS.md", benchmarks)

    def test_another_figure(self):
        self.told(self.readme.replace("costs 320 bytes", "costs 300 bytes"), self.benchmarks)
        self.assert_red("README.md says 300 of the log of one order of 10,000", "figures")

    def test_no_figure(self):
        self.told(self.readme, self.benchmarks.replace("| ratio |", "| factor |"))
        self.assert_red("docs/BENCHMARKS.md has no figure of a lone save", "figures")


class Settings(Planted):
    def test_told_wrong(self):
        readme, server = (ROOT / "README.md").read_text(), (ROOT / "docs/POSTGRES.md").read_text()
        for old, new, fault in (("lag_ms = 200", "lag_ms = 100", "README.md says 100 of lag_ms, config.h 200"),
                                ("must_exist = ", "may_exist = ", "README.md has a key may_exist"),
                                ("must_exist = ", "lag_ms = ", "docs/POSTGRES.md has the key must_exist"),
                                ("| 10000 |", "| 9000 |", "docs/POSTGRES.md says 9000 of lease_ms")):
            with self.subTest(fault):
                self.plant("README.md", readme.replace(old, new))
                self.plant("docs/POSTGRES.md", server.replace(old, new))
                self.assert_red(fault, "settings")


class Faults(Planted):
    def test_no_longer_fits(self):
        shutil.copytree(ROOT / "tests/planted", self.tree / "tests/planted")
        self.plant("src/base/group.c", "/* MIT */\n")
        self.assert_red("a batch is not flushed: what it replaces stands 0 times in src/base/group.c",
                        "planted")


if __name__ == "__main__":
    unittest.main()
