import type { Readable } from 'node:stream';
import { messageOf } from '../coded-error.ts';
import { AuditChain, lineHash, NO_LINE, parseLine } from './chain.ts';
import { auditFiles, readAuditFile } from './days.ts';

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
    try {
      for await (const text of linesOf(readAuditFile(folder, file))) {
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
    } catch (error) {
      problems.push(`${file} cannot be read beyond line ${number}: ${messageOf(error)}`);
    }
  }
  if (files.length > 0) problems.push(...endProblems(folder, last));
  return { files: files.length, lines, first, last, problems };
}

async function* linesOf(content: Readable): AsyncGenerator<string> {
  let rest = Buffer.alloc(0);
  for await (const chunk of content) {
    const text = Buffer.concat([rest, chunk as Buffer]);
    let from = 0;
    for (let end = text.indexOf(0x0a); end >= 0; end = text.indexOf(0x0a, from)) {
      yield text.toString('utf8', from, end);
      from = end + 1;
    }
    rest = text.subarray(from);
  }
  if (rest.length > 0) yield rest.toString('utf8');
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
