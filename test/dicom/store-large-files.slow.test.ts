import { once } from 'node:events';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { DicomWebClient } from '../../src/dicom/web/client.ts';

const FILES = 2;
const FILE_BYTES = 250_000_000;
/** What buffers may take that wait for the garbage collector; a fifth of what is sent. */
const GROWTH_BYTES = 100_000_000;

it('half a gigabyte of files is stored in one request of known length, and memory does not grow with it', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'store-large-'));
  const server = createServer((request, response) => {
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      peak = Math.max(peak, process.memoryUsage().arrayBuffers);
    });
    request.on('end', () => {
      got = { size, length: Number(request.headers['content-length']) };
      response.end(JSON.stringify({ '00081199': { vr: 'SQ' } }));
    });
  }).listen(0, '127.0.0.1');
  let got = { size: 0, length: 0 };
  let peak = 0;
  try {
    await once(server, 'listening');
    const files = [];
    for (let file = 0; file < FILES; file++) {
      const name = path.join(folder, `${file}.dcm`);
      const handle = await open(name, 'w');
      await handle.truncate(FILE_BYTES);
      await handle.close();
      files.push({ path: name, size: FILE_BYTES });
    }
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const before = process.memoryUsage().arrayBuffers;
    await new DicomWebClient({ url }).storeFiles(files);
    expect(got.size).toBe(got.length);
    expect(got.size).toBeGreaterThan(FILES * FILE_BYTES);
    expect(peak - before).toBeLessThan(GROWTH_BYTES);
  } finally {
    server.close();
    await rm(folder, { recursive: true });
  }
}, 120_000);
