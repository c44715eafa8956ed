#!/usr/bin/env python3
"""The style guide, executable: style.py CHECK [--root DIR] [--build DIR].

Each check prints what it found as FILE:LINE: what, and what to do instead, and ends with 0 (clean), 1 (found
something) or 77 (could not be made here, which ctest shows as skipped). selftest.py proves that each one can fail.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import purity

FUNCTION_LINES_MAX = 60
PARAMETERS_MAX = 5
LINES_MAX = {".c": 600, ".h": 200}
CLANG_FORMAT_MAJOR = 14
SKIPPED = 77

ENGINES = ("master", "slave", "client")
PURE_FOLDERS = ("core", "proto") + ENGINES
# What plug-ins and the programs that load them have in common.
ABIS = ("handlers/ms_handler.h", "handlers/ms_provider.h", "services/ms_service.h")
# Sources of an engine's folder which are not the engine: programs, the public API and the command line.
PROGRAM_SOURCE = re.compile(r"(main[^/]*|api[^/]*|cli(_[^/]*)?|cmd_[^/]*)\.[ch]$")

# What the C library offers without an operating system.
PURE_SYSTEM_HEADERS = {
    "assert.h", "errno.h", "inttypes.h", "limits.h", "stdalign.h", "stdarg.h", "stdbool.h", "stddef.h",
    "stdint.h", "stdio.h", "stdlib.h", "stdnoreturn.h", "string.h",
}
INVARIANT = "core/invariant.c"

BANNED = {
    "strcpy": "ms_text or memcpy with a checked length",
    "strncpy": "ms_text or memcpy with a checked length",
    "strcat": "snprintf into the whole buffer",
    "strncat": "snprintf into the whole buffer",
    "stpcpy": "memcpy with a checked length",
    "sprintf": "snprintf",
    "vsprintf": "vsnprintf",
    "gets": "fgets or getline",
    "scanf": "a parser that reports what is wrong",
    "sscanf": "a parser that reports what is wrong",
    "fscanf": "a parser that reports what is wrong",
    "strtok": "strcspn and pointers",
    "atoi": "strtoll with its end and errno checked",
    "atol": "strtoll with its end and errno checked",
    "atoll": "strtoll with its end and errno checked",
    "atof": "strtod with its end and errno checked",
    "rand": "core/rng.h",
    "srand": "core/rng.h",
    "random": "core/rng.h",
    "srandom": "core/rng.h",
    "drand48": "core/rng.h",
    "gettimeofday": "clock_gettime in core/io",
    "time": "clock_gettime in core/io",
    "ctime": "strftime with gmtime_r",
    "asctime": "strftime with gmtime_r",
    "localtime": "localtime_r",
    "gmtime": "gmtime_r",
    "signal": "sigaction or ev_signal",
    "alloca": "a bounded array",
    "setjmp": "a return value",
    "longjmp": "a return value",
    "tmpnam": "mkstemp",
    "tempnam": "mkstemp",
    "mktemp": "mkstemp",
    "system": "posix_spawn or fork and exec",
    "popen": "pipe, fork and exec",
    "vfork": "posix_spawn",
    "gethostbyname": "getaddrinfo",
    "inet_ntoa": "inet_ntop",
    "inet_addr": "inet_pton",
    "bzero": "memset",
    "bcopy": "memmove",
    "select": "libev, or poll",
}
# A test waits for what happened, never for time to pass.
BANNED_IN_TESTS = {name: "an event or a virtual clock: tests do not wait for time" for name in
                   ("sleep", "usleep", "nanosleep", "clock_nanosleep")}
# The programs of the benchmarks are measuring instruments; only the deadly calls are banned there.
LENIENT_FOLDERS = ("tests/bench/",)
LENIENT_CALLS = {"time", "select", "rand", "random", "signal"}

WORDS = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX|HA" + r"CK)\b")
MACHINE_PATHS = re.compile(r"(?<![\w.])(/(?:home|Users)/[a-z]\w*|/ro" + r"ot/|/wo" + r"rk/|/tmp/(?:bui" + r"ld|bri"
                           + r"ef|ro" + r"ot)-?[a-z/])")
TEXT_SUFFIXES = {".c", ".h", ".py", ".sh", ".md", ".txt", ".cmake", ".in", ".json", ".proto", ".yml", ""}

# Modules whose test is elsewhere, each with the reason.
WITHOUT_UNIT_TEST = {
}


class Report:
    def __init__(self):
        self.count = 0

    def add(self, path, line, text):
        self.count += 1
        print(f"{path}:{line}: {text}")


def tree_files(root):
    """Paths, relative to root, of every file that is or could be committed."""
    names = []
    if (root / ".git").exists():
        done = subprocess.run(["git", "-C", str(root), "ls-files", "-co", "--exclude-standard"],
                              capture_output=True, text=True)
        names = done.stdout.splitlines()
    if not names:
        names = [str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()]
        names = [n for n in names if not n.startswith(("build/", ".git/")) and "__pycache__" not in n]
    return sorted(n for n in set(names) if (root / n).is_file())


def sources(root, suffixes=(".c", ".h")):
    return [n for n in tree_files(root) if n.endswith(suffixes)]


def read(root, name):
    return (root / name).read_text(encoding="utf-8", errors="replace")


def strip_comments(text, strings=True):
    """Blanks comments, and string and character literals if asked, keeping every line where it was."""
    pattern = r"/\*.*?\*/|//[^\n]*" + (r"|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'" if strings else "")
    if not strings:
        pattern = r"\"(?:\\.|[^\"\\\n])*\"|" + pattern

    def blank(match):
        found = match.group(0)
        if not strings and found.startswith('"'):
            return found
        return "\n" * found.count("\n") + " "

    return re.sub(pattern, blank, text, flags=re.S)


def layer_of(name):
    folder = name.rsplit("/", 1)[0] if "/" in name else ""
    if folder in ENGINES:
        return "program" if PROGRAM_SOURCE.search(name) and not name.endswith("/client.c") else "engine"
    return {"core": "core", "core/io": "io", "proto": "proto", "handlers": "handlers",
            "services": "services"}.get(folder, "other")


def is_public(name):
    return name.rsplit("/", 1)[-1].startswith("ms_") and name.endswith(".h") and not name.startswith("tests/")


def may_include(name, target):
    """The table of the layers: may the file include "target"?"""
    layer, folder = layer_of(name), name.rsplit("/", 1)[0]
    target_folder = target.rsplit("/", 1)[0]
    generated = target.endswith(".pb-c.h")
    if layer == "core":
        return target_folder == "core"
    if layer == "proto":
        return target_folder in ("core", "proto")
    if layer == "engine":
        if target == "handlers/ms_handler.h":
            return re.search(r"/(routes|handlers?)\.[ch]$", name) is not None
        if target == "services/ms_service.h":
            return re.search(r"/services?(_\w+)?\.[ch]$", name) is not None
        if target in ("proto/record.h", "proto/pair_record.h", "proto/utf8.h"):
            return True  # What an engine decides, it says in records of the journal.
        return target_folder == "core" or (target_folder == folder and layer_of(target) == "engine")
    if layer == "io":
        return (target_folder in ("core", "core/io", "proto") or target in ABIS) and not generated
    if layer == "program":
        # Tools for a data directory read its records.
        shared = target in ABIS + ("proto/record.h", "proto/pair_record.h") or (target_folder == "handlers" and generated)
        return target_folder in ("core", "core/io", folder) or shared
    if layer == "services":
        return target == "services/ms_service.h"
    if layer == "handlers":
        return target == "handlers/ms_handler.h" or (target_folder == "handlers" and generated)
    return True


def check_layers(root, _build, report):
    for name in sources(root):
        if layer_of(name) == "other":
            continue
        text = strip_comments(read(root, name), strings=False)
        first = None
        for number, line in enumerate(text.splitlines(), 1):
            match = re.match(r"\s*#\s*include\s*([\"<])([^\">]+)[\">]", line)
            if not match:
                continue
            quoted, target = match.group(1) == '"', match.group(2)
            first = first or target
            check_include(report, name, number, target, quoted)
        own = [name[:-2] + end for end in (".h", "_private.h") if (root / (name[:-2] + end)).exists()]
        if name.endswith(".c") and own and first not in own and not is_public(first or ""):
            report.add(name, 1, f'includes its own header, "{own[0]}", first')


def check_include(report, name, number, target, quoted):
    if quoted and is_public(name) and re.fullmatch(r"ms_\w+\.h", target):
        return  # Public headers are installed into one folder, and find each other there.
    if quoted and "/" not in target:
        report.add(name, number, f'"{target}" must name its folder: the include path shows the layer')
    elif quoted and is_public(name):
        report.add(name, number, f'a public header stands alone and cannot include "{target}"')
    elif quoted and not may_include(name, target):
        report.add(name, number, f'"{target}" may not be seen from {layer_of(name)} (arrows point down only)')
    elif not quoted and layer_of(name) in ("core", "proto", "engine") and not is_public(name):
        if layer_of(name) == "proto" and target == "protobuf-c/protobuf-c.h":
            return
        if name in ("proto/record.c", "proto/pair_record.c") and target == "libdeflate.h":
            return
        if target not in PURE_SYSTEM_HEADERS:
            report.add(name, number, f"<{target}> is not for pure code: move the work to core/io")


def tagged_functions(root, names):
    """(file, line, length, parameters, function) of every function, from universal-ctags."""
    ctags = shutil.which("ctags-universal") or shutil.which("ctags")
    if ctags is None:
        sys.exit("universal-ctags is missing: run scripts/install-deps")
    out = subprocess.run([ctags, "--languages=C", "--langmap=C:.c.h", "--kinds-C=f", "--fields=+neS",
                          "--output-format=json", "-L", "-", "-f", "-"], input="\n".join(names), cwd=root,
                         check=True, capture_output=True, text=True).stdout
    import json
    for line in out.splitlines():
        tag = json.loads(line)
        if "end" in tag:
            signature = tag.get("signature", "()")
            depth, commas = 0, 0
            for char in signature:
                depth += (char == "(") - (char == ")")
                commas += char == "," and depth == 1
            parameters = 0 if signature in ("()", "(void)") else commas + 1
            yield tag["path"], tag["line"], tag["end"] - tag["line"] + 1, parameters, tag["name"]


def check_functions(root, _build, report):
    seen = 0
    for path, line, length, parameters, name in tagged_functions(root, sources(root)):
        seen += 1
        if length > FUNCTION_LINES_MAX:
            report.add(path, line, f"{name} has {length} lines, at most {FUNCTION_LINES_MAX}: split it")
        if parameters > PARAMETERS_MAX and not path.startswith("tests/bench/"):
            report.add(path, line, f"{name} has {parameters} parameters, at most {PARAMETERS_MAX}: use a struct")
    if seen == 0:
        report.add(".", 0, "ctags found no function at all, so nothing was checked")


def check_files(root, _build, report):
    for name in sources(root):
        lines, limit = len(read(root, name).splitlines()), LINES_MAX[name[-2:]]
        if lines > limit:
            report.add(name, lines, f"{lines} lines, at most {limit}: split the module")


def check_banned(root, _build, report):
    for name in sources(root):
        table = dict(BANNED)
        if name.startswith("tests/"):
            table.update(BANNED_IN_TESTS)
        if name.startswith(LENIENT_FOLDERS):
            table = {call: why for call, why in table.items() if call not in LENIENT_CALLS | set(BANNED_IN_TESTS)}
        calls = re.compile(r"(?<![\w.>])(" + "|".join(table) + r")\s*\(")
        for number, line in enumerate(strip_comments(read(root, name)).splitlines(), 1):
            for match in calls.finditer(line):
                report.add(name, number, f"{match.group(1)}() is banned: use {table[match.group(1)]}")


def check_words(root, _build, report):
    for name in tree_files(root):
        if Path(name).suffix in TEXT_SUFFIXES and name != "LICENSE":
            for number, line in enumerate(read(root, name).splitlines(), 1):
                for match in WORDS.finditer(line):
                    report.add(name, number, f"{match.group(1)}: do it, or write down why not in docs/")


def check_machine(root, _build, report):
    for name in tree_files(root):
        if Path(name).suffix in TEXT_SUFFIXES and name != "LICENSE":
            for number, line in enumerate(read(root, name).splitlines(), 1):
                for match in MACHINE_PATHS.finditer(line):
                    report.add(name, number, f"{match.group(0)} exists on one machine only")


def check_guards(root, _build, report):
    for name in sources(root, (".h",)):
        guard = re.sub(r"[/.\-]", "_", name).upper()
        # Tests may leave out their first folder; public headers are known as <muster/...>.
        guards = {guard, guard.removeprefix("TESTS_")}
        if is_public(name):
            guards.add("MUSTER_" + name.rsplit("/", 1)[1].replace(".", "_").upper())
        text = strip_comments(read(root, name))
        found = re.search(r"^\s*#ifndef (\w+)\s*\n\s*#define (\w+)", text, flags=re.M)
        if not found or found.group(1) not in guards or found.group(2) != found.group(1):
            report.add(name, 1, f"its include guard must be {guard}")


def check_tests(root, _build, report):
    """Every module, that is a source with its own header, has its unit test; a source without one is a part of the
    module whose header it implements. Every file beside the integration tests is used by one."""
    names = tree_files(root)
    for name in names:
        if not name.endswith(".c") or name[:-2] + ".h" not in names or layer_of(name) not in ("core", "proto", "io", "engine"):
            continue
        folder, module = name.rsplit("/", 1)[0].split("/")[-1], name.rsplit("/", 1)[1][:-2]
        wanted = {f"tests/unit/{folder}_{module}_test.c", f"tests/unit/core_{folder}_{module}_test.c"}
        if not wanted & set(names) and name not in WITHOUT_UNIT_TEST:
            report.add(name, 1, f"has no unit test tests/unit/{folder}_{module}_test.c")
    integration = [n for n in names if n.startswith("tests/integration/") and n.count("/") == 2]
    tests = [n for n in integration if re.search(r"_test\.(c|py|sh)$", n)]
    helpers = [n for n in integration if n not in tests and n.endswith((".c", ".h", ".py", ".sh"))]
    for name in helpers:
        word = re.compile(r"\b" + re.escape(Path(name).stem) + r"\b")
        if not any(word.search(read(root, user)) for user in integration if user != name):
            report.add(name, 1, "is neither a test (NAME_test.c, .py or .sh) nor used by one")


def check_braces(root, _build, report):
    """Braces always: clang-format of that age cannot insert them, so their absence is found here."""
    for name in sources(root):
        text = strip_comments(read(root, name))
        text = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: "\n" * m.group(0).count("\n"), text, flags=re.M)
        for match in re.finditer(r"\b(?:(if|for|while)\s*\(|(else)\b|(do)\b)", text):
            end = match.end()
            if match.group(1):
                depth = 1
                while depth and end < len(text):
                    depth += (text[end] == "(") - (text[end] == ")")
                    end += 1
            follows = text[end:].lstrip()
            is_tail = match.group(1) == "while" and re.search(r"\}\s*$", text[:match.start()]) and follows[:1] == ";"
            if not (follows.startswith("{") or is_tail or (match.group(2) and re.match(r"if\b", follows))):
                report.add(name, text.count("\n", 0, match.start()) + 1, "braces always, also around one statement")


def check_format(root, _build, report):
    tool = shutil.which(f"clang-format-{CLANG_FORMAT_MAJOR}") or shutil.which("clang-format")
    version = subprocess.run([tool, "--version"], capture_output=True, text=True).stdout if tool else "none"
    if f"version {CLANG_FORMAT_MAJOR}." not in version:
        print(f"skipped: versions of clang-format disagree, this needs {CLANG_FORMAT_MAJOR}: {version.strip()}")
        sys.exit(SKIPPED)
    done = subprocess.run([tool, "--style=file", "--dry-run", "-Werror", *sources(root)], cwd=root,
                          capture_output=True, text=True)
    wrong = {}
    for name, line in re.findall(r"^(\S+):(\d+):\d+: error: ", done.stderr, re.MULTILINE):
        wrong.setdefault(name, line)
    if done.returncode != 0 and not wrong:
        report.add("clang-format", done.returncode, done.stderr.strip())
    for name, line in wrong.items():
        report.add(name, line, "is not as clang-format writes it: make format")


def check_purity(root, build, report):
    for library, member, symbol in purity.impure_symbols(Path(build)):
        report.add(library, member, f"{symbol} is not on the list of what pure code may call")


CHECKS = {
    "layers": check_layers, "functions": check_functions, "files": check_files, "banned": check_banned,
    "words": check_words, "machine": check_machine, "guards": check_guards, "tests": check_tests,
    "braces": check_braces, "format": check_format, "purity": check_purity,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("check", choices=CHECKS)
    parser.add_argument("--root", default=str(Path(__file__).resolve().parents[2]))
    parser.add_argument("--build", default=os.environ.get("MS_BUILD_DIR", "build/debug"))
    options = parser.parse_args()
    report = Report()
    CHECKS[options.check](Path(options.root), options.build, report)
    print(f"{options.check}: {report.count} found" if report.count else f"{options.check}: clean")
    return 1 if report.count else 0


if __name__ == "__main__":
    sys.exit(main())
