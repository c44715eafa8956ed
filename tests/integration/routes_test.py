#!/usr/bin/env python3
"""Routes of the configuration file: --check, reload on SIGHUP all or nothing, `muster routes`, and both halves of a pair."""
import os
import signal
import subprocess
import tempfile

from harness import BIN, LIMIT_S, Cluster, main, wait_until
from pair import Pair

CONFIG = 78

GOOD = """
# what the file says beside
route "echo" {
    strategy = {"hash:jump", "least"}
    groups = {"a", "b"}
    on_absent = next
    rate = "100/s:200"
}
route "sl*" { group = "slow" labels = {"ssd"} concurrency = 4 }
route "later" { priority = -3 }
"""


def write(path, text):
    """Whole or not at all: a program may read it at any time."""
    with open(path + ".new", "w") as file:
        file.write(text)
    os.rename(path + ".new", path)


def run(*arguments):
    done = subprocess.run([os.path.join(BIN, arguments[0]), *arguments[1:]], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_check_says_what_is_wrong_and_where():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "m.conf")
        write(path, GOOD)
        code, out, err = run("muster-master", "--check", "--config", path)
        assert code == 0, f"{code}: {err}"
        assert out == ("the configuration is right\n"
                       'route "echo": strategy hash:jump, least; groups a, b; on-absent next; rate 100/s:200\n'
                       'route "sl*": group slow; labels ssd; concurrency 4\n'
                       'route "later": priority -3\n'), out
        for text, says in (
                ('\nroute "a" {\n  strategy = {"lest"}\n}\n', ':3: route "a": strategy: "lest" is none of any, round-robin'),
                ('route "a" { groups = {"x"} }\n', ':1: route "a": groups: a hash strategy chooses among them'),
                ('route "a" {}\nroute "a" {}\n', f':2: route "a": it is there already, at {path}:1'),
                ('\n\nroute "a" { strategies = {"any"} }\n', ":3: route \"a\": unknown key 'strategies'; valid keys: strategy, group"),
                ('rout "a" {}\n', ":1: unknown key 'rout'; valid sections: route, provider; valid keys: listen"),
                ('route "a" {\n rate = "fast"\n}\n', ':2: route "a": rate: "fast" is not a rate: N/s, N/m or N/h'),
                ('name = "m"\nroute "a" {\n rate = "1/s"\n', ":2: this brace is not closed")):
            write(path, text)
            code, out, err = run("muster-master", "--check", "--config", path)
            assert code == CONFIG and err.startswith(f"muster-master: {path}{says}"), f"{code}: {err}"
            assert run("muster-master", "--listen", "127.0.0.1:0", "--config", path)[0] == CONFIG


def code_of(page, begins):
    """The block of a page of the documents that begins so."""
    with open(os.path.join(os.environ["MS_SOURCE_DIR"], "docs", page)) as file:
        blocks = file.read().split("```")[1::2]
    return next(block for block in blocks if block.lstrip().startswith(begins))


def test_what_the_manual_shows_is_right():
    with tempfile.TemporaryDirectory() as folder:
        write(os.path.join(folder, "more-routes.conf"), "")
        for program, routes_count in (("master", 4), ("slave", 1)):
            path = os.path.join(folder, f"{program}.conf")
            write(path, code_of("routes.md", f"# muster-{program} --config {program}.conf"))
            code, out, err = run(f"muster-{program}", "--check", "--config", path)
            assert code == 0 and len(out.splitlines()) == 1 + routes_count, f"{code}: {out} {err}"
            code, dumped, err = run(f"muster-{program}", "--dump-config", "--config", path)
            assert code == 0, f"{code}: {err}"
            write(path, dumped)
            assert run(f"muster-{program}", "--check", "--config", path)[:2] == (0, out), dumped


def test_check_of_a_slave():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "s.conf")
        write(path, 'slots = 2\nroute "echo" { timeout = 5s payload_max = 64KiB }\n')
        code, out, err = run("muster-slave", "--check", "--config", path)
        assert code == 0 and out == 'the configuration is right\nroute "echo": timeout 5s; payload-max 64KiB\n', f"{code}: {out} {err}"
        write(path, 'route "echo" {\n timeout = 5\n}\n')
        code, out, err = run("muster-slave", "--check", "--config", path)
        assert code == CONFIG and err.startswith(f'muster-slave: {path}:2: route "echo": timeout: "5" is not a duration'), err
        write(path, '\nroute "ehco" { timeout = 5s }\n')
        code, out, err = run("muster-slave", "--config", path, "127.0.0.1:1")
        assert code == CONFIG and f'{path}:2: route "ehco": no handler has that name; there are ' in err, f"{code}: {err}"


