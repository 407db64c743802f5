"""Workers that die, hang, and are told to stop."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path

import pytest

from cutaway.look import Encoding
from cutaway.options import Options
from cutaway.web.messages import Message
from cutaway.web.metrics import Metrics
from cutaway.web.pool import Plan, Pool
from cutaway.web.problems import ProblemError
from cutaway.web.setup import Setup
from synthetic import draw_person, encode

PHOTO = encode(draw_person())
PLAN = Plan(workers=1, queue=4, deadline=20.0, recycle=1000)


def job(photo: bytes = PHOTO, **options: object) -> Message:
    facts = {
        "model": "tiny",
        "refine": "guided",
        "options": {**asdict(Options()), **options},
        "encoding": asdict(Encoding("png")),
        "require_person": False,
    }
    return Message(facts, [photo])


def large() -> bytes:
    """Return a photo that takes a worker long enough to be caught at it."""
    return encode(draw_person(3000, 3000), compress_level=1)


@asynccontextmanager
async def running(model: Path, plan: Plan = PLAN) -> AsyncIterator[Pool]:
    setup = Setup({"tiny": str(model)}, ("guided",), 10**9, 50_000_000, 12_000, 1, 2_000_000_000)
    pool = Pool(setup, plan, Metrics(), str)
    await pool.start()
    try:
        yield pool
    finally:
        await pool.drain(20)


def pids() -> set[int]:
    """Return the worker processes of this process."""
    found = set()
    for task in Path(f"/proc/{os.getpid()}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # threads and processes end meanwhile
            children = map(int, (task / "children").read_text().split())
            found |= {pid for pid in children if b"cutaway.web.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()}
    return found


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def inner() -> None:
        await test()

    asyncio.run(inner())


async def kill_busy(pool: Pool) -> int:
    """Kill the one worker once it has a photo, and return what its process was."""
    await until(lambda: pool.running == 1 and pool.ready == 1 and len(pids()) == 1)
    (victim,) = pids()
    os.kill(victim, signal.SIGKILL)
    return victim


def count(pool: Pool, name: str) -> float:
    return pool.metrics.registry.get_sample_value(name) or 0.0


def test_a_photo_comes_back_cut_out(tiny_model_path: Path) -> None:
    async def test() -> None:
        async with running(tiny_model_path) as pool:
            assert pool.models["tiny"]["architecture"] == "one convolution"
            answer, waited = await pool.run(job())
            assert answer.facts["cutout"]["found_person"] is True
            assert answer.files[0].startswith(b"\x89PNG")
            assert 0 <= waited < 5

    run(test)


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        (job(b"\x89PNG\r\n\x1a\nnothing"), "unreadable-image"),
        (job(crop="abc"), "invalid-option"),
        (job(preset="us-2x2", background="white"), "impossible"),
    ],
)
def test_a_worker_survives_what_is_wrong_with_a_photo(tiny_model_path: Path, message: Message, problem: str) -> None:
    async def test() -> None:
        async with running(tiny_model_path) as pool:
            before = pids()
            answer, _ = await pool.run(message)
            assert answer.facts["problem"]["name"] == problem
            assert pids() == before

    run(test)


def test_a_worker_killed_over_a_photo_is_replaced_and_the_photo_done(tiny_model_path: Path) -> None:
    async def test() -> None:
        async with running(tiny_model_path) as pool:
            working = asyncio.create_task(pool.run(job(large())))
            await until(lambda: pool.running == 1)
            (first,) = pids()
            os.kill(first, signal.SIGKILL)
            answer, _ = await working
            assert "cutout" in answer.facts
            assert pids().isdisjoint({first})
            assert count(pool, "cutaway_retries_total") == 1

    run(test)


def test_a_photo_that_kills_twice_is_refused_from_then_on(tiny_model_path: Path) -> None:
    async def test() -> None:
        async with running(tiny_model_path) as pool:
            poison = job(large())
            working = asyncio.create_task(pool.run(poison))
            first = await kill_busy(pool)
            await until(lambda: pids().isdisjoint({first}))
            await kill_busy(pool)
            with pytest.raises(ProblemError) as refused:
                await working
            assert refused.value.name == "poisonous-image"
            with pytest.raises(ProblemError, match="not tried again"):
                await pool.run(poison)
            answer, _ = await pool.run(job())
            assert "cutout" in answer.facts

    run(test)


def test_a_worker_that_dies_idle_costs_no_photo_a_try(tiny_model_path: Path) -> None:
    async def test() -> None:
        async with running(tiny_model_path) as pool:
            (first,) = pids()
            os.kill(first, signal.SIGKILL)
            await until(lambda: count(pool, "cutaway_workers_lost_total") == 1)
            answer, _ = await pool.run(job())
            assert "cutout" in answer.facts
            assert count(pool, "cutaway_retries_total") == 0

    run(test)


def test_a_worker_that_hangs_is_killed_at_the_deadline(tiny_model_path: Path) -> None:
    async def test() -> None:
        async with running(tiny_model_path, Plan(1, 4, 1.0, 1000)) as pool:
            (first,) = pids()
            os.kill(first, signal.SIGSTOP)
            with pytest.raises(ProblemError) as late:
                await pool.run(job())
            assert late.value.name == "deadline-exceeded"
            await until(lambda: pids().isdisjoint({first}))

    run(test)


def test_after_a_hang_another_worker_goes_on(tiny_model_path: Path) -> None:
    async def test() -> None:
        async with running(tiny_model_path, Plan(1, 4, 3.0, 1000)) as pool:
            for pid in pids():
                os.kill(pid, signal.SIGSTOP)
            with pytest.raises(ProblemError):
                await pool.run(job())
            await until(lambda: pool.ready == 1 and pool.running == 0)
            answer, _ = await pool.run(job())
            assert "cutout" in answer.facts

    run(test)


async def occupy(pool: Pool) -> tuple["asyncio.Task[object]", "asyncio.Task[object]"]:
    """Return the photo that the one worker is at, and one that waits."""
    first = asyncio.ensure_future(pool.run(job(large())))
    await until(lambda: pool.running == 1)
    second = asyncio.ensure_future(pool.run(job()))
    await until(lambda: pool.waiting == 1)
    return first, second


def test_beyond_the_queue_photos_are_turned_away_with_a_time_to_come_back(tiny_model_path: Path) -> None:
    async def test() -> None:
        async with running(tiny_model_path, Plan(1, 1, 20.0, 1000)) as pool:
            first, second = await occupy(pool)
            with pytest.raises(ProblemError) as full:
                await pool.run(job())
            assert (full.value.name, (full.value.retry_after or 0) >= 1) == ("busy", True)
            await asyncio.gather(first, second)

    run(test)


def test_a_photo_whose_sender_left_is_not_begun(tiny_model_path: Path) -> None:
    async def test() -> None:
        async with running(tiny_model_path) as pool:
            first = asyncio.create_task(pool.run(job(large())))
            await until(lambda: pool.running == 1)
            second = asyncio.create_task(pool.run(job(b"never looked at")))
            await until(lambda: pool.waiting == 1)
            second.cancel()
            await first
            await until(lambda: pool.waiting == 0)
            assert pool.running == 0

    run(test)


def test_a_photo_whose_sender_left_keeps_no_place_in_the_queue(tiny_model_path: Path) -> None:
    async def test() -> None:
        async with running(tiny_model_path, Plan(1, 1, 20.0, 1000)) as pool:
            first, second = await occupy(pool)
            second.cancel()
            await asyncio.wait([second])
            assert not first.done()
            answer, _ = await pool.run(job())
            assert "cutout" in answer.facts
            await first

    run(test)


def test_a_worker_is_replaced_after_its_share(tiny_model_path: Path) -> None:
    async def test() -> None:
        async with running(tiny_model_path, Plan(1, 4, 20.0, 2)) as pool:
            first = pids()
            await pool.run(job())
            assert pids() == first
            await pool.run(job())
            await until(lambda: pool.ready == 1 and pids().isdisjoint(first) and len(pids()) == 1)
            await pool.run(job())

    run(test)


def test_stopping_finishes_what_was_begun_and_takes_nothing_more(tiny_model_path: Path) -> None:
    async def test() -> None:
        async with running(tiny_model_path) as pool:
            working = asyncio.create_task(pool.run(job(large())))
            await until(lambda: pool.running == 1)
            stopping = asyncio.create_task(pool.drain(20))
            await until(lambda: pool.stopping)
            with pytest.raises(ProblemError) as refused:
                await pool.run(job())
            assert refused.value.name == "shutting-down"
            answer, _ = await working
            assert "cutout" in answer.facts
            await stopping
            assert pids() == set()

    run(test)


def test_a_damaged_model_is_said_to_be_why_nothing_starts(tiny_model_path: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.onnx"
    data = bytearray(tiny_model_path.read_bytes())
    data[len(data) // 2] ^= 1
    damaged.write_bytes(data)

    async def test() -> None:
        with pytest.raises(RuntimeError, match=r"a worker did not start: .*damaged"):
            async with running(damaged):
                pass

    run(test)


def test_a_worker_that_fails_says_how_and_is_replaced(tiny_model_path: Path) -> None:
    async def test() -> None:
        said: list[str] = []
        async with running(tiny_model_path) as pool:
            pool.log = said.append
            first = pids()
            answer, _ = await pool.run(job(unforeseen=1))
            assert answer.facts["problem"]["name"] == "worker-failed"
            await until(lambda: len(pids()) == 1 and pids().isdisjoint(first))
            assert count(pool, "cutaway_retries_total") == 0
        assert said == ["worker-failed: TypeError"]

    run(test)


def test_a_worker_that_runs_out_of_memory_says_so_and_is_replaced(tiny_model_path: Path) -> None:
    async def test() -> None:
        setup = Setup({"tiny": str(tiny_model_path)}, ("guided",), 10**9, 50_000_000, 12_000, 1, 250_000_000)
        pool = Pool(setup, PLAN, Metrics(), str)
        await pool.start()
        first = pids()
        answer, _ = await pool.run(job(encode(draw_person(6000, 6000), compress_level=1)))
        assert answer.facts["problem"]["name"] in ("too-demanding", "unreadable-image", "worker-failed")
        again, _ = await pool.run(job())
        assert "cutout" in again.facts
        assert len(pids()) == 1
        assert answer.facts["problem"]["name"] == "too-demanding"
        assert pids() != first
        await pool.drain(20)

    run(test)
