-- The tables as they were before there were migrations.

CREATE SEQUENCE revisions;

CREATE TABLE facts (
    seq BIGINT GENERATED ALWAYS AS IDENTITY,
    source VARCHAR NOT NULL,
    id VARCHAR NOT NULL,
    type VARCHAR NOT NULL,
    campaign VARCHAR NOT NULL,
    candidate VARCHAR,
    time TIMESTAMP WITH TIME ZONE NOT NULL,
    event JSONB NOT NULL,
    posted_by VARCHAR,
    received_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (seq)
);

CREATE UNIQUE INDEX facts_identity ON facts (source, id);

CREATE INDEX facts_subject ON facts (campaign, candidate, seq);

CREATE TABLE pending (
    seq BIGINT NOT NULL,
    published_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (seq)
);

CREATE INDEX pending_unpublished ON pending (seq) WHERE published_at IS NULL;

CREATE TABLE retractions (
    campaign VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    id VARCHAR NOT NULL,
    PRIMARY KEY (campaign, source, id)
);

CREATE TABLE journeys (
    campaign VARCHAR NOT NULL,
    candidate VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    state BYTEA NOT NULL,
    name VARCHAR,
    standing JSONB NOT NULL,
    employers VARCHAR[] NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (campaign, candidate)
);

CREATE TABLE campaigns (
    campaign VARCHAR NOT NULL,
    title VARCHAR NOT NULL,
    organizer VARCHAR NOT NULL,
    kind VARCHAR,
    starts_on DATE NOT NULL,
    ends_on DATE NOT NULL,
    timezone VARCHAR NOT NULL,
    locale VARCHAR NOT NULL,
    closed BOOLEAN NOT NULL,
    PRIMARY KEY (campaign)
);

CREATE TABLE targets (
    campaign VARCHAR NOT NULL,
    target VARCHAR NOT NULL,
    title VARCHAR NOT NULL,
    measure VARCHAR NOT NULL,
    goal NUMERIC DEFAULT 0 NOT NULL,
    due_on DATE NOT NULL,
    "where" JSONB NOT NULL,
    progress NUMERIC DEFAULT 0 NOT NULL,
    as_of TIMESTAMP WITH TIME ZONE,
    revision BIGINT DEFAULT nextval('revisions') NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (campaign, target)
);

CREATE INDEX targets_revision ON targets (revision);

CREATE TABLE target_days (
    campaign VARCHAR NOT NULL,
    target VARCHAR NOT NULL,
    day DATE NOT NULL,
    amount NUMERIC DEFAULT 0 NOT NULL,
    PRIMARY KEY (campaign, target, day)
);

CREATE TABLE milestones (
    campaign VARCHAR NOT NULL,
    target VARCHAR NOT NULL,
    goal NUMERIC NOT NULL,
    percent INTEGER NOT NULL,
    reached_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (campaign, target, goal, percent)
);

CREATE TABLE fairs (
    campaign VARCHAR NOT NULL,
    fair VARCHAR NOT NULL,
    title VARCHAR NOT NULL,
    mode VARCHAR NOT NULL,
    starts_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
    venue VARCHAR,
    city VARCHAR,
    url VARCHAR,
    capacity INTEGER,
    employers JSONB,
    cost NUMERIC,
    cancelled BOOLEAN NOT NULL,
    reason VARCHAR,
    changes INTEGER DEFAULT 0 NOT NULL,
    PRIMARY KEY (campaign, fair)
);

CREATE INDEX fairs_ends_at ON fairs (ends_at);

CREATE TABLE openings (
    campaign VARCHAR NOT NULL,
    opening VARCHAR NOT NULL,
    employer VARCHAR NOT NULL,
    position VARCHAR NOT NULL,
    seats INTEGER NOT NULL,
    PRIMARY KEY (campaign, opening)
);

