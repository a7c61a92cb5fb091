import { afterAll } from 'vitest';
import { type DatabaseSite, describeDatabases } from '../support/database-sites.ts';
import { outboxBehaviour } from '../support/outbox-behaviour.ts';

describeDatabases('the outbox', (newSite) => {
  let site: DatabaseSite | undefined;
  // Runs last: hooks go in the reverse order.
  afterAll(() => site?.remove());
  outboxBehaviour(async () => {
    site = await newSite();
    return site.open();
  });
});
