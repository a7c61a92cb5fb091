import { afterEach, expect, it } from 'vitest';
import { z } from 'zod';
import { describeDatabases } from '../support/database-sites.ts';
import { startTestNode, type TestNode } from '../support/test-node.ts';

const partsSchema = z.object({
  reasons: z.array(z.string()).default([]),
  parts: z.record(z.string(), z.boolean()),
});

describeDatabases('a node whose database', (newSite) => {
  let testNode: TestNode | undefined;
  afterEach(() => testNode?.stop());

  it('takes questions and cannot write is not ready until it can', async () => {
    const site = await newSite();
    testNode = await startTestNode('http://127.0.0.1:9/dicom-web', { database: site.section });
    const { url, database } = testNode.node();
    const look = async () => partsSchema.parse(await (await fetch(`${url}/readyz`)).json());
    // On a server all sessions, the node's own among them, change when it reads its configuration anew.
    const makeReadOnly = async (value: 'on' | 'off'): Promise<void> => {
      if (database.kind === 'embedded') {
        await database.query(`SET default_transaction_read_only = ${value}`);
        return;
      }
      await database.query(`ALTER SYSTEM SET default_transaction_read_only = ${value}`);
      await database.query('SELECT pg_reload_conf()');
    };
    expect((await look()).parts).toMatchObject({ database: true, audit: true });
    await makeReadOnly('on');
    await expect.poll(async () => (await look()).parts['database']).toBe(false);
    expect((await look()).reasons).toContain('database: 25006');
    expect((await look()).parts).toMatchObject({ queue: true });
    await makeReadOnly('off');
    await expect.poll(async () => (await look()).parts['database']).toBe(true);
    await testNode.stop();
    testNode = undefined;
    await site.remove();
  });
});
