"""Loads the HTTP server beyond what it can do, kills its workers, keeps it waiting, stops it, and wears it out.

C is what the server does when each worker always has a photograph, measured anew before each trial. Every figure that
has a bar is held against it; the exit code is 1 where one is missed. For Linux, from the repository's root::

    python -m benchmarks.http_load [overload] [kill] [slow] [drain] [soak] [--seconds 60] [--kills 50]
"""

import argparse
import asyncio
import math
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from statistics import linear_regression
from tempfile import TemporaryDirectory
from types import MappingProxyType

from benchmarks.http_client import Answer, Client, at_rate, count, in_turn, others, percentile, probe
from benchmarks.http_server import Server, is_busy, open_files, resident_megabytes, running, workers
from benchmarks.http_slow import KINDS, LASTS_SECONDS, Slow, be_slow, last_held
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

CLOSE_SECONDS = 15
RECOVERY_SECONDS = 60
BATCH = 50
"""Requests between two looks at the memory of a server that rests: while it works, it takes more, and less again."""


@dataclass(frozen=True)
class Plan:
    """How long, how often, how many."""

    seconds: float
    kills: int
    slow: int
    stops: int
    requests: int


@dataclass(frozen=True)
class Row:
    """A figure, and the least and the most that it may be."""

    name: str
    value: float
    least: float = -math.inf
    most: float = math.inf

    @property
    def is_met(self) -> bool:
        """Whether the figure is within its bar."""
        return self.least <= self.value <= self.most

    @property
    def bar(self) -> str:
        """The bar in words, "" for none."""
        least = f"≥ {self.least:g}" if self.least > -math.inf else ""
        return least or (f"≤ {self.most:.3g}" if self.most < math.inf else "")


@contextmanager
def fresh_server(environment: Mapping[str, str] = MappingProxyType({})) -> Iterator[tuple[Server, Client]]:
    """Run a server in a folder of its own; a client of it."""
    with TemporaryDirectory() as folder, running(Path(folder), environment) as server:
        yield server, Client(server.port)


async def capacity(server: Server, client: Client, seconds: float) -> float:
    """Return C: the cut-outs a second when each worker always has a photograph."""
    start = time.perf_counter()
    turns = iter(lambda: time.perf_counter() < start + seconds, False)
    answers = await in_turn(client, server.limits()["workers"], turns)
    return count(answers, 200) / (time.perf_counter() - start)


async def overload(plan: Plan) -> list[Row]:
    """Offer 2 and 10 times C."""
    with fresh_server() as (server, client):
        most = await capacity(server, client, plan.seconds / 3)
        floods = [await flood(server, client, times, most, plan.seconds) for times in (2, 10)]
        return [Row("C, cut-outs a second", most), *chain.from_iterable(floods)]


async def flood(server: Server, client: Client, times: float, most: float, seconds: float) -> list[Row]:
    """Offer ``times * most`` a second; /healthz is asked meanwhile."""
    spent, start = time.process_time(), time.perf_counter()
    with ProcessPoolExecutor(1, get_context("spawn")) as helper:
        probing = asyncio.get_running_loop().run_in_executor(helper, probe, server.port, seconds)
        answers = await at_rate(client, times * most, probing)
    share = (time.process_time() - spent) / (time.perf_counter() - start)
    late = percentile([each.began - each.due for each in answers], 99)
    rows = [
        *judged(answers, most, server.limits()),
        Row("/healthz, p99 ms", 1000 * percentile(await probing, 99), most=100),
        Row("sent late, p99 ms", 1000 * late),
        Row("this process, share of a core", share),
    ]
    return [replace(row, name=f"{times} C: {row.name}") for row in rows]


