"""Purity at link level: what the static libraries of pure code leave undefined is compared with an allow-list.

Stronger than looking at includes: a clock, a socket or a lock that is reached in any way has a symbol.
"""

import re
import subprocess

# The libraries that must be pure, and the part of the build tree where each lies.
LIBRARIES = {
    "ms_core": "core", "ms_proto": "proto", "ms_master": "master", "ms_slave": "slave", "ms_client": "client",
}
ANYWHERE = {
    "memcpy", "memmove", "memset", "memcmp", "memchr", "strlen", "strnlen", "strcmp", "strncmp", "strchr",
    "strrchr", "strstr", "strspn", "strcspn", "strpbrk", "snprintf", "vsnprintf",
    # Number parsers report overflow through errno.
    "strtol", "strtoll", "strtoul", "strtoull", "__errno_location",
}
ALLOCATION = {"malloc", "calloc", "realloc", "aligned_alloc", "free"}
# Memory is taken when an object is made: containers grow in steps, tables are sized once, options copy their
# values. Only these objects of the libraries do it; everything else goes through them.
ALLOCATORS = {
    "ms_core": {"pool", "slab", "heap", "map", "engine", "router", "options", "sections"},
    "ms_proto": {"arena", "acks", "decoder", "encoder"},
    "ms_master": {"answers", "backlog", "connections", "cordons", "council", "follower", "gates", "greeters", "index", "inspect", "journal", "lanes",
                  "leases", "master", "mirror", "mirror_send", "pair", "pair_tenure", "pieces", "profiles", "reroute", "routes", "seats",
                  "service_buffer", "service_calls", "service_clients", "service_unit", "sources", "suffix", "tags",
                  "traits"},
    "ms_slave": {"parts", "slave", "witness"},
    "ms_client": {"client_calls", "requests"},
}
# The invariant handler is the one that may speak and end the process.
LAST_WORDS = {"core/invariant": {"stderr", "fprintf", "fputs", "fflush", "abort"}}
PROTOBUF = re.compile(r"protobuf_c_\w+$")
INSTRUMENTATION = re.compile(r"(__asan|__ubsan|__tsan|__sanitizer|__sancov|__gcov|__llvm|__stack_chk|_GLOBAL_OFFSET)")
FORTIFIED = re.compile(r"__(\w+)_chk$")
C99 = re.compile(r"__isoc\d+_(\w+)$")


def symbols(archive):
    """{member: (undefined, defined)} of an archive."""
    out = subprocess.run(["nm", "-A", str(archive)], check=True, capture_output=True, text=True).stdout
    members = {}
    for line in out.splitlines():
        match = re.match(r"[^:]+:([^:]+): *([0-9a-fA-F]*) +([A-Za-z]) (\S+)$", line)
        if match:
            undefined, defined = members.setdefault(match.group(1), (set(), set()))
            (undefined if match.group(3) in "Uw" else defined).add(match.group(4))
    return members


def is_allowed(library, module, symbol):
    symbol = symbol.split("@")[0]
    for form in (FORTIFIED, C99):
        match = form.match(symbol)
        symbol = match.group(1) if match else symbol
    if INSTRUMENTATION.match(symbol) or symbol in ANYWHERE:
        return True
    if symbol in ALLOCATION:
        return module in ALLOCATORS.get(library, ())
    if symbol in LAST_WORDS.get(f"{LIBRARIES[library]}/{module}", ()):
        return True
    # The assertions of generated code are about the caller's pointers, never about input.
    if module.endswith(".pb-c") and symbol == "__assert_fail":
        return True
    if library == "ms_proto" and module in ("record", "pair_record") and symbol == "libdeflate_crc32":
        return True
    return library == "ms_proto" and PROTOBUF.match(symbol) is not None


def impure_symbols(build):
    """Yields (library, member, symbol) for everything that pure code must not reach."""
    found = {}
    for library, folder in LIBRARIES.items():
        archive = build / folder / f"lib{library}.a"
        if not archive.exists():
            yield str(archive), 0, "the library itself, which is missing, so nothing was checked; it"
            continue
        found[library] = symbols(archive)
    own = {name for members in found.values() for _, defined in members.values() for name in defined}
    for library, members in found.items():
        for member, (undefined, _) in sorted(members.items()):
            module = re.sub(r"\.c\.o$|\.o$", "", member)
            for symbol in sorted(undefined - own):
                if not is_allowed(library, module, symbol):
                    yield f"lib{library}.a", member, symbol
