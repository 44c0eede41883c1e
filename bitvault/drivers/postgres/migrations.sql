-- The ledger of applied migrations. `room` is a package, and the schema it owns.
CREATE SCHEMA IF NOT EXISTS bitvault;

CREATE TABLE IF NOT EXISTS bitvault.migration (
    room text NOT NULL,
    number integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (room, number)
);