def judged(answers: Sequence[Answer], most: float, limits: Mapping[str, float]) -> list[Row]:
    """Return the figures of ``answers`` to more than a server can do that does ``most`` a second."""
    good, shed = ([each for each in answers if each.status == status] for status in (200, 503))
    start, end = (choose(each.due for each in answers) for choose in (min, max))
    patience = (limits["queue"] + limits["workers"]) / most + 1
    return [
        Row("goodput / C", sum(each.ended < end for each in good) / (end - start) / most, least=0.8),
        Row("accepted, p95 s", percentile([each.seconds for each in good], 95), most=patience),
        Row("shed", len(shed)),
        Row("shed, p95 ms", 1000 * percentile([each.seconds for each in shed], 95), most=100),
        Row("shed without Retry-After", sum(not each.says_when_to_retry for each in shed), most=0),
        Row(f"neither 200 nor 503 {others(answers)}".rstrip(), len(answers) - len(good) - len(shed), most=0),
    ]


async def kill(plan: Plan) -> list[Row]:
    """Kill busy workers while half of C is asked for."""
    with fresh_server() as (server, client):
        most = await capacity(server, client, plan.seconds / 3)
        killing = asyncio.ensure_future(kill_workers(server, plan.kills, 3 * server.limits()["workers"] / most))
        answers = await at_rate(client, most / 2, killing)
        return [
            Row("kills", len(killing.result())),
            Row("photographs begun anew", server.metric("cutaway_retries_total")),
            Row("slowest recovery, s", max(killing.result()), most=3),
            Row("requests", len(answers)),
            Row(f"not answered with 200 {others(answers)}".rstrip(), len(answers) - count(answers, 200), most=0),
            Row("slowest answer, s", max(each.seconds for each in answers)),
        ]


async def kill_workers(server: Server, kills: int, pause: float) -> list[float]:
    """Kill a busy worker ``kills`` times; return how many seconds it took each time until all were up again."""
    recoveries: list[float] = []
    while len(recoveries) < kills:
        recoveries.append(await asyncio.wait_for(kill_one(server), RECOVERY_SECONDS))
        await asyncio.sleep(pause)  # the photograph that was begun anew is not to be hit again
    return recoveries


async def kill_one(server: Server) -> float:
    """Kill a busy worker; return how many seconds it takes until another is up in its place."""
    before = workers(server)
    while not (busy := [pid for pid in before if is_busy(pid)]):
        await asyncio.sleep(0.005)
    start, victim = time.perf_counter(), random.choice(busy)  # noqa: S311  # chance is all that is wanted
    os.kill(victim, signal.SIGKILL)
    while victim in (now := workers(server)) or len(now) < len(before):
        await asyncio.sleep(0.02)
    await until(server, "cutaway_workers_ready", len(before))
    return time.perf_counter() - start


async def until(server: Server, metric: str, least: float) -> None:
    """Wait until ``metric`` is ``least`` or more."""
    async with asyncio.timeout(RECOVERY_SECONDS):
        while await asyncio.to_thread(server.metric, metric) < least:
            await asyncio.sleep(0.05)


async def slow(plan: Plan) -> list[Row]:
    """Serve good clients while slow ones of each kind hold connections."""
    with fresh_server() as (server, client):
        rate = 0.3 * await capacity(server, client, plan.seconds / 3)
        # Readers are cut-outs to be made: they come one by one, as the good requests do.
        delays = [
            number // len(KINDS) / rate if KINDS[number % len(KINDS)] == "reader" else 0.0
            for number in range(plan.slow)
        ]
        being = asyncio.gather(*(be_slow(KINDS[n % len(KINDS)], server.port, delay) for n, delay in enumerate(delays)))
        answers, seen = await asyncio.gather(at_rate(client, rate, being), last_held(server.port, being))
    good = Row("good requests not answered with 200", len(answers) - count(answers, 200), most=0)
    return [
        Row("good requests", len(answers)),
        good,
        *(row for kind in KINDS for row in closed(kind, being.result(), seen)),
    ]


def closed(kind: str, clients: Sequence[Slow], seen: Mapping[int, float]) -> list[Row]:
    """Return how soon the server closed connections of ``kind``; ``LASTS_SECONDS`` is never."""
    held = [seen.get(each.port, each.opened) - each.opened for each in clients if each.kind == kind]
    never = sum(seconds > LASTS_SECONDS - 1 for seconds in held)
    bar = math.inf if kind == "silent" else CLOSE_SECONDS  # that takes a proxy
    return [
        Row(f"slow {kind}: clients", len(held)),
        Row(f"slow {kind}: still open after {LASTS_SECONDS} s", never),
        Row(f"slow {kind}: longest open, s", max(held), most=bar),
    ]


