/** The embedded archive in a process of its own, so that several nodes can share it. Argument: its folder. */
import { once } from 'node:events';
import express from 'express';
import { createEmbeddedArchive } from '../../src/archive/embedded-archive.ts';

const [folder = ''] = process.argv.slice(2);
const archive = await createEmbeddedArchive({
  folder,
  maxInstanceBytes: 10_000_000,
  onStored: async () => undefined,
  onProblem: (message, error) => console.error(message, error),
});
const server = express().use('/dicom-web', archive.router).listen(0, '127.0.0.1');
await once(server, 'listening');
const address = server.address();
console.error(
  `archive at http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/dicom-web`,
);
