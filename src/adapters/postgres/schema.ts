const anyVersion = '(random() * 4611686018427387904)::bigint'

/** The tables whose rows the store keeps in mind, beside the accounts themselves. */
const remembered = ['credit_grants', 'holds', 'counters', 'budgets']

/** The triggers by table that change the version of an account whose rows somebody changes by hand. */
export const versionTriggers: Readonly<Record<string, readonly string[]>> = {
  accounts: ['accounts_version'],
  ...Object.fromEntries(remembered.map((name) => [name, [`${name}_version`, `${name}_truncated`]])),
}

/** What the store has in mind of an account is right as long as its version is the same. The ledger writes that by itself. */
function guardVersions(schema: string): string {
  const isByHand = "current_setting('billfold.writer', true) IS DISTINCT FROM 'ledger'"
  const triggers = remembered.map(
    (name) => `
  CREATE TRIGGER ${name}_version AFTER INSERT OR UPDATE OR DELETE ON ${schema}.${name}
    FOR EACH ROW WHEN (${isByHand}) EXECUTE FUNCTION ${schema}.change_version();
  CREATE TRIGGER ${name}_truncated AFTER TRUNCATE ON ${schema}.${name}
    FOR EACH STATEMENT EXECUTE FUNCTION ${schema}.change_version();`,
  )
  return `
  CREATE FUNCTION ${schema}.change_version() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'TRUNCATE' THEN UPDATE ${schema}.accounts SET version = ${anyVersion};
      ELSIF TG_TABLE_NAME = 'accounts' THEN UPDATE ${schema}.accounts SET version = ${anyVersion} WHERE id = NEW.id;
      ELSE UPDATE ${schema}.accounts SET version = ${anyVersion} WHERE id IN (OLD.account_id, NEW.account_id);
      END IF;
      RETURN NULL;
    END $$;
  CREATE TRIGGER accounts_version AFTER UPDATE ON ${schema}.accounts
    FOR EACH ROW WHEN (OLD.version = NEW.version) EXECUTE FUNCTION ${schema}.change_version();
  ${triggers.join('')}
  `
}

/**
 * The schema, one text per version; a version that was published is never changed. Amounts are 64-bit integers in millionths (nanos
 * for money), moments are milliseconds.
 */
