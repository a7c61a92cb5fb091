import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lockFolder } from '../../src/store/database/folder-lock.ts';

const LOCK_MODULE = path.resolve(import.meta.dirname, '../../src/store/database/folder-lock.ts');
/** Waits for a line on stdin, tries to lock, says how it went, and lives until it is killed. */
const OWNER_PROGRAM = `
  const { lockFolder } = await import(${JSON.stringify(LOCK_MODULE)});
  setInterval(() => {}, 1000);
  process.stdin.once('data', () => {
    lockFolder(process.argv[1]).then(() => console.log('locked'), (error) => console.log(error.code));
  });
  console.log('ready');
`;

/**
 * Far below the pauses after which locks with an expiry are taken over, far above what a busy machine needs.
 */
const AT_ONCE_MS = 3_000;

let folder: string;
let children: ChildProcess[];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'folder-lock-'));
  children = [];
});

afterEach(async () => {
  await Promise.all(children.map(kill));
  await rm(folder, { recursive: true });
});

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** A child process that is ready to try; `attempt` makes it try and gives its answer. */
async function contender(): Promise<{ child: ChildProcess; attempt: () => Promise<string> }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', OWNER_PROGRAM, folder], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await lines.next();
  return {
    child,
    attempt: async () => {
      child.stdin.write('\n');
      return String((await lines.next()).value);
    },
  };
}

async function ownerProcess(): Promise<ChildProcess> {
  const { child, attempt } = await contender();
  expect(await attempt()).toBe('locked');
  return child;
}

describe('lockFolder', () => {
  it('refuses a second process and names the owner and the folder', async () => {
    const owner = await ownerProcess();
    await expect(lockFolder(folder)).rejects.toMatchObject({
      code: 'DATABASE_IN_USE',
      message: expect.stringMatching(new RegExp(`${folder} .*process ${owner.pid} `)),
    });
  });

  it('takes over at once from an owner that was killed, and then names the new owner', async () => {
    await kill(await ownerProcess());
    const started = performance.now();
    const lock = await lockFolder(folder);
    expect(performance.now() - started).toBeLessThan(AT_ONCE_MS);
    await expect(lockFolder(folder)).rejects.toThrow(`process ${process.pid} `);
    lock.release();
  });

  it('gives a folder to exactly one of many that try at the same moment', async () => {
    await kill(await ownerProcess());
    const contenders = await Promise.all(Array.from({ length: 4 }, contender));
    const answers = await Promise.all(contenders.map(({ attempt }) => attempt()));
    expect(answers.sort()).toEqual([...Array<string>(3).fill('DATABASE_IN_USE'), 'locked']);
  });

  it('can be taken again after it was released; releasing once more takes nothing from the next owner', async () => {
    const first = await lockFolder(folder);
    first.release();
    first.release();
    const second = await lockFolder(folder);
    first.release();
    await expect(lockFolder(folder)).rejects.toMatchObject({ code: 'DATABASE_IN_USE' });
    second.release();
  });

  it('does not name an owner that is dead, but waits for the name of the one that took over', async () => {
    const { pid: dead } = spawnSync(process.execPath, ['--version']);
    const lock = await lockFolder(folder);
    const nameFile = path.join(folder, 'lock-owner.json');
    const name = readFileSync(nameFile, 'utf8');
    writeFileSync(nameFile, name.replace(String(process.pid), String(dead)));
    const refused = lockFolder(folder);
    writeFileSync(nameFile, name);
    await expect(refused).rejects.toThrow(`process ${process.pid} `);
    lock.release();
  });

  it('names the folder that cannot be made', async () => {
    const file = path.join(folder, 'a-file');
    writeFileSync(file, '');
    await expect(lockFolder(path.join(file, 'below'))).rejects.toMatchObject({
      code: 'DATABASE_UNUSABLE',
      message: expect.stringContaining(file),
    });
  });
});
