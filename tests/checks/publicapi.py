# SPDX-License-Identifier: MIT OR Apache-2.0
"""Reads the public headers: their declarations, each with its comment and its group's comment."""
import re
from dataclasses import dataclass

TOKEN = re.compile(r"/\*.*?\*/|^[ \t]*#(?:\\\n|[^\n])*|[^;{}/#]+|[;{}/]", re.S | re.M)


@dataclass
class Function:
    name: str
    declaration: str
    line: int
    comment: str  # the doc comment right before it, "" when there is none
    group: str  # the plain comment that opened its group and speaks of threads, "" when none


def statements(source):
    """Yields (line, statement text, comments right before it) at the top level of a header."""
    depth, text, comments, line = 0, "", [], 1
    for match in TOKEN.finditer(re.sub(r'extern "C" \{', "", source)):
        token = match[0]
        if token.startswith("/*"):
            if not text.strip():
                comments.append(token)
        elif token.lstrip().startswith("#"):
            comments = []
        else:
            if not text.strip():
                line = source.count("\n", 0, match.start() + len(token) - len(token.lstrip())) + 1
            depth += {"{": 1, "}": -1}.get(token, 0)
            text += token
            body_ended = token == "}" and depth == 0 and ")" in text.split("{")[0]
            if (token == ";" and depth == 0) or body_ended:
                yield line, " ".join(text.split()), comments
                text, comments = "", []


def functions(source):
    """Every function declared or defined in a header. A group ends at the next type or macro."""
    group = ""
    for line, text, comments in statements(source):
        for comment in comments:
            if not comment.startswith("/**"):
                group = comment if "Threads:" in comment else ""
        name = re.search(r"\b(tj_\w+)\(", text)
        if text.startswith("typedef") or not name:
            group = ""
            continue
        doc = comments[-1] if comments and comments[-1].startswith("/**") else ""
        yield Function(name[1], text, line, doc, group)


def exported(root):
    """Names of all functions that the public headers mark with TJ_API, sorted."""
    headers = (root / "include" / "tesser").glob("*.h")
    return sorted({function.name for header in headers for function in functions(header.read_text())
                   if function.declaration.startswith("TJ_API")})