CREATE TABLE dead_letters (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    topic VARCHAR NOT NULL,
    partition INTEGER NOT NULL,
    "offset" BIGINT NOT NULL,
    digest BYTEA NOT NULL,
    key BYTEA,
    value BYTEA NOT NULL,
    headers JSONB NOT NULL,
    reason VARCHAR NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX dead_letters_place ON dead_letters (topic, partition, "offset", digest);

CREATE TABLE keys (
    key VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    role VARCHAR NOT NULL,
    employer VARCHAR,
    hash BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (key)
);

CREATE TABLE messages (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    dedupe_key VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    campaign VARCHAR NOT NULL,
    candidate VARCHAR,
    params JSONB NOT NULL,
    source VARCHAR,
    fact VARCHAR,
    status VARCHAR DEFAULT 'requested' NOT NULL,
    reason VARCHAR,
    channel VARCHAR,
    recipient VARCHAR,
    locale VARCHAR,
    subject VARCHAR,
    attempts INTEGER DEFAULT 0 NOT NULL,
    owner VARCHAR,
    lease_until TIMESTAMP WITH TIME ZONE,
    not_before TIMESTAMP WITH TIME ZONE,
    requested_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    sent_at TIMESTAMP WITH TIME ZONE,
    forgotten BOOLEAN DEFAULT false NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX messages_requested ON messages (coalesce(not_before, requested_at), id) WHERE status = 'requested';

CREATE UNIQUE INDEX messages_dedupe ON messages (dedupe_key);

CREATE INDEX messages_to_hr ON messages (campaign, sent_at) WHERE kind IN ('milestone', 'target_reached', 'target_at_risk', 'daily_digest', 'offer_answered', 'offer_bounced', 'channel_refused', 'template_test');

CREATE INDEX messages_claimed ON messages (lease_until) WHERE status = 'claimed';

CREATE INDEX messages_subject ON messages (campaign, candidate);

CREATE INDEX messages_status ON messages (status, id);

CREATE INDEX messages_resting ON messages (id) WHERE status = 'held' AND starts_with(reason, 'its channel rests');

CREATE INDEX messages_recipient ON messages (lower(recipient)) WHERE NOT forgotten;

CREATE TABLE fair_notices (
    campaign VARCHAR NOT NULL,
    fair VARCHAR NOT NULL,
    told JSONB NOT NULL,
    reminded VARCHAR[] NOT NULL,
    PRIMARY KEY (campaign, fair)
);

CREATE TABLE mails (
    message BIGINT NOT NULL,
    html VARCHAR NOT NULL,
    text VARCHAR NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (message)
);

CREATE TABLE mail_attachments (
    message BIGINT NOT NULL,
    name VARCHAR NOT NULL,
    content_type VARCHAR NOT NULL,
    content_id VARCHAR,
    data BYTEA NOT NULL,
    PRIMARY KEY (message, name)
);

CREATE TABLE message_attempts (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    message BIGINT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    status VARCHAR NOT NULL,
    detail VARCHAR,
    PRIMARY KEY (id)
);

CREATE INDEX message_attempts_message ON message_attempts (message, id);

CREATE TABLE suppressions (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    address VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    about VARCHAR DEFAULT '' NOT NULL,
    message BIGINT,
    detail VARCHAR,
    since TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    lifted_at TIMESTAMP WITH TIME ZONE,
    lifted_by VARCHAR,
    lifted_reason VARCHAR,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX suppressions_address ON suppressions (address, kind, about) WHERE lifted_at IS NULL;

CREATE INDEX suppressions_message ON suppressions (message);

CREATE TABLE template_versions (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    campaign VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    locale VARCHAR NOT NULL,
    subject VARCHAR,
    content VARCHAR,
    footer VARCHAR,
    by VARCHAR NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX template_versions_latest ON template_versions (campaign, kind, locale, id);

CREATE TABLE kind_switches (
    campaign VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    "off" BOOLEAN NOT NULL,
    by VARCHAR NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (campaign, kind)
);

CREATE TABLE provider_events (
    event VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    message BIGINT,
    finding VARCHAR NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (event)
);

CREATE UNIQUE INDEX provider_events_fingerprint ON provider_events (fingerprint);

CREATE INDEX provider_events_received ON provider_events (received_at);

CREATE TABLE secrets (
    name VARCHAR NOT NULL,
    value BYTEA NOT NULL,
    PRIMARY KEY (name)
);

CREATE TABLE places (
    campaign VARCHAR NOT NULL,
    fair VARCHAR NOT NULL,
    candidate VARCHAR NOT NULL,
    seq BIGINT GENERATED ALWAYS AS IDENTITY,
    waiting BOOLEAN NOT NULL,
    PRIMARY KEY (campaign, fair, candidate)
);

CREATE INDEX places_waiting ON places (campaign, fair) WHERE waiting;

CREATE UNIQUE INDEX places_seq ON places (seq);