export const migrations: readonly ((schema: string) => string)[] = [
  (schema) => `
  CREATE TABLE ${schema}.accounts (
    id text PRIMARY KEY,
    email text,
    name text,
    created_at bigint NOT NULL,
    plan text NOT NULL,
    anchor bigint,
    zone text NOT NULL DEFAULT 'UTC',
    suspended_for text,
    renews_at bigint,
    renewed bigint NOT NULL DEFAULT 0,
    currency text,
    terms text,
    auto_top_up text,
    paid_plan text,
    balance bigint NOT NULL,
    held bigint NOT NULL CHECK (held >= 0),
    -- Another one after each change of the account or of its grants, holds, counters and budgets; never one that was there before.
    version bigint NOT NULL DEFAULT ${anyVersion}
  ) WITH (fillfactor = 50);
  CREATE INDEX accounts_renewing ON ${schema}.accounts (renews_at) WHERE renews_at IS NOT NULL;

  CREATE TABLE ${schema}.account_links (
    account_id text NOT NULL,
    provider text NOT NULL,
    external_id text NOT NULL,
    gone bigint,
    PRIMARY KEY (provider, external_id)
  );
  CREATE UNIQUE INDEX account_links_by_account ON ${schema}.account_links (account_id, provider) WHERE gone IS NULL;
  CREATE INDEX account_links_gone ON ${schema}.account_links (account_id, provider) WHERE gone IS NOT NULL;

  CREATE TABLE ${schema}.ledger_entries (
    seq bigint GENERATED ALWAYS AS IDENTITY,
    id text NOT NULL,
    account_id text NOT NULL,
    operation text NOT NULL,
    key text NOT NULL,
    dedupe uuid NOT NULL,
    fingerprint uuid NOT NULL,
    counter_account text NOT NULL,
    amount bigint NOT NULL,
    balance_after bigint NOT NULL,
    recorded_at bigint NOT NULL,
    reason text NOT NULL,
    corrects text,
    meter text,
    quantity bigint,
    measured bigint,
    sparks bigint,
    cost_usd text,
    model text,
    provider text,
    service_tier text,
    tokens text,
    dimensions text,
    price_version text,
    occurred_at bigint,
    settled_by text,
    included bigint,
    hold_id text,
    summed_by text,
    burns text,
    deliveries text,
    result text NOT NULL,
    PRIMARY KEY (dedupe, account_id)
  );
  CREATE INDEX ledger_entries_by_cause ON ${schema}.ledger_entries (corrects, account_id) WHERE corrects IS NOT NULL;
  CREATE UNIQUE INDEX ledger_entries_by_id ON ${schema}.ledger_entries (id, account_id);
  -- On an expression: a plain "account_id =" beside a key must never be answered by walking an account's rows.
  CREATE INDEX ledger_entries_by_account ON ${schema}.ledger_entries ((account_id || ''), seq);
  CREATE FUNCTION ${schema}.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'ledger entries are never changed or deleted'; END $$;
  CREATE TRIGGER ledger_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ${schema}.ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION ${schema}.refuse_change();

  CREATE TABLE ${schema}.credit_grants (
    account_id text NOT NULL,
    id text NOT NULL,
    kind text NOT NULL,
    origin text NOT NULL,
    amount bigint NOT NULL,
    remaining bigint NOT NULL CHECK (remaining BETWEEN 0 AND amount),
    expired bigint NOT NULL CHECK (expired >= 0),
    priority bigint NOT NULL,
    expires_at bigint,
    granted_at bigint NOT NULL,
    reason text NOT NULL,
    -- For the indexes: one on what is left would be written anew by every debit.
    is_open boolean NOT NULL GENERATED ALWAYS AS (remaining > 0) STORED,
    PRIMARY KEY (account_id, id)
  ) WITH (fillfactor = 50);
  CREATE INDEX credit_grants_open ON ${schema}.credit_grants (account_id) WHERE is_open;
  CREATE INDEX credit_grants_expiring ON ${schema}.credit_grants (expires_at, account_id) WHERE is_open;

  CREATE TABLE ${schema}.holds (
    account_id text NOT NULL,
    id text NOT NULL,
    meter text,
    quantity bigint NOT NULL,
    sparks bigint NOT NULL,
    allowance bigint NOT NULL,
    rated bigint NOT NULL,
    dimensions text,
    budgets text,
    budgeted bigint NOT NULL,
    status text NOT NULL,
    captured bigint NOT NULL,
    period_starts_at bigint,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    reason text NOT NULL,
    key text NOT NULL,
    dedupe uuid NOT NULL,
    fingerprint uuid NOT NULL,
    result text NOT NULL,
    release_dedupe uuid,
    release_fingerprint uuid,
    release_result text,
    PRIMARY KEY (account_id, id)
  );
  CREATE UNIQUE INDEX holds_by_key ON ${schema}.holds (dedupe, account_id);
  CREATE UNIQUE INDEX holds_by_release_key ON ${schema}.holds (release_dedupe, account_id) WHERE release_dedupe IS NOT NULL;
  CREATE INDEX holds_open ON ${schema}.holds (account_id, expires_at) WHERE status = 'open';
  CREATE INDEX holds_expiring ON ${schema}.holds (expires_at, account_id) WHERE status = 'open';

  CREATE TABLE ${schema}.counters (
    account_id text NOT NULL,
    meter text NOT NULL,
    starts_at bigint NOT NULL,
    ends_at bigint NOT NULL,
    used bigint NOT NULL,
    held bigint NOT NULL CHECK (held >= 0),
    allowance bigint NOT NULL,
    held_allowance bigint NOT NULL CHECK (held_allowance >= 0),
    rated bigint NOT NULL,
    overage bigint NOT NULL,
    carried text,
    level bigint,
    as_of bigint,
    area text,
    whole_ms bigint,
    status text NOT NULL,
    throttled_attempts bigint NOT NULL,
    transitions bigint NOT NULL,
    is_accruing boolean NOT NULL GENERATED ALWAYS AS (coalesce(as_of < ends_at, false) AND area IS NOT NULL) STORED,
    PRIMARY KEY (account_id, meter, starts_at)
  ) WITH (fillfactor = 50);
  CREATE INDEX counters_accruing ON ${schema}.counters (ends_at, account_id) WHERE is_accruing;

  CREATE TABLE ${schema}.budgets (
    account_id text NOT NULL,
    scope text NOT NULL,
    limit_sparks bigint,
    interval text NOT NULL,
    starts_at bigint NOT NULL,
    ends_at bigint,
    used bigint NOT NULL,
    held bigint NOT NULL CHECK (held >= 0),
    status text NOT NULL,
    transitions bigint NOT NULL,
    PRIMARY KEY (account_id, scope)
  ) WITH (fillfactor = 50);

  CREATE TABLE ${schema}.payments (
    account_id text NOT NULL,
    id text NOT NULL,
    grant_id text,
    sparks bigint NOT NULL,
    paid_nanos bigint NOT NULL,
    facts text NOT NULL,
    reversed bigint NOT NULL,
    PRIMARY KEY (account_id, id)
  ) WITH (fillfactor = 50);

  CREATE TABLE ${schema}.level_changes (
    account_id text NOT NULL,
    meter text NOT NULL,
    at bigint NOT NULL,
    value bigint NOT NULL,
    PRIMARY KEY (account_id, meter, at)
  );

  CREATE TABLE ${schema}.seen_values (
    account_id text NOT NULL,
    meter text NOT NULL,
    value text NOT NULL,
    starts_at bigint NOT NULL,
    PRIMARY KEY (account_id, meter, value, starts_at)
  );

  CREATE TABLE ${schema}.rollups (
    account_id text NOT NULL,
    dimension text NOT NULL,
    day text NOT NULL,
    meter text NOT NULL,
    provider text NOT NULL,
    model text NOT NULL,
    value text NOT NULL,
    events bigint NOT NULL,
    quantity bigint NOT NULL,
    sparks bigint NOT NULL,
    charged bigint NOT NULL,
    cost_picos bigint NOT NULL,
    PRIMARY KEY (account_id, dimension, day, meter, provider, model, value)
  ) WITH (fillfactor = 50);

  CREATE TABLE ${schema}.deliveries (
    seq bigint GENERATED ALWAYS AS IDENTITY,
    id text PRIMARY KEY,
    account_id text NOT NULL,
    destination text NOT NULL,
    kind text NOT NULL,
    meter text,
    period_starts_at bigint,
    sparks bigint NOT NULL,
    occurred_at bigint NOT NULL,
    entry_ids text NOT NULL,
    event_id text,
    event_type text,
    status text NOT NULL DEFAULT 'pending',
    bundle text,
    attempts bigint NOT NULL DEFAULT 0,
    fence bigint NOT NULL DEFAULT 0,
    created_at bigint NOT NULL,
    first_attempt_at bigint,
    claimed_at bigint,
    next_attempt_at bigint NOT NULL,
    leased_until bigint NOT NULL DEFAULT 0,
    error text
  ) WITH (fillfactor = 50);
  CREATE INDEX deliveries_waiting ON ${schema}.deliveries (destination, status, seq) WHERE status <> 'delivered';
  CREATE INDEX deliveries_together ON ${schema}.deliveries
    (destination, account_id, (occurred_at / 60000), meter, period_starts_at, seq) WHERE kind = 'metering';

  CREATE TABLE ${schema}.events (
    id text PRIMARY KEY,
    type text NOT NULL,
    account_id text NOT NULL,
    occurred_at bigint NOT NULL,
    data text NOT NULL
  );

  CREATE TABLE ${schema}.pulled (
    source text NOT NULL,
    external_id text NOT NULL,
    account_id text NOT NULL,
    is_marked bigint NOT NULL,
    PRIMARY KEY (source, external_id)
  );

  CREATE TABLE ${schema}.pull_positions (
    source text PRIMARY KEY,
    position bigint NOT NULL
  );

  CREATE TABLE ${schema}.records (
    seq bigint GENERATED ALWAYS AS IDENTITY,
    owner text NOT NULL,
    id text NOT NULL,
    kind text NOT NULL,
    party text NOT NULL,
    revision bigint NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (owner, id)
  );
  CREATE INDEX records_by_party ON ${schema}.records (owner, kind, party, seq);

  CREATE TABLE ${schema}.price_cards (
    version text PRIMARY KEY,
    card text NOT NULL
  );

  CREATE TABLE ${schema}.subscriptions (
    consumer text NOT NULL,
    type text NOT NULL,
    PRIMARY KEY (consumer, type)
  );

  CREATE TABLE ${schema}.inbox (
    seq bigint GENERATED ALWAYS AS IDENTITY,
    provider text NOT NULL,
    event_id text NOT NULL,
    type text NOT NULL,
    payload text NOT NULL,
    received_at bigint NOT NULL,
    status text NOT NULL,
    attempts bigint NOT NULL,
    fence bigint NOT NULL,
    next_attempt_at bigint NOT NULL,
    leased_until bigint NOT NULL,
    error text,
    PRIMARY KEY (provider, event_id)
  );
  CREATE INDEX inbox_waiting ON ${schema}.inbox (status, seq) WHERE status <> 'applied';

  CREATE TABLE ${schema}.checkout_intents (
    seq bigint GENERATED ALWAYS AS IDENTITY,
    id text PRIMARY KEY,
    account_id text NOT NULL,
    provider text NOT NULL,
    kind text NOT NULL,
    sparks bigint NOT NULL,
    plan text,
    package text,
    currency text NOT NULL,
    amount_nanos bigint NOT NULL,
    paid_nanos bigint,
    success_url text NOT NULL,
    cancel_url text NOT NULL,
    key text NOT NULL,
    fingerprint text NOT NULL,
    status text NOT NULL,
    external_id text,
    url text,
    created_at bigint NOT NULL,
    expires_at bigint,
    completed_at bigint,
    UNIQUE (account_id, key)
  );
  CREATE INDEX checkout_intents_by_fingerprint ON ${schema}.checkout_intents (account_id, fingerprint, seq);
  CREATE INDEX checkout_intents_by_external_id ON ${schema}.checkout_intents (provider, external_id);
  CREATE INDEX checkout_intents_waiting ON ${schema}.checkout_intents (seq) WHERE status IN ('open', 'pending');
  ${guardVersions(schema)}
  `,
  (schema) => `
  CREATE TABLE ${schema}.api_keys (
    seq bigint GENERATED ALWAYS AS IDENTITY,
    id text PRIMARY KEY,
    account_id text NOT NULL,
    name text NOT NULL,
    scopes text NOT NULL,
    secrets text NOT NULL,
    top_ups_raise_budget bigint NOT NULL,
    revoked_at bigint,
    fingerprint text NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint,
    last_used_at bigint
  );
  CREATE INDEX api_keys_by_account ON ${schema}.api_keys (account_id, seq);

  ALTER TABLE ${schema}.events ADD COLUMN stored_at bigint NOT NULL DEFAULT 0;
  CREATE INDEX events_news ON ${schema}.events (account_id, stored_at, id);
  `,
  (schema) => `
  ALTER TABLE ${schema}.accounts ADD COLUMN collectors text;
  `,
  (schema) => `
  CREATE INDEX deliveries_in_turn ON ${schema}.deliveries (destination, account_id, seq) WHERE status = 'pending' AND kind = 'event';
  CREATE INDEX accounts_by_email ON ${schema}.accounts (lower(email), id) WHERE email IS NOT NULL;
  `,
]
