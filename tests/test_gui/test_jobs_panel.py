"""Cards of jobs, given what a server says, in whatever order it comes."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PyQt6.QtWidgets import QApplication

from bridge.protocol.messages import JobReply
from bridge.protocol.values import CANCELLED, DONE, QUEUED, RUNNING, Job, WirePrompt
from gui.link.jobs import JobBook
from gui.panels.jobs import JobsPanel

from .conftest import until

JOB = Job("j1", "c1", WirePrompt("dog"), state=RUNNING, created_s=1.0, attempt=1)


@pytest.fixture
def book() -> JobBook:
    return JobBook()


@pytest.fixture
def panel(qt: QApplication, book: JobBook) -> Iterator[JobsPanel]:
    made = JobsPanel(book)
    made.set_clip("c1")
    made.show()
    yield made
    made.close()


def test_a_job_can_be_cancelled_as_soon_as_the_book_knows_it(
    panel: JobsPanel, book: JobBook
) -> None:
    """Not a turn of Qt's later, when its layout would show it by itself."""
    book.on_event("job.started", JobReply(JOB))
    card = panel.card("j1")
    assert card is not None
    assert card.cancel.isVisible()
    assert not card.retry.isVisible()


def test_an_answer_that_comes_late_does_not_turn_a_job_back(
    panel: JobsPanel, book: JobBook
) -> None:
    """The reply to a submission may arrive after the event that the job runs."""
    book.on_event("job.started", JobReply(JOB))
    book.take_in([replace(JOB, state=QUEUED, attempt=0)])
    assert book.job("j1") == JOB
    requeued = replace(JOB, state=QUEUED)
    book.take_in([requeued])
    assert book.job("j1") == requeued
    book.on_event("job.cancelled", JobReply(replace(JOB, state=CANCELLED)))
    book.take_in([JOB])
    card = panel.card("j1")
    assert card is not None
    assert card.state.text() == "cancelled"
    assert card.retry.isVisible()
    assert not card.cancel.isVisible()


def test_cards_keep_the_order_of_their_jobs_when_an_older_one_becomes_known(
    panel: JobsPanel, book: JobBook
) -> None:
    jobs = [replace(JOB, job_id=f"j{n}", created_s=float(n), state=DONE) for n in (3, 1, 2)]
    for n_known in (1, 2, 3):
        book.take_in(jobs[:n_known])
    cards = [panel.card(name) for name in ("j3", "j2", "j1")]

    def tops() -> list[int]:
        return [card.geometry().top() for card in cards if card is not None]

    until(lambda: len(set(tops())) == 3, "they are laid out")
    assert tops() == sorted(tops())
