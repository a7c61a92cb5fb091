import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { openDatabase } from '../../src/store/database/database.ts';
import { pgbossContract } from '../support/pgboss-contract.ts';

pgbossContract(() => openDatabase({ memory: true }));

it('pg-boss is pinned: an upgrade is a change that somebody has looked at', () => {
  const manifest = JSON.parse(readFileSync(path.resolve(import.meta.dirname, '../../package.json'), 'utf8'));
  expect(manifest.dependencies['pg-boss']).toMatch(/^\d+\.\d+\.\d+$/);
});
