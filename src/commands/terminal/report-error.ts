import { causesOf, codeOf, messageOf } from '../../coded-error.ts';
import { ConfigError } from '../../config.ts';
import { adviceFor } from '../../doctor/advice.ts';

const WORK_FAILED = 1;
const WRONG_CONFIGURATION = 2;

/**
 * Says on stderr why the work failed: the reason in the first line, then what lies behind it, why it matters
 * and what to do, as `doctor` says it.
 * @returns the exit code
 */
export function reportError(error: unknown): number {
  const causes = causesOf(error);
  const messages = causes.length === 0 ? [messageOf(error)] : causes.map(messageOf);
  const [reason = 'unknown error', ...behind] = messages.filter(
    (message, index) => messages.indexOf(message) === index,
  );
  process.stderr.write(`error: ${reason}\n${behind.map((message) => `  because: ${message}\n`).join('')}`);
  const codes = causes.map(codeOf).filter((code) => code !== undefined);
  const advice = codes.map(adviceFor).find((found) => found !== undefined);
  if (advice) process.stderr.write(`  why it matters: ${advice.why}\n  what to do:     ${advice.todo}\n`);
  // An error without a stable code was not foreseen: its place in the code helps whoever reports it.
  if (codes.length === 0 && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  return error instanceof ConfigError ? WRONG_CONFIGURATION : WORK_FAILED;
}
