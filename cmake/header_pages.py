#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Man pages of the public headers, out of their own comments.

Usage: header_pages.py HEADERS PAGES VERSION
A page for each header in the directory HEADERS, and a link to it for each name that it declares."""
import re
import sys
from pathlib import Path

CODE = ".sp\n.RS 4\n.nf"
COMMENT = re.compile(r"^/\*\*(.*?)\*/\n", re.S | re.M)
GROUP = re.compile(r"^/\* (Each of the following.*?)\*/\n", re.S | re.M)
NAME = re.compile(r"\}\s*(\w+);|#define (\w+)|\b(tj_\w+)\(|typedef [^{;]*?\b(\w+);|^struct (\w+)|\(\*?(tj_\w+)\)", re.M)


def escape(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.M)


def running(text, request):
    """A paragraph, in which what stands in backticks is bold; or code as it stands."""
    if request == CODE:
        return f"{escape(text)}\n.fi\n.RE"
    return re.sub(r"`([^`]+)`", r"\\fB\1\\fP", escape(" ".join(text.split())))


def lines_of(comment):
    return [re.sub(r"^\s*\* ?", "", line).rstrip() for line in comment.strip().splitlines()]


def paragraphs(lines):
    """What a comment says, as requests of man(7)."""
    blocks = []
    for line in lines:
        tag = re.match(r"@(param) +(\w+) +(.*)|@(return) +(.*)|(Threads|Durability|Source|Errors): +(.*)|([-*]) +(.*)", line)
        # Code is indented, and stands behind an empty line; what goes on with a tag does not.
        if line.startswith("    ") and blocks and blocks[-1][0] == CODE:
            blocks[-1][1] += "\n" + line[4:]
        elif line.startswith("    ") and blocks and not blocks[-1][1]:
            blocks.append([CODE, line[4:]])
        elif not line:
            blocks.append([".PP", ""])
        elif tag and tag[1]:
            blocks.append([f".TP\n.I {tag[2]}", tag[3]])
        elif tag and tag[4]:
            blocks.append([".TP\n.B Returns", tag[5]])
        elif tag and tag[6]:
            blocks.append([f".TP\n.B {tag[6]}", tag[7]])
        elif tag:
            blocks.append([".IP \\(bu 2", tag[9]])
        elif blocks:
            blocks[-1][1] += " " + line
        else:
            blocks.append([".PP", line])
    return "".join(f"{request}\n{running(text, request)}\n" for request, text in blocks if text.strip())


def declaration(text):
    """The code behind a comment, without bodies and without what only compilers need."""
    lines, depth = [], 0
    for line in text.splitlines():
        if depth == 0 and (not line.strip() or line.startswith("/**") or line.startswith("#endif")):
            break
        lines.append(line)
        depth += line.count("{") - line.count("}")
    code = "\n".join(lines)
    if code.startswith("static inline"):
        code = code[:code.index("{")].rstrip() + ";"
    return re.sub(r"\b(TJ_API|TJ_CHECKED|TJ_PRINTF\(\d+, \d+\)) ", "", code)


def names_in(code):
    outer = re.sub(r"(?<=\{).*(?=\})", "", code, flags=re.S)
    found = [next(filter(None, match)) for match in NAME.findall(outer)]
    return [name for name in found if name.lower().startswith("tj_")]


def page_of(header, version):
    """The page's text, and the names that it tells of."""
    text = header.read_text()
    title = f"tesser_{header.name}"
    comments = list(COMMENT.finditer(text))
    about = lines_of(re.sub(r"@file \S+\s+(\* )?", "", comments[0][1]))
    first = " ".join(about).split("  ")[0].split(". ")[0]
    groups = {text.index("/**", group.end()): group[1] for group in GROUP.finditer(text)}
    page = [f'.TH {title.upper()} 3 "" "tesser-journal {version}" "tesser-journal"\n.SH NAME\n']
    body, names = [], []
    for comment in comments[1:]:
        code = declaration(text[comment.end():])
        if not code:
            continue
        if comment.start() in groups:
            body.append(f".SS {escape(names_in(code)[0])} and the following\n"
                        + paragraphs(lines_of(groups[comment.start()])))
        names += names_in(code)
        body.append(f".SS {escape((names_in(code) or ['Constants'])[0])}\n.nf\n{escape(code)}\n.fi\n"
                    + paragraphs(lines_of(comment[1])))
    listed = ", ".join(dict.fromkeys(name for name in names if name.startswith("tj_")))
    page.append(f"{title}{', ' if listed else ''}{escape(listed)} \\- {escape(first.rstrip('.'))}\n")
    page.append(".SH SYNOPSIS\n.nf\n.B #include <tesser/journal.h>\n.fi\n"
                "cc $(pkg\\-config \\-\\-cflags \\-\\-libs tesser\\-journal)\n")
    page.append(".SH DESCRIPTION\n" + paragraphs(about) + "".join(body))
    page.append(".SH SEE ALSO\n.BR tesser\\-journal (1)\n")
    return title, "".join(page), names


def main(headers, pages, version):
    pages.mkdir(parents=True, exist_ok=True)
    for header in sorted(headers.glob("*.h")):
        title, page, names = page_of(header, version)
        (pages / f"{title}.3").write_text(page)
        for name in names:
            (pages / f"{name}.3").write_text(f".so man3/{title}.3\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
