/**
 * The schema, one text per version; a version that was published is never changed. Amounts are 64-bit integers in millionths (nanos
 * for money), moments are milliseconds. Tables are STRICT: a sum that leaves 64 bits is an error, not a float.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE billfold_accounts (
    id TEXT PRIMARY KEY,
    email TEXT,
    name TEXT,
    created_at INTEGER NOT NULL,
    plan TEXT NOT NULL,
    anchor INTEGER,
    zone TEXT NOT NULL DEFAULT 'UTC',
    suspended_for TEXT,
    renews_at INTEGER,
    renewed INTEGER NOT NULL DEFAULT 0,
    currency TEXT,
    terms TEXT,
    auto_top_up TEXT,
    paid_plan TEXT,
    balance INTEGER NOT NULL,
    held INTEGER NOT NULL CHECK (held >= 0)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX billfold_accounts_renewing ON billfold_accounts (renews_at) WHERE renews_at IS NOT NULL;

  CREATE TABLE billfold_account_links (
    account_id TEXT NOT NULL,
    provider TEXT NOT NULL,
    external_id TEXT NOT NULL,
    gone INTEGER,
    PRIMARY KEY (provider, external_id)
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX billfold_account_links_by_account ON billfold_account_links (account_id, provider) WHERE gone IS NULL;
  CREATE INDEX billfold_account_links_gone ON billfold_account_links (account_id, provider) WHERE gone IS NOT NULL;

  CREATE TABLE billfold_ledger_entries (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    operation TEXT NOT NULL,
    key TEXT NOT NULL,
    dedupe BLOB NOT NULL,
    fingerprint BLOB NOT NULL,
    counter_account TEXT NOT NULL,
    amount INTEGER NOT NULL,
    balance_after INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    corrects TEXT,
    meter TEXT,
    quantity INTEGER,
    measured INTEGER,
    sparks INTEGER,
    cost_usd TEXT,
    model TEXT,
    provider TEXT,
    service_tier TEXT,
    tokens TEXT,
    dimensions TEXT,
    price_version TEXT,
    occurred_at INTEGER,
    settled_by TEXT,
    included INTEGER,
    hold_id TEXT,
    summed_by TEXT,
    burns TEXT,
    deliveries TEXT,
    result TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX billfold_ledger_entries_by_key ON billfold_ledger_entries (dedupe, account_id);
  CREATE UNIQUE INDEX billfold_ledger_entries_by_id ON billfold_ledger_entries (id, account_id);
  CREATE INDEX billfold_ledger_entries_by_cause ON billfold_ledger_entries (corrects, account_id) WHERE corrects IS NOT NULL;
  CREATE INDEX billfold_ledger_entries_by_account ON billfold_ledger_entries (account_id, seq);
  CREATE TRIGGER billfold_ledger_entries_no_update BEFORE UPDATE ON billfold_ledger_entries
    BEGIN SELECT RAISE(ABORT, 'ledger entries are never changed'); END;
  CREATE TRIGGER billfold_ledger_entries_no_delete BEFORE DELETE ON billfold_ledger_entries
    BEGIN SELECT RAISE(ABORT, 'ledger entries are never deleted'); END;

  CREATE TABLE billfold_credit_grants (
    account_id TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    origin TEXT NOT NULL,
    amount INTEGER NOT NULL,
    remaining INTEGER NOT NULL CHECK (remaining BETWEEN 0 AND amount),
    expired INTEGER NOT NULL CHECK (expired >= 0),
    priority INTEGER NOT NULL,
    expires_at INTEGER,
    granted_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    is_open INTEGER NOT NULL CHECK (is_open = (remaining > 0)),
    PRIMARY KEY (account_id, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX billfold_credit_grants_open ON billfold_credit_grants (account_id) WHERE is_open = 1;
  CREATE INDEX billfold_credit_grants_expiring ON billfold_credit_grants (expires_at, account_id) WHERE is_open = 1;

  CREATE TABLE billfold_holds (
    account_id TEXT NOT NULL,
    id TEXT NOT NULL,
    meter TEXT,
    quantity INTEGER NOT NULL,
    sparks INTEGER NOT NULL,
    allowance INTEGER NOT NULL,
    rated INTEGER NOT NULL,
    dimensions TEXT,
    budgets TEXT,
    budgeted INTEGER NOT NULL,
    status TEXT NOT NULL,
    captured INTEGER NOT NULL,
    period_starts_at INTEGER,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    key TEXT NOT NULL,
    dedupe BLOB NOT NULL,
    fingerprint BLOB NOT NULL,
    result TEXT NOT NULL,
    release_dedupe BLOB,
    release_fingerprint BLOB,
    release_result TEXT,
    PRIMARY KEY (account_id, id)
  ) STRICT;
  CREATE UNIQUE INDEX billfold_holds_by_key ON billfold_holds (dedupe, account_id);
  CREATE UNIQUE INDEX billfold_holds_by_release_key ON billfold_holds (release_dedupe, account_id) WHERE release_dedupe IS NOT NULL;
  CREATE INDEX billfold_holds_open ON billfold_holds (account_id, expires_at) WHERE status = 'open';
  CREATE INDEX billfold_holds_expiring ON billfold_holds (expires_at, account_id) WHERE status = 'open';

  CREATE TABLE billfold_counters (
    account_id TEXT NOT NULL,
    meter TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    used INTEGER NOT NULL,
    held INTEGER NOT NULL CHECK (held >= 0),
    allowance INTEGER NOT NULL,
    held_allowance INTEGER NOT NULL CHECK (held_allowance >= 0),
    rated INTEGER NOT NULL,
    overage INTEGER NOT NULL,
    carried TEXT,
    level INTEGER,
    as_of INTEGER,
    area TEXT,
    whole_ms INTEGER,
    status TEXT NOT NULL,
    throttled_attempts INTEGER NOT NULL,
    transitions INTEGER NOT NULL,
    PRIMARY KEY (account_id, meter, starts_at)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE billfold_budgets (
    account_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    limit_sparks INTEGER,
    interval TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at INTEGER,
    used INTEGER NOT NULL,
    held INTEGER NOT NULL CHECK (held >= 0),
    status TEXT NOT NULL,
    transitions INTEGER NOT NULL,
    PRIMARY KEY (account_id, scope)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE billfold_payments (
    account_id TEXT NOT NULL,
    id TEXT NOT NULL,
    grant_id TEXT,
    sparks INTEGER NOT NULL,
    paid_nanos INTEGER NOT NULL,
    facts TEXT NOT NULL,
    reversed INTEGER NOT NULL,
    PRIMARY KEY (account_id, id)
  ) STRICT, WITHOUT ROWID;

  CREATE INDEX billfold_counters_accruing ON billfold_counters (ends_at, account_id) WHERE area IS NOT NULL AND as_of < ends_at;

  CREATE TABLE billfold_level_changes (
    account_id TEXT NOT NULL,
    meter TEXT NOT NULL,
    at INTEGER NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (account_id, meter, at)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE billfold_seen_values (
    account_id TEXT NOT NULL,
    meter TEXT NOT NULL,
    value TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    PRIMARY KEY (account_id, meter, value, starts_at)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE billfold_rollups (
    account_id TEXT NOT NULL,
    dimension TEXT NOT NULL,
    day TEXT NOT NULL,
    meter TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    value TEXT NOT NULL,
    events INTEGER NOT NULL,
    quantity INTEGER NOT NULL,
    sparks INTEGER NOT NULL,
    charged INTEGER NOT NULL,
    cost_picos INTEGER NOT NULL,
    PRIMARY KEY (account_id, dimension, day, meter, provider, model, value)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE billfold_deliveries (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    account_id TEXT NOT NULL,
    destination TEXT NOT NULL,
    kind TEXT NOT NULL,
    meter TEXT,
    period_starts_at INTEGER,
    sparks INTEGER NOT NULL,
    occurred_at INTEGER NOT NULL,
    entry_ids TEXT NOT NULL,
    event_id TEXT,
    event_type TEXT,
    status TEXT NOT NULL DEFAULT 'pending',
    bundle TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    fence INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    first_attempt_at INTEGER,
    claimed_at INTEGER,
    next_attempt_at INTEGER NOT NULL,
    leased_until INTEGER NOT NULL DEFAULT 0,
    error TEXT
  ) STRICT;
  CREATE INDEX billfold_deliveries_waiting ON billfold_deliveries (destination, status, seq) WHERE status <> 'delivered';
  CREATE INDEX billfold_deliveries_together ON billfold_deliveries
    (destination, account_id, occurred_at / 60000, meter, period_starts_at, seq) WHERE kind = 'metering';

  CREATE TABLE billfold_events (
    id TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    account_id TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,
    data TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE billfold_pulled (
    source TEXT NOT NULL,
    external_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    is_marked INTEGER NOT NULL,
    PRIMARY KEY (source, external_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE billfold_pull_positions (
    source TEXT PRIMARY KEY,
    position INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE billfold_records (
    seq INTEGER PRIMARY KEY,
    owner TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    party TEXT NOT NULL,
    revision INTEGER NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (owner, id)
  ) STRICT;
  CREATE INDEX billfold_records_by_party ON billfold_records (owner, kind, party, seq);

  CREATE TABLE billfold_price_cards (
    version TEXT PRIMARY KEY,
    card TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE billfold_subscriptions (
    consumer TEXT NOT NULL,
    type TEXT NOT NULL,
    PRIMARY KEY (consumer, type)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE billfold_inbox (
    seq INTEGER PRIMARY KEY,
    provider TEXT NOT NULL,
    event_id TEXT NOT NULL,
    type TEXT NOT NULL,
    payload TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    status TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    next_attempt_at INTEGER NOT NULL,
    leased_until INTEGER NOT NULL,
    error TEXT,
    UNIQUE (provider, event_id)
  ) STRICT;
  CREATE INDEX billfold_inbox_waiting ON billfold_inbox (status, seq) WHERE status <> 'applied';

  CREATE TABLE billfold_checkout_intents (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    account_id TEXT NOT NULL,
    provider TEXT NOT NULL,
    kind TEXT NOT NULL,
    sparks INTEGER NOT NULL,
    plan TEXT,
    package TEXT,
    currency TEXT NOT NULL,
    amount_nanos INTEGER NOT NULL,
    paid_nanos INTEGER,
    success_url TEXT NOT NULL,
    cancel_url TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status TEXT NOT NULL,
    external_id TEXT,
    url TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    completed_at INTEGER,
    UNIQUE (account_id, key)
  ) STRICT;
  CREATE INDEX billfold_checkout_intents_by_fingerprint ON billfold_checkout_intents (account_id, fingerprint, seq);
  CREATE INDEX billfold_checkout_intents_by_external_id ON billfold_checkout_intents (provider, external_id);
  CREATE INDEX billfold_checkout_intents_waiting ON billfold_checkout_intents (seq) WHERE status IN ('open', 'pending');
  `,
  `
  CREATE TABLE billfold_api_keys (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    account_id TEXT NOT NULL,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    secrets TEXT NOT NULL,
    top_ups_raise_budget INTEGER NOT NULL,
    revoked_at INTEGER,
    fingerprint TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    last_used_at INTEGER
  ) STRICT;
  CREATE INDEX billfold_api_keys_by_account ON billfold_api_keys (account_id, seq);

  ALTER TABLE billfold_events ADD COLUMN stored_at INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX billfold_events_news ON billfold_events (account_id, stored_at, id);
  `,
  `
  ALTER TABLE billfold_accounts ADD COLUMN collectors TEXT;
  `,
  `
  CREATE INDEX billfold_deliveries_in_turn ON billfold_deliveries (destination, account_id, seq) WHERE status = 'pending' AND kind = 'event';
  CREATE INDEX billfold_accounts_by_email ON billfold_accounts (lower(email), id) WHERE email IS NOT NULL;
  `,
]
