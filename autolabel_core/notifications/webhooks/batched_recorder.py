"""Records delivery attempts in batches, so that one commit serves many."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from autolabel_core.ledger import Delivery, Ledger


class Recorder:
    """Appends deliveries in the background; `record` returns when the row is committed."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._waiting: list[tuple[Delivery, asyncio.Future[None]]] = []
        self._wake = asyncio.Event()
        self._closing = False

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._write())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing = True
        self._wake.set()
        await self._task

    async def record(self, delivery: Delivery) -> None:
        """Append a row, and wait until it is committed."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((delivery, done))
        self._wake.set()
        await done

    async def _write(self) -> None:
        while not self._closing or self._waiting:
            await self._wake.wait()
            self._wake.clear()
            batch, self._waiting = self._waiting, []
            try:
                rows = [delivery for delivery, _ in batch]
                await asyncio.to_thread(self._ledger.append_deliveries, rows)
            except Exception as error:  # noqa: BLE001 - handed to each that waits for its row
                _tell(batch, error)
            else:
                _tell(batch, None)


def _tell(batch: list[tuple[Delivery, asyncio.Future[None]]], error: Exception | None) -> None:
    for _, done in batch:
        if done.cancelled():
            continue
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)
