#!/usr/bin/env python3
"""Shows that every check of style.py can fail: each is run on a small tree with one planted violation and must find
it, and on the same tree without the violation and must be silent."""

import subprocess
import sys
import tempfile
from pathlib import Path

import style

CLEAN_C = """#include "core/good.h"

#include <string.h>

int ms_good_sum(int a, int b)
{
    /* if (this) were code, it would lack braces. */
    do {
        a++;
    } while (a < b);
    if (a > b) {
        return a;
    } else if (a == b) {
        return b;
    }
    return a + b;
}
"""
CLEAN_H = """/* A module without fault. */
#ifndef CORE_GOOD_H
#define CORE_GOOD_H

int ms_good_sum(int a, int b);

#endif
"""
CLEAN_TEST = """int main(void)
{
    return 0;
}
"""
LONG_FUNCTION = "int ms_long(void);\nint ms_long(void)\n{\n" + "    (void)0;\n" * 60 + "    return 0;\n}\n"
TO_DO = "TO" + "DO"

# check -> list of (what is planted, file, its text); several files are {file: text}. Every rule of a check has its own plant.
PLANTS = {
    "layers": [
        ("core includes core/io", "core/bad.c", '#include "core/io/tcp.h"\n'),
        ("core includes proto", "core/bad.c", '#include "proto/frame.h"\n'),
        ("core includes a socket header", "core/bad.c", "#include <sys/socket.h>\n"),
        ("core includes the clock", "core/bad.h", "#include <time.h>\n"),
        ("proto includes an engine", "proto/bad.c", '#include "master/queue.h"\n'),
        ("proto includes libev", "proto/bad.c", "#include <ev.h>\n"),
        ("an engine includes proto", "master/bad.c", '#include "proto/codec.h"\n'),
        ("an engine includes another engine", "slave/bad.c", '#include "master/queue.h"\n'),
        ("an engine includes core/io", "client/bad.c", '#include "core/io/tcp.h"\n'),
        ("client.c is an engine", "client/client.c", '#include "core/io/tcp.h"\n'),
        ("an engine includes threads", "master/bad.c", "#include <pthread.h>\n"),
        ("an engine includes protobuf-c", "master/bad.c", "#include <protobuf-c/protobuf-c.h>\n"),
        ("core/io includes an engine", "core/io/bad.c", '#include "slave/slave.h"\n'),
        ("core/io includes generated code", "core/io/bad.c", '#include "proto/muster.pb-c.h"\n'),
        ("a program includes another engine", "slave/main.c", '#include "master/queue.h"\n'),
        ("a program includes proto", "master/main.c", '#include "proto/frame.h"\n'),
        ("a handler includes core", "handlers/bad.c", '#include "core/types.h"\n'),
        ("a public header includes a private one", "client/ms_client.h", '#include "core/types.h"\n'),
        ("an include without folder", "core/bad.c", '#include "good.h"\n'),
        ("own header not first", "core/good.c", '#include <string.h>\n\n#include "core/good.h"\n'),
        ("code includes tests", "core/io/bad.c", '#include "tests/support/tree.h"\n'),
    ],
    "functions": [
        ("a function of 64 lines", "core/bad.c", LONG_FUNCTION),
        ("six parameters", "core/bad.c", "int f(int a, int b, int c, int d, int e, int g)\n{\n    return a;\n}\n"),
    ],
    "files": [
        ("a source of 601 lines", "core/bad.c", "int ms_x;\n" * 601),
        ("a header of 201 lines", "core/bad.h", "int ms_x;\n" * 201),
    ],
    "banned": [(f"a call of {call}", "master/bad.c", f"void f(void)\n{{\n    {call} (x);\n}}\n")
               for call in style.BANNED]
    + [(f"a call of {call} in a test", "tests/unit/bad_test.c", f"void f(void)\n{{\n    {call}(1);\n}}\n")
       for call in style.BANNED_IN_TESTS]
    + [("a deadly call in a benchmark", "tests/bench/bad.c", "void f(void)\n{\n    strcpy(a, b);\n}\n")],
    "words": [
        ("a mark in C", "core/bad.c", f"/* {TO_DO}: later */\n"),
        ("a mark in a page", "docs/bad.md", f"{TO_DO}\n"),
    ],
    "machine": [
        ("somebody's home", "docs/bad.md", "see /ho" + "me/someone/muster\n"),
        ("a working directory", "scripts/bad", "cd /wo" + "rk/main\n"),
    ],
    "guards": [
        ("no guard", "core/bad.h", "int ms_x;\n"),
        ("another's guard", "core/io/bad.h", "#ifndef CORE_GOOD_H\n#define CORE_GOOD_H\n#endif\n"),
    ],
    "tests": [
        ("a module of core without test", {"core/bad.c": "", "core/bad.h": ""}, None),
        ("a module of core/io without test", {"core/io/bad.c": "", "core/io/bad.h": ""}, None),
        ("a module of an engine without test", {"master/bad.c": "", "master/bad.h": ""}, None),
        ("an integration script that nobody runs", "tests/integration/kill.py", "pass\n"),
    ],
    "braces": [
        ("an if without", "core/bad.c", "void f(int a)\n{\n    if (a)\n        f((a) + 1);\n}\n"),
        ("an else without", "core/bad.c", "void f(int a)\n{\n    if (a) {\n        f(a);\n    } else\n        g();\n}\n"),
        ("a while without", "core/bad.c", "void f(int a)\n{\n    while (a--);\n}\n"),
        ("a for without", "core/bad.c", "void f(int a)\n{\n    for (; a; a--)\n        g();\n}\n"),
    ],
    "format": [
        ("two blanks of indentation", "core/bad.c", "void f(void)\n{\n  f();\n}\n"),
        ("brace of a function on the same line", "core/bad.c", "void f(void) {\n    f();\n}\n"),
    ],
    "purity": [
        ("core reads the clock", "core/bad.c", "long time(long *);\nlong f(void)\n{\n    return time(0);\n}\n"),
        ("an engine allocates", "master/bad.c", "void *malloc(unsigned long);\nvoid *f(void)\n{\n    return malloc(1);\n}\n"),
        ("a slave writes a log", "slave/bad.c", "int puts(const char *);\nint f(void)\n{\n    return puts(\"\");\n}\n"),
        ("a client locks", "client/bad.c",
         "int pthread_mutex_lock(void *);\nint f(void *m)\n{\n    return pthread_mutex_lock(m);\n}\n"),
        ("protobuf-c in core", "core/bad.c",
         "void protobuf_c_message_pack(void);\nvoid f(void)\n{\n    protobuf_c_message_pack();\n}\n"),
    ],
}


