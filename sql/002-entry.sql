-- The state of a service that runs in the ledger's place; empty where the service is the ledger.

-- One row for each slot of the state: from 0 on, without a gap. No index on the keys: no program
-- here looks for one, and every change would pay for it.
CREATE TABLE ENTRY (
  SLOT INTEGER NOT NULL PRIMARY KEY CHECK (SLOT >= 0),
  -- Bytes of UTF-8. An empty key means that the slot is free. Any other stands in one slot.
  ENTRY_KEY VARCHAR(255) /*! CHARACTER SET binary */ NOT NULL,
  -- What the service keeps under the key; empty if the slot is free.
  ENTRY_VALUE BLOB NOT NULL
);
