import { createHash } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { fileOfDay } from './days.ts';

/**
 * A line of the audit log: its number, the hash of the line before, and the message. A line that is changed,
 * removed, added or moved breaks the chain at its place.
 */
export interface ChainLine {
  readonly sequence: number;
  readonly previous: string;
  readonly message: string;
}

/** Where the chain ends: kept beside the files, so that lines cut off at the end are noticed too. */
export interface ChainHead {
  readonly sequence: number;
  readonly hash: string;
  readonly file: string;
  /** Bytes of that file. */
  readonly size: number;
}

const HEAD_FILE = 'head.sqlite';
/** Stands for the line before the first one. */
export const NO_LINE = '0'.repeat(64);
/** Another process on this machine that is writing needs far less. */
const WAIT_MS = 10_000;

const headSchema = z.object({ sequence: z.int(), hash: z.string(), file: z.string(), size: z.int() });
const LINE = /^(\d+) ([0-9a-f]{64}) (<AuditMessage>.*<\/AuditMessage>)$/;

export const lineHash = (line: string): string => createHash('sha256').update(line).digest('hex');

/** undefined: the text is no line of an audit log. */
export function parseLine(text: string): ChainLine | undefined {
  const [, sequence, previous = '', message = ''] = LINE.exec(text) ?? [];
  return sequence === undefined ? undefined : { sequence: Number(sequence), previous, message };
}

/**
 * Appends to the files of a folder, one per day. Any number of processes of a machine may do so: each takes a
 * lock, which the operating system drops when the process ends however it ends, and goes on where the chain
 * ends then.
 */
export class AuditChain {
  readonly #folder: string;
  readonly #head: DatabaseSync;

  /** @throws where the folder cannot be made or written to */
  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#head = new DatabaseSync(path.join(folder, HEAD_FILE), { timeout: WAIT_MS });
    this.#head.exec('CREATE TABLE IF NOT EXISTS head (sequence INTEGER, hash TEXT, file TEXT, size INTEGER)');
  }

  /** Returns when the lines are on the disk. */
  append(messages: readonly string[], day: Date): void {
    this.#head.exec('BEGIN IMMEDIATE');
    try {
      this.#writeHead(this.#appendLines(messages, fileOfDay(day)));
      this.#head.exec('COMMIT');
    } catch (error) {
      this.#head.exec('ROLLBACK');
      throw error;
    }
  }

  /** undefined: nothing has been written yet. */
  head(): ChainHead | undefined {
    const row = this.#head.prepare('SELECT sequence, hash, file, size FROM head').get();
    return row === undefined ? undefined : headSchema.parse(row);
  }

  close(): void {
    this.#head.close();
  }

  #appendLines(messages: readonly string[], today: string): ChainHead {
    const before = this.#repaired();
    // The clock may have been put back; the chain goes on in the later file.
    const file = before && before.file > today ? before.file : today;
    let { sequence, hash } = before ?? { sequence: 0, hash: NO_LINE };
    const lines = messages.map((message) => {
      sequence += 1;
      const line = `${sequence} ${hash} ${message}`;
      hash = lineHash(line);
      return `${line}\n`;
    });
    const size = withFile(path.join(this.#folder, file), (descriptor) => {
      writeAll(descriptor, Buffer.from(lines.join('')));
      fsyncSync(descriptor);
      return fstatSync(descriptor).size;
    });
    return { sequence, hash, file, size };
  }

  /**
   * A process that was killed may have written lines and not the head, or half a line: whole lines that go on
   * with the chain count, half a line, which nobody was told was kept, is cut off.
   */
  #repaired(): ChainHead | undefined {
    const head = this.head();
    if (!head) return undefined;
    return withFile(path.join(this.#folder, head.file), (descriptor) => {
      const { size } = fstatSync(descriptor);
      if (size <= head.size) return head;
      const rest = Buffer.alloc(size - head.size);
      readSync(descriptor, rest, 0, rest.length, head.size);
      let { sequence, hash } = head;
      let end = head.size;
      for (let from = 0; ; ) {
        const newline = rest.indexOf(0x0a, from);
        const text = newline < 0 ? '' : rest.toString('utf8', from, newline);
        const line = parseLine(text);
        if (line?.sequence !== sequence + 1 || line.previous !== hash) break;
        ({ sequence } = line);
        hash = lineHash(text);
        from = newline + 1;
        end = head.size + from;
      }
      // Lines that do not go on with the chain are somebody's doing: they stay, and `audit verify` names
      // them.
      if (end < size && !rest.subarray(end - head.size).includes(0x0a)) ftruncateSync(descriptor, end);
      return { ...head, sequence, hash, size: end };
    });
  }

  #writeHead({ sequence, hash, file, size }: ChainHead): void {
    this.#head.exec('DELETE FROM head');
    this.#head.prepare('INSERT INTO head VALUES (?, ?, ?, ?)').run(sequence, hash, file, size);
  }
}

function withFile<T>(file: string, work: (descriptor: number) => T): T {
  const descriptor = openSync(file, 'a+', 0o600);
  try {
    return work(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
}