async def drain(plan: Plan) -> list[Row]:
    """Tell servers to stop that have begun and waiting work."""
    stops = [await stop() for _ in range(plan.stops)]
    return [
        Row("accepted", sum(len(answers) for answers, _, _ in stops)),
        Row(
            "accepted, not answered with 200",
            sum(len(answers) - count(answers, 200) for answers, _, _ in stops),
            most=0,
        ),
        Row("slowest stop, s", max(seconds for _, seconds, _ in stops), most=20),
        Row("exit codes other than 0", sum(code != 0 for _, _, code in stops), most=0),
    ]


async def stop() -> tuple[list[Answer], float, int]:
    """Stop a server with work; return the answers, how many seconds it took, and the exit code."""
    with fresh_server() as (server, client):
        limits = server.limits()
        workers, now = limits["workers"], time.perf_counter()
        asked = [asyncio.create_task(client.ask(now)) for _ in range(workers + limits["queue"] // 2)]
        await until(server, "cutaway_queue_length", len(asked) - workers - 1)
        start = time.perf_counter()
        server.process.send_signal(signal.SIGTERM)
        answers = await asyncio.gather(*asked)
        code = await asyncio.to_thread(server.process.wait)
        return answers, time.perf_counter() - start, code


async def soak(plan: Plan) -> list[Row]:
    """Watch memory and open files over many requests."""
    with fresh_server({"CUTAWAY_RECYCLE": "1000000000"}) as (server, client):  # no worker is replaced meanwhile
        first, clients = len(open_files(server)), server.limits()["workers"]
        answers: list[Answer] = []
        samples = []
        while len(answers) < max(plan.requests, 2 * BATCH):  # a slope takes two points
            answers += await in_turn(client, clients, iter(range(BATCH)))
            samples.append((len(answers), resident_megabytes(server)))
        rows = [
            Row("requests", len(answers)),
            Row("not answered with 200", len(answers) - count(answers, 200), most=0),
            Row("memory at first, MB", samples[0][1]),
            Row("memory at last, MB", samples[-1][1]),
            Row("open files more", len(open_files(server)) - first),
        ]
    slope = linear_regression(*zip(*samples[len(samples) // 4 :], strict=True)).slope
    return [*rows, Row("MB more for 1,000 requests", 1_000 * slope, most=1)]


TRIALS: Mapping[str, Callable[[Plan], Coroutine[None, None, list[Row]]]] = MappingProxyType(
    {"overload": overload, "kill": kill, "slow": slow, "drain": drain, "soak": soak}
)


def main() -> None:
    """Print a table for each trial; leave with 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("trials", nargs="*", metavar="TRIAL", help=f"among {', '.join(TRIALS)}; else all")
    parser.add_argument("--seconds", type=float, default=60, help="of each overload; a third of it for C")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--slow", type=int, default=200, help="slow clients, a quarter of each kind")
    parser.add_argument("--stops", type=int, default=5)
    parser.add_argument("--requests", type=int, default=2_000, help="of the soak")
    arguments = vars(parser.parse_args())
    names = arguments.pop("trials") or list(TRIALS)
    if unknown := set(names) - TRIALS.keys():
        parser.error(f"there is no trial {', '.join(unknown)}")
    missed = 0
    for name in names:
        rows = asyncio.run(TRIALS[name](Plan(**arguments)))
        Console().print(table(name, rows))
        missed += sum(not row.is_met for row in rows)
    print(f"{missed} bars missed")
    sys.exit(missed > 0)


def table(title: str, rows: Sequence[Row]) -> Table:
    """Return a row for each figure."""
    shown = Table("", box=SIMPLE, title=title)
    for head in ("measured", "bar", ""):
        shown.add_column(head, justify="right")
    for row in rows:
        shown.add_row(row.name, f"{row.value:.4g}", row.bar, "" if row.is_met else "missed")
    return shown


if __name__ == "__main__":
    main()
