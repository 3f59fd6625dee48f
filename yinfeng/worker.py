"""The worker process: Faust with the agents of `streams` and `notifications`."""

from __future__ import annotations

import gc
import logging

import faust

from notifications import agent as notifications_agent
from schemas.settings import Settings
from streams import app as streams_app
from yinfeng.readiness import mark_ready


def run_worker(settings: Settings) -> int:
    """Run until SIGINT or SIGTERM. Returns the exit code."""
    gc.set_threshold(100_000, 50, 100)  # batches make many short-lived objects and few cycles: a fifth of the time
    settings.home.mkdir(parents=True, exist_ok=True)  # Faust makes its folder in it, but not the home itself
    app = streams_app.make_app(settings)
    facts_pour_in = streams_app.attach(app, settings, ready=mark_ready)
    notifications_agent.attach(app, settings, stand_back=facts_pour_in)
    worker = faust.Worker(app, loglevel=settings.log_level, redirect_stdouts=False, quiet=True)
    logging.getLogger("aiokafka").setLevel(logging.WARNING)
    worker.execute_from_commandline()
    return 0
