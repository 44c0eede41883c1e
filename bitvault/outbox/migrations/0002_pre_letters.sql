-- A tenant's admin lists the letters of the tenant, however many others have.
CREATE INDEX dead_letter_tenant ON outbox.dead_letter (tenant_id, consumer, seq);
