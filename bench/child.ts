import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { z } from 'zod';

const usageSchema = z.object({ seconds: z.number(), peakBytes: z.number() });
export type Usage = z.infer<typeof usageSchema>;

/**
 * Runs a Node program in a process of its own.
 *
 * @returns its time from start to end and the most memory that it held at once (resident set)
 */
export async function runMeasured(program: string, programArguments: readonly string[]): Promise<Usage> {
  const reporter = path.join(import.meta.dirname, 'report-usage.ts');
  const child = spawn(process.execPath, ['--import', reporter, program, ...programArguments], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  });
  const report = child.stdio[3];
  if (!report || !('read' in report)) throw new Error('no pipe for the report');
  const [usage, [code]] = await Promise.all([text(report), once(child, 'exit')]);
  if (code !== 0) throw new Error(`${program} ended with code ${String(code)}`);
  return usageSchema.parse(JSON.parse(usage));
}
