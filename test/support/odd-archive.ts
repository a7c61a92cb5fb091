import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import { programPath, shared } from './requires.ts';
import { smallCtSeries } from './small-series.ts';

/** The DICOMweb archive of ../shared/faults with some of its oddities, of one small CT study. */
export interface OddArchive {
  readonly study: string;
  readonly port: number;
  /** What it was asked and what it answered, a line each. */
  readonly requests: readonly string[];
  stop(): Promise<void>;
}

/** @param modes as the script takes them: NAME or NAME,NAME */
export async function startOddArchive(modes: string, study: string, folder: string): Promise<OddArchive> {
  const files = path.join(folder, study);
  await mkdir(files, { recursive: true });
  for (const [index, bytes] of smallCtSeries(study).entries()) {
    await writeFile(path.join(files, `${index}.dcm`), bytes);
  }
  const port = await freePort();
  const script = shared('faults', 'odd-archive.py');
  const server = spawn(programPath('python3'), [script, String(port), modes, files], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const requests: string[] = [];
  server.stdout.setEncoding('utf8').on('data', (lines: string) => requests.push(...lines.trim().split('\n')));
  await listening(server, port);
  return {
    study,
    port,
    requests,
    stop: async () => {
      server.kill();
      if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
    },
  };
}

async function listening(server: ChildProcess, port: number): Promise<void> {
  for (;;) {
    if (server.exitCode !== null) throw new Error(`odd-archive.py ended with ${server.exitCode}`);
    const socket = connect(port, '127.0.0.1');
    const [event] = await Promise.race([
      once(socket, 'connect').then(() => ['connect']),
      once(socket, 'error').then(() => ['error']),
    ]).catch(() => ['error']);
    socket.destroy();
    if (event === 'connect') return;
    await delay(50); // an interpreter has no event for this
  }
}

/** An address whose connections lead to one archive after the other: a node has one archive. */
export interface Switchboard {
  readonly url: string;
  connectTo(port: number): void;
  stop(): Promise<void>;
}

export async function startSwitchboard(): Promise<Switchboard> {
  let target = 0;
  const open = new Set<Socket>();
  const server: Server = createServer((socket) => {
    const onward = connect(target, '127.0.0.1');
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      open.add(one);
      one.on('error', () => other.destroy()).on('close', () => open.delete(one));
      one.pipe(other);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connectTo: (port) => {
      target = port;
    },
    stop: async () => {
      server.close();
      for (const socket of open) socket.destroy();
      await once(server, 'close').catch(() => undefined);
    },
  };
}
