-- What one replica holds, after the batch that META names.
--
-- Portable: SQLite takes what stands between /*! and */ for a comment, MySQL and MariaDB read it.
-- Names are compared byte by byte in all three, whatever the server's locale.

CREATE TABLE CUSTOMER (
  CUSTOMER_ID INTEGER NOT NULL PRIMARY KEY,
  CUSTOMER_NAME VARCHAR(64) /*! CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */ NOT NULL,
  CUSTOMER_ADDRESS VARCHAR(128) /*! CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */ NOT NULL,
  -- Minor units.
  BALANCE BIGINT NOT NULL CHECK (BALANCE >= 0),
  -- What the commands call it.
  ACCOUNT VARCHAR(32) /*! CHARACTER SET binary */ NOT NULL UNIQUE,
  -- The client that owns it; null: only tellers may use it.
  OWNER INTEGER CHECK (OWNER >= 0)
);

-- One row for each executed batch, since the genesis or the last state transfer.
CREATE TABLE BLOCK (
  SEQUENCE BIGINT NOT NULL PRIMARY KEY,
  VIEW_NUMBER BIGINT NOT NULL,
  DIGEST BLOB NOT NULL,
  REQUEST_COUNT INTEGER NOT NULL CHECK (REQUEST_COUNT >= 0),
  -- SHA-256 over the previous row's PREVIOUS_HASH, SEQUENCE (64 bits, big endian) and DIGEST.
  PREVIOUS_HASH BLOB NOT NULL,
  -- This replica's clock, in milliseconds since 1970. For people: no result depends on it.
  STORED_AT_MS BIGINT NOT NULL
);

-- The last executed request of each client session, and its reply.
CREATE TABLE SESSION (
  CLIENT_ID INTEGER NOT NULL,
  SESSION_ID BIGINT NOT NULL,
  REQUEST_TIMESTAMP BIGINT NOT NULL,
  SEQUENCE BIGINT NOT NULL,
  REPLY_CODE INTEGER NOT NULL,
  RESULTS MEDIUMBLOB NOT NULL,
  PRIMARY KEY (CLIENT_ID, SESSION_ID)
);

-- For each client, the newest of the sessions that were forgotten.
CREATE TABLE SESSION_EVICTED (
  CLIENT_ID INTEGER NOT NULL PRIMARY KEY,
  SESSION_ID BIGINT NOT NULL
);

-- One row. Written in the same transaction as everything above.
CREATE TABLE META (
  META_ID INTEGER NOT NULL PRIMARY KEY CHECK (META_ID = 1),
  LAST_APPLIED BIGINT NOT NULL CHECK (LAST_APPLIED >= 0),
  SERVICE_ROOT BLOB NOT NULL,
  -- What the next block's PREVIOUS_HASH will be.
  CHAIN_HASH BLOB NOT NULL
);
