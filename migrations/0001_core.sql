-- What server/core needs: idempotency, audit chains and seals, outbox.
-- A statement ends with ";" at the end of a line and is one recorded step. Times are milliseconds UTC.

-- The first answer to a mutating call, for its repeats (core/tx.h). The response is encrypted.
CREATE TABLE IF NOT EXISTS idempotency (
    caller VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    method VARCHAR(120) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    request_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    digest BINARY(32) NOT NULL,
    response MEDIUMBLOB NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (caller, method, request_id),
    KEY idempotency_created (created_ms)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Who writes audit chains: one row per connection (core/audit.h).
CREATE TABLE IF NOT EXISTS audit_writer (
    writer CHAR(30) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    process VARCHAR(160) NOT NULL,
    started_ms BIGINT NOT NULL,
    PRIMARY KEY (writer)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS audit (
    writer CHAR(30) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    seq BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    caller_kind TINYINT NOT NULL,
    caller VARCHAR(40) NOT NULL,
    session VARCHAR(40) NOT NULL,
    request VARCHAR(40) NOT NULL,
    method VARCHAR(120) NOT NULL,
    action VARCHAR(60) NOT NULL,
    object VARCHAR(64) NOT NULL,
    version BIGINT NOT NULL,
    detail TEXT NULL,
    prev BINARY(32) NOT NULL,
    hash BINARY(32) NOT NULL,
    PRIMARY KEY (writer, seq),
    KEY audit_object (object, at_ms),
    KEY audit_at (at_ms)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- heads: lines "writer seq hash"; the signature covers the line of number, time, previous digest, and heads.
CREATE TABLE IF NOT EXISTS audit_seal (
    number BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    prev BINARY(32) NOT NULL,
    heads MEDIUMTEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    digest BINARY(32) NOT NULL,
    signature VARBINARY(128) NOT NULL,
    PRIMARY KEY (number)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TRIGGER IF NOT EXISTS audit_keeps_rows BEFORE UPDATE ON audit FOR EACH ROW
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'audit rows are never changed';
CREATE TRIGGER IF NOT EXISTS audit_keeps_all BEFORE DELETE ON audit FOR EACH ROW
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'audit rows are never deleted';
CREATE TRIGGER IF NOT EXISTS audit_seal_keeps_rows BEFORE UPDATE ON audit_seal FOR EACH ROW
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'audit seals are never changed';
CREATE TRIGGER IF NOT EXISTS audit_seal_keeps_all BEFORE DELETE ON audit_seal FOR EACH ROW
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'audit seals are never deleted';
CREATE TRIGGER IF NOT EXISTS audit_writer_keeps_rows BEFORE UPDATE ON audit_writer FOR EACH ROW
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'audit writers are never changed';
CREATE TRIGGER IF NOT EXISTS audit_writer_keeps_all BEFORE DELETE ON audit_writer FOR EACH ROW
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'audit writers are never deleted';

-- Processes whose workers claim jobs: how a restart recognises what its predecessor left (core/outbox.h).
CREATE TABLE IF NOT EXISTS outbox_owner (
    owner CHAR(30) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    host VARCHAR(120) NOT NULL,
    pid BIGINT NOT NULL,
    started BIGINT NOT NULL,
    PRIMARY KEY (owner)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- state: 1 WAITING, 2 RUNNING, 3 DONE, 4 FAILED, 5 EXHAUSTED. run_at_ms is on the server program's clock,
-- lease_until_ms on the database's.
CREATE TABLE IF NOT EXISTS outbox (
    id CHAR(30) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    kind VARCHAR(60) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    dedupe VARCHAR(160) NULL,
    object VARCHAR(64) NOT NULL,
    payload MEDIUMBLOB NOT NULL,
    state TINYINT NOT NULL,
    attempt INT NOT NULL,
    doubtful TINYINT NOT NULL,
    fence BIGINT NOT NULL,
    owner CHAR(30) CHARACTER SET ascii COLLATE ascii_bin NULL,
    run_at_ms BIGINT NOT NULL,
    lease_until_ms BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    called_ms BIGINT NOT NULL DEFAULT 0 COMMENT 'when the attempt began that may have taken effect',
    ended_ms BIGINT NULL,
    last_error VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NULL,
    PRIMARY KEY (id),
    UNIQUE KEY outbox_dedupe (dedupe),
    KEY outbox_due (state, run_at_ms),
    KEY outbox_object (object)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
