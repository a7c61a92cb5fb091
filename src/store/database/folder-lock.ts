import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { codeOf, messageOf } from '../../coded-error.ts';
import { StoreError } from '../store-error.ts';

/**
 * The lock is SQLite's own write lock on this empty file: the operating system holds it for the process and
 * drops it when the process ends, however it ends. So nothing is ever stale, and it holds between containers
 * too, where process ids mean nothing. Never open the file otherwise: closing any descriptor of it gives the
 * lock away.
 */
const LOCK_FILE = 'lock';
/** Who has the lock, for the message to those who don't get it. Says nothing once the lock is free. */
const OWNER_FILE = 'lock-owner.json';
const SQLITE_BUSY = 5;
/** The folder holds patient data. */
const OWNER_ALONE = 0o700;

/** Between taking the lock and writing its name an owner needs well under a second. */
const OWNER_WAIT_MS = 1_000;
const OWNER_LOOK_MS = 25;

const ownerSchema = z.object({ pid: z.number().int(), host: z.string(), since: z.string() });
type Owner = z.infer<typeof ownerSchema>;

export interface FolderLock {
  release(): void;
}

/**
 * Makes this process the only owner of a folder; creates the folder where it is missing.
 * @throws StoreError DATABASE_IN_USE naming the owner's pid and the folder, where another process
 *   (or this one, a second time) owns it; DATABASE_UNUSABLE where it cannot be made or locked
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const lock = openLockFile(folder);
  try {
    lock.exec('BEGIN IMMEDIATE');
  } catch (cause) {
    lock.close();
    if (!isBusy(cause)) throw unusable(folder, cause);
    throw inUse(folder, await readOwner(folder), cause);
  }
  writeOwner(folder);
  return {
    release: () => {
      if (!lock.isOpen) return;
      rmSync(path.join(folder, OWNER_FILE), { force: true });
      lock.close();
    },
  };
}

function openLockFile(folder: string): DatabaseSync {
  try {
    mkdirSync(folder, { recursive: true, mode: OWNER_ALONE });
    return new DatabaseSync(path.join(folder, LOCK_FILE), { timeout: 0 });
  } catch (cause) {
    throw unusable(folder, cause);
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
}

function unusable(folder: string, cause: unknown): StoreError {
  return new StoreError('DATABASE_UNUSABLE', `the folder ${folder} cannot be locked: ${messageOf(cause)}`, {
    cause,
  });
}

function inUse(folder: string, owner: Owner | undefined, cause: unknown): StoreError {
  const who = owner ? `process ${owner.pid} on ${owner.host} (since ${owner.since})` : 'another process';
  return new StoreError(
    'DATABASE_IN_USE',
    `the folder ${folder} is in use by ${who}: stop that process, or ask it over HTTP`,
    { cause },
  );
}

/** Written beside and renamed into place, so that nobody reads half of it. */
function writeOwner(folder: string): void {
  const owner: Owner = { pid: process.pid, host: hostname(), since: new Date().toISOString() };
  const file = path.join(folder, OWNER_FILE);
  writeFileSync(`${file}.new`, JSON.stringify(owner));
  renameSync(`${file}.new`, file);
}

/**
 * The owner that wrote its name. A name left by a killed process is not it: then the new owner is about to
 * write its own.
 */
async function readOwner(folder: string): Promise<Owner | undefined> {
  let found: Owner | undefined;
  for (let waited = 0; waited < OWNER_WAIT_MS; waited += OWNER_LOOK_MS) {
    try {
      found = ownerSchema.parse(JSON.parse(readFileSync(path.join(folder, OWNER_FILE), 'utf8')));
      if (found.host !== hostname() || isAlive(found.pid)) return found;
    } catch {
      // Not written yet.
    }
    await delay(OWNER_LOOK_MS);
  }
  return found;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}
