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

  it('takes questions and cannot write, or has no room, is not ready until it can', async () => {
    const site = await newSite();
    testNode = await startTestNode('http://127.0.0.1:9/dicom-web', { database: site.section });
    const { url, database } = testNode.node();
    const look = async () => partsSchema.parse(await (await fetch(`${url}/readyz`)).json());
    // On a server all sessions, the node's own among them, change when it reads its configuration anew.
    const set = async (setting: string): Promise<void> => {
      if (database.kind === 'embedded') {
        await database.query(`SET ${setting}`);
        return;
      }
      await database.query(`ALTER SYSTEM SET ${setting}`);
      await database.query('SELECT pg_reload_conf()');
    };
    expect((await look()).parts).toMatchObject({ database: true, audit: true });
    await set('default_transaction_read_only = on');
    await expect.poll(async () => (await look()).parts['database']).toBe(false);
    expect(await look()).toMatchObject({
      reasons: expect.arrayContaining([expect.stringMatching(/^database: /)]),
      parts: { queue: true },
    });
    await set('default_transaction_read_only = off');
    await expect.poll(async () => (await look()).parts['database']).toBe(true);
    // As on a full disk, where a row that is changed in its place needs no room.
    await set('temp_file_limit = 0');
    await expect.poll(async () => (await look()).parts['database']).toBe(false);
    await set('temp_file_limit = -1');
    await expect.poll(async () => (await look()).parts['database']).toBe(true);
    await testNode.stop();
    testNode = undefined;
    await site.remove();
  });
});
