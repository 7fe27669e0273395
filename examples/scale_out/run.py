"""hullo on more than one machine: two servers, one database, and a database node that is killed under load.

    python examples/scale_out/run.py [--cluster none|galera|patroni] [--db URL] [--seconds 20] [--kill-after 8]

Ends with status 1 when a write that was answered is not there afterwards, when a person is there twice, or when
somebody was answered with anything but 200 and 503.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from clusters import start_cluster
from clusters.processes import ENDING, Failed, Nursery
from load import Ledger, Load
from serving import make_site, start_servers
from verify import report, verify

STEADY_SECONDS: Final = 3
"""How long answers must have come again before it ends."""
FAILOVER_SECONDS: Final = 60
"""How long they may take to come again."""


def main() -> int:
    given = arguments()
    for name in filter(lambda name: name.startswith("HULLO_"), list(os.environ)):
        del os.environ[name]  # one's own settings are not the example's
    for each in ENDING:
        signal.signal(each, signal.default_int_handler)  # all of them as Ctrl-C: everything is cleaned up
    folder = Path(tempfile.mkdtemp(prefix="hullo-scale-out-"))
    folder.chmod(0o711)  # a database that is run as a user of its own has to get to its part
    keep = True
    try:
        with Nursery(folder) as nursery:
            passed = scale_out(nursery, given)
        keep = not passed
        return 0 if passed else 1
    except Failed as failed:
        print(f"\n{failed}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        keep = False
        return 130
    finally:
        if keep and any(folder.iterdir()):
            print(f"the logs are in {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder)


def scale_out(nursery: Nursery, given: argparse.Namespace) -> bool:
    """The story. Whether nothing was lost."""
    cluster = None if given.cluster == "none" else start_cluster(given.cluster, nursery)
    db = cluster.url if cluster else given.db or f"sqlite:///{nursery.folder}/hullo.db"
    site = make_site(nursery, db)
    addresses = start_servers(nursery, db)
    killed = None
    with Load(site, addresses) as load:
        ledger = load.ledger
        if cluster:
            watch(ledger, given.kill_after)
            killed = (ledger.now(), cluster.kill_a_node())
            print(f"{killed[0]:5.1f} s  killed {killed[1]}", flush=True)
        watch(ledger, given.seconds)
        if killed:
            wait_for_answers(ledger, since=killed[0])
        load.finish()
        end = ledger.now()
    print("reading everybody back", flush=True)
    verdict = verify(site, addresses, ledger)
    print("\n" + "\n".join(report(ledger, verdict, end, killed)) + "\n", flush=True)
    return not (verdict.lost or verdict.doubled or ledger.wrong) and bool(ledger.answered)


def watch(ledger: Ledger, until: float) -> None:
    """Waits, and shows every two seconds how it goes."""
    while (left := until - ledger.now()) > 0:
        time.sleep(min(left, 2))
        print(f"{ledger.now():5.1f} s  {len(ledger.answered):,} answered, {ledger.refused:,} refused", flush=True)


def wait_for_answers(ledger: Ledger, since: float) -> None:
    """A failover may take longer than the load was to last, and whether it ends is what is to be seen."""
    late = since + FAILOVER_SECONDS
    while ledger.now() < late:
        calm = ledger.now() - STEADY_SECONDS
        if calm > since and all(ledger.answers_between(calm + each, calm + each + 1) for each in range(STEADY_SECONDS)):
            return
        watch(ledger, ledger.now() + 1)
    raise Failed(f"no answers came for {FAILOVER_SECONDS} seconds after the kill")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cluster", choices=("none", "galera", "patroni"), default="none", help="what to start")
    parser.add_argument("--db", metavar="URL", help="a database that runs already; without a cluster only")
    parser.add_argument("--seconds", type=float, default=20, help="how long visitors come")
    parser.add_argument("--kill-after", type=float, default=8, metavar="SECONDS", help="when a node is killed")
    given = parser.parse_args()
    if given.db and given.cluster != "none":
        parser.error("--db names a database that runs already, and --cluster starts one: give one of them")
    if given.cluster != "none" and not 0 < given.kill_after < given.seconds:
        parser.error("--kill-after must lie within --seconds")
    return given


if __name__ == "__main__":
    sys.exit(main())
