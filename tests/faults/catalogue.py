"""What can go wrong with what we run on, and the test that tries it, or why there is none.

The numbers are those of the survey that the list began with, so that a report can name one.
"""

from __future__ import annotations

from dataclasses import dataclass

MATRIX = "tests/faults/test_matrix.py::test_nothing_is_lost_doubled_or_sent_twice"
POSITION = "tests/integration/test_position.py::"
RELAY = "tests/integration/test_relay.py::"
SILENCE = "tests/integration/test_silence.py::"
SUPERVISOR = "tests/integration/test_supervisor.py::"
APPLIER = "tests/integration/test_applier.py::"
EXHAUSTED = "tests/faults/test_exhausted.py::"
UPGRADE = "tests/integration/test_upgrade.py::"


@dataclass(frozen=True)
class Fault:
    """`test` is a test's id without parameters; where there is none, `why` says so."""

    words: str
    test: str = ""
    why: str = ""


FAULTS: dict[int, Fault] = {
    1: Fault("a worker is killed within a batch", MATRIX),
    2: Fault(
        "a worker is stopped in order within a batch",
        POSITION + "test_a_worker_stopped_in_order_within_a_batch_loses_nothing",
    ),
    3: Fault("a worker is paused within its transaction", MATRIX),
    4: Fault("a bug or a lack of memory within a batch", APPLIER + "test_what_is_no_fault_of_a_record_buries_none"),
    5: Fault("a relay is killed between delivering and noting it", MATRIX),
    6: Fault(
        "the leading relay is paused",
        RELAY + "test_another_relay_takes_over_from_one_that_stands_still_which_then_does_no_harm",
    ),
    7: Fault("the web app is killed between commit and answer", MATRIX),
    8: Fault("the supervisor is killed", SUPERVISOR + "test_children_of_a_killed_supervisor_are_ended_by_the_next"),
    9: Fault("a process has no memory left", APPLIER + "test_what_is_no_fault_of_a_record_buries_none"),
    10: Fault("Postgres crashes and recovers", MATRIX),
    11: Fault(
        "connections are cut within a batch",
        "tests/integration/test_worker.py::test_a_database_that_is_away_is_waited_for_and_nothing_is_lost",
    ),
    12: Fault("Postgres is silent", SILENCE + "test_while_postgres_is_silent_a_post_is_answered_and_later_all_goes_on"),
    13: Fault("no connection to Postgres is left", EXHAUSTED + "test_no_connection_to_postgres_is_left"),
    14: Fault("Postgres' own disk is full", EXHAUSTED + "test_postgres_own_disk_is_full"),
    15: Fault(
        "the disk is full under logs and state",
        SUPERVISOR + "test_a_full_disk_stops_no_supervisor_and_leaves_no_orphan",
    ),
    16: Fault("the power fails", why="no power to cut here; `yinfeng prepare` says what the servers promise"),
    17: Fault(
        "Postgres fails over to a replica that lags",
        "tests/faults/test_failover.py::test_a_replica_that_lags_takes_over",
    ),
    18: Fault("an older copy of the database is restored", "tests/faults/test_restore.py::test_an_older_copy_restored"),
    19: Fault("a long snapshot beside the load", why="a matter of speed, for the benchmarks"),
    20: Fault("PgBouncer lies between", "tests/faults/test_pgbouncer.py::test_pooling_by_transaction_is_refused"),
    21: Fault("a lock is never had", SILENCE + "test_what_takes_too_long_is_told_by_its_kind"),
    22: Fault("a statement takes longer than it may", APPLIER + "test_a_batch_that_takes_too_long_is_halved"),
    23: Fault(
        "the broker comes back without its log", POSITION + "test_a_topic_that_was_made_anew_is_read_from_its_start"
    ),
    24: Fault("the broker is restarted on its data", MATRIX),
    25: Fault("the broker is silent", MATRIX),
    26: Fault("partitions are added", "tests/faults/test_partitions.py::test_partitions_are_added_while_facts_come"),
    27: Fault(
        "workers come and go",
        "tests/integration/test_scaled.py::test_two_workers_share_the_partitions_and_one_inherits_from_the_other",
    ),
    28: Fault("the group's offsets are reset", POSITION + "test_what_the_group_committed_is_no_matter"),
    29: Fault("retention passed unread records", POSITION + "test_what_the_log_dropped_unread_is_told"),
    30: Fault(
        "a batch waits longer than the group's patience",
        POSITION + "test_a_wait_that_outlasts_the_groups_session_costs_nothing",
    ),
    31: Fault(
        "Kafka refuses a record for good",
        RELAY + "test_a_fact_that_kafka_never_takes_is_set_aside_and_the_others_go_on",
    ),
    32: Fault("odd headers", POSITION + "test_no_header_stops_a_worker_and_its_neighbours_are_applied"),
    33: Fault("odd bodies", "tests/unit/test_reading.py::test_any_record_is_a_fact_or_a_dead_letter"),
    34: Fault(
        "duplicates, other orders, replays",
        "tests/integration/test_apply_worlds.py::test_a_world_over_http_published_twice",
    ),
    35: Fault("a forged number", APPLIER + "test_a_record_that_names_a_fact_which_waits_here_leaves_it_alone"),
    36: Fault(
        "a fact of a type that only a later version knows",
        APPLIER + "test_a_fact_of_a_type_that_only_a_later_version_knows_is_left_waiting",
    ),
    37: Fault(
        "a migration while others hold tables",
        "tests/integration/test_setup.py::test_a_table_that_somebody_holds_is_waited_for_without_holding_up_those_behind",
    ),
    38: Fault("a provider accepts and hangs up", "tests/contract/test_channels.py::"),
    39: Fault("a provider asks for patience", "tests/contract/test_channels.py::"),
    40: Fault("a provider's name or certificate is gone", "tests/contract/test_channels.py::"),
    41: Fault(
        "a sender is killed", "tests/e2e/test_sending_kills.py::test_no_message_is_sent_twice_or_lost_whatever_dies"
    ),
    42: Fault("a mail server hangs up within a mail", "tests/contract/test_smtp.py::"),
    43: Fault(
        "the clock is set", why="clocks are handed in and moved in the tests of each rule; no process's own is set"
    ),
    44: Fault("summer time begins", "tests/unit/test_calendar.py::"),
    45: Fault("readers of the stream don't read", "tests/unit/test_live.py::"),
    46: Fault("huge bodies", "tests/integration/test_events_http.py::"),
    47: Fault("no file descriptor is left", EXHAUSTED + "test_no_file_descriptor_is_left"),
}
