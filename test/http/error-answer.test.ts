import { once } from 'node:events';
import express from 'express';
import { describe, expect, it } from 'vitest';
import { errorAnswer } from '../../src/http/error-answer.ts';
import { StoreError } from '../../src/store/store-error.ts';

/** What the node answers to a request that fails like this. */
async function answerTo(
  error: Error,
): Promise<{ status: number; retryAfter: string | null; told: unknown[] }> {
  const told: unknown[] = [];
  const app = express().use(() => {
    throw error;
  });
  app.use(errorAnswer((cause) => told.push(cause)));
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const { status, headers } = await fetch(`http://127.0.0.1:${port}/`);
    return { status, retryAfter: headers.get('retry-after'), told };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const withCode = (code: string) => Object.assign(new Error('write failed'), { code });

describe('a request that fails', () => {
  it.each(['ENOSPC', 'EDQUOT', '53100'])(
    'by a full disk (%s), however deep below, is to come back later, and the node is told',
    async (code) => {
      for (const error of [
        withCode(code),
        new StoreError('DATABASE_UNUSABLE', 'no', { cause: withCode(code) }),
      ]) {
        const { status, retryAfter, told } = await answerTo(error);
        expect([status, Number(retryAfter) > 0, told]).toEqual([503, true, [error]]);
      }
    },
  );

  it('by anything else is a fault of the node', async () => {
    expect(await answerTo(withCode('EIO'))).toMatchObject({ status: 500, retryAfter: null });
  });
});
