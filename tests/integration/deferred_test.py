#!/usr/bin/env python3
"""Deferred completion through a whole cluster: four threads of a handler complete ten thousand commands."""
import json
import os
import signal

from harness import Cluster, main

HANDLERS = os.path.join(os.environ["MS_BUILD_DIR"], "tests", "integration", "handlers")
COUNT = 10000


def test_four_threads_complete_ten_thousand_commands():
    with Cluster() as cluster:
        slave = cluster.slave("--slots", "64", "--handler", os.path.join(HANDLERS, "deferred.so"))
        done = cluster.muster("bench", "deferred", "--count", str(COUNT), "--depth", "500", "--json")
        report = json.loads(done.stdout)
        assert report["commands"] == COUNT and report["failed"] == 0, report
        status = cluster.status()
        assert status["outcomes_total"] == COUNT and status["dispatched_total"] == COUNT, status
        slave.signal(signal.SIGTERM)
        slave.ends_with(0)
        assert "ThreadSanitizer" not in slave.log(), slave.log()


if __name__ == "__main__":
    main(globals())