def write(root, name, text):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def clean_tree(root):
    repository = Path(__file__).resolve().parents[2]
    write(root, ".clang-format", (repository / ".clang-format").read_text())
    write(root, "core/good.c", CLEAN_C)
    write(root, "core/good.h", CLEAN_H)
    write(root, "tests/unit/core_good_test.c", CLEAN_TEST)


def compile_tree(root):
    """The archives of the pure folders, as the build makes them."""
    for library, folder in style.purity.LIBRARIES.items():
        output = root / "build" / folder
        output.mkdir(parents=True, exist_ok=True)
        objects = []
        for source in sorted((root / folder).glob("*.c")) or [None]:
            target = output / ((source.stem if source else "empty") + ".c.o")
            text = source.read_text() if source else "int ms_empty_%s;\n" % library
            subprocess.run(["cc", "-w", "-fno-builtin", f"-I{root}", "-xc", "-c", "-", "-o", str(target)],
                           input=text, text=True, check=True)
            objects.append(str(target))
        subprocess.run(["ar", "rcs", str(output / f"lib{library}.a"), *objects], check=True)


def run(check, root):
    if check == "purity":
        compile_tree(root)
    return subprocess.run([sys.executable, str(Path(__file__).with_name("style.py")), check, "--root", str(root),
                           "--build", str(root / "build")], capture_output=True, text=True)


def prove(check, plants):
    bad = []
    for what, name, text in [("nothing", None, None)] + plants:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            clean_tree(root)
            for path, content in (name if isinstance(name, dict) else {name: text} if name else {}).items():
                write(root, path, content)
            done = run(check, root)
        if done.returncode == style.SKIPPED:
            print(f"{check}: skipped")
            return []
        if done.returncode != (0 if name is None else 1):
            bad.append(f"{check}: planted {what}, ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    print(f"{check}: {len(plants)} plants")
    return bad


def main():
    wanted = sys.argv[1:] or list(style.CHECKS)
    bad = [f"{check}: no violation is planted for it" for check in wanted if not PLANTS.get(check)]
    for check in wanted:
        bad += prove(check, PLANTS.get(check, []))
    for text in bad:
        print(text)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
