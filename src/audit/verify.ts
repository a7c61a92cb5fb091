import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { AuditChain, lineHash, NO_LINE, parseLine } from './chain.ts';

export interface AuditReport {
  readonly files: number;
  readonly lines: number;
  /** Number of the first line; above 1 where files before it were taken away. */
  readonly first: number | undefined;
  /** Number and hash of the last line. Keep them where somebody who changes the files has no access. */
  readonly last: { readonly sequence: number; readonly hash: string } | undefined;
  /** Empty: nothing was changed, removed, added or moved. */
  readonly problems: readonly string[];
}

/** Days of the log, oldest first. */
export async function auditFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => /^audit-\d{4}-\d{2}-\d{2}\.log$/.test(name)).sort();
}

/**
 * Checks that the lines of all files form one chain that ends where the node left it. What this shows: nobody
 * changed single lines or cut some off. Who may write to the folder could still make a whole new chain; keep
 * `last` elsewhere, or send the lines to another system.
 */
export async function verifyAuditLog(folder: string): Promise<AuditReport> {
  const files = await auditFiles(folder);
  const problems: string[] = [];
  let lines = 0;
  let first: number | undefined;
  let last: { sequence: number; hash: string } | undefined;
  for (const file of files) {
    let number = 0;
    for await (const text of createInterface({ input: createReadStream(path.join(folder, file)) })) {
      number += 1;
      const place = `${file} line ${number}`;
      const line = parseLine(text);
      if (!line) {
        problems.push(`${place} is no line of an audit log`);
        continue;
      }
      lines += 1;
      first ??= line.sequence;
      const expected = last ?? (line.sequence === 1 ? { sequence: 0, hash: NO_LINE } : undefined);
      if (expected && line.sequence !== expected.sequence + 1) {
        problems.push(`${place} has number ${line.sequence} after ${expected.sequence}`);
      } else if (expected && line.previous !== expected.hash) {
        problems.push(`${place}: the line before it was changed`);
      }
      last = { sequence: line.sequence, hash: lineHash(text) };
    }
  }
  if (files.length > 0) problems.push(...endProblems(folder, last));
  return { files: files.length, lines, first, last, problems };
}

function endProblems(folder: string, last: AuditReport['last']): string[] {
  const chain = new AuditChain(folder);
  try {
    const head = chain.head();
    if (!head) return ['what says where the log ends (head.sqlite) is gone'];
    if (
      last &&
      last.sequence >= head.sequence &&
      (last.sequence > head.sequence || last.hash === head.hash)
    ) {
      return [];
    }
    return last && last.sequence === head.sequence
      ? [`the last line, number ${head.sequence}, was changed`]
      : [
          `lines up to number ${head.sequence} were written, and the last one that is there is ` +
            `${last?.sequence ?? 'none'}`,
        ];
  } finally {
    chain.close();
  }
}