def test_a_slave_takes_the_time_out_of_its_route():
    with tempfile.TemporaryDirectory() as folder, Cluster() as cluster:
        path = os.path.join(folder, "s.conf")
        write(path, 'route "sleep" { timeout = 100ms payload_max = 10B }\n')
        cluster.slave("--config", path)
        assert cluster.muster("submit", "echo", "--payload", "x" * 20, "--wait").stdout == b"x" * 20
        late = cluster.muster("submit", "sleep", "--payload", "1h", "--wait", check=False)
        assert late.returncode != 0 and b"timeout" in late.stderr, late.stderr
        long = cluster.muster("submit", "sleep", "--payload", "1" * 20, "--wait", check=False)
        assert long.returncode != 0 and b"payload larger than max_payload" in long.stderr, long.stderr


def routes(cluster):
    return {(row["type"], row["route"]): row for row in cluster.rows("routes")}


def test_reload_takes_all_routes_or_none():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "m.conf")
        write(path, GOOD)
        with Cluster("--config", path) as cluster:
            assert set(routes(cluster)) == {("", "echo"), ("", "sl*"), ("", "later")}, routes(cluster)
            cluster.slave()
            told = routes(cluster)
            assert told[("echo", "echo")]["strategy"] == "hash:jump, least", told
            assert told[("echo", "echo")]["groups"] == 2 and told[("echo", "echo")]["on_absent"] == "next", told
            assert told[("echo", "echo")]["rate"] == "100/s:200", told
            assert told[("sleep", "sl*")]["labels"] == "ssd" and told[("sleep", "sl*")]["concurrency"] == 4, told
            assert told[("checksum", "")]["strategy"] == "any", told
            assert told[("", "later")]["priority"] == "-3", told
            table = cluster.muster("routes").stdout.decode().splitlines()
            assert table[0].split()[:4] == ["type", "route", "strategy", "group"] and "key_rate" not in table[0], table
            assert "key_rate" in cluster.muster("routes", "--long").stdout.decode()

            write(path, 'route "echo" { group = "new" }\nroute "sleep" {\n  strategy = {"nobody"}\n}\n')
            cluster.master.signal(signal.SIGHUP)
            wait_until("it refuses", lambda: "not reloaded" in cluster.master.log())
            assert f'{path}:3: route \\"sleep\\": strategy: \\"nobody\\" is none of' in cluster.master.log(), cluster.master.log()
            assert routes(cluster) == told

            write(path, 'route "echo" { group = "new" }\n')
            cluster.master.signal(signal.SIGHUP)
            wait_until("the new ones hold", lambda: ("sleep", "") in routes(cluster))
            assert routes(cluster)[("echo", "echo")]["group"] == "new"
            waiting = cluster.background("submit", "echo", "--payload", "x", "--wait")
            wait_until("it waits for a slave of that group", lambda: [row["state"] for row in cluster.rows("commands")] == ["ready"])
            command = cluster.rows("commands")[0]["id"]
            assert b"no living slave of group new runs echo" in cluster.muster("why", command).stdout
            assert {row["it"] for row in cluster.rows("dry-run", "echo")} == {"is of no group, and it goes to group new"}
            cluster.slave("--group", "new")
            wait_until("it is next", lambda: "is next" in {row["it"] for row in cluster.rows("dry-run", "echo")})
            assert waiting.communicate(timeout=LIMIT_S)[0] == b"x"


def group_of(pair):
    rows = [row for row in pair.rows("routes") if row["type"] == "torture"]
    return rows[0]["group"] if rows else None


def is_told(pair, place):
    return any(alarm.startswith("ROUTES_MISMATCH") for alarm in pair.rows_of_pair()[place].get("alarms", []))


def test_halves_with_different_routes_say_so_and_each_reign_has_its_own():
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, f"{place}.conf") for place in (0, 1)]
        for path in paths:
            write(path, 'route "*" { group = "old" }\n')
        with Pair(options=["--config", os.path.join(folder, "{place}.conf")]) as pair:
            active = pair.active()
            assert group_of(pair) == "old"
            assert not is_told(pair, 0) and not is_told(pair, 1), pair.rows_of_pair()
            write(paths[1 - active], 'route "*" { group = "new" }\n')
            pair.masters[1 - active].signal(signal.SIGHUP)
            wait_until("both say that routes differ", lambda: is_told(pair, 0) and is_told(pair, 1))
            assert group_of(pair) == "old"
            code, out, err = pair.ask("switchover")
            assert code == 0, f"{code}: {out} {err}"
            wait_until("those of the other one hold", lambda: group_of(pair) == "new")
            write(paths[active], 'route "*" { group = "new" }\n')
            pair.masters[active].signal(signal.SIGHUP)
            wait_until("nothing differs", lambda: not is_told(pair, 0) and not is_told(pair, 1))


if __name__ == "__main__":
    main(globals())
