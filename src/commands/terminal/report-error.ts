import { ConfigError } from '../../config.ts';
import { adviceFor } from '../../doctor/advice.ts';

const WORK_FAILED = 1;
const WRONG_CONFIGURATION = 2;

/**
 * Says on stderr why the work failed: the reason in the first line, then what lies behind it, why it matters and what to
 * do, as `doctor` says it.
 * @returns the exit code
 */
export function reportError(error: unknown): number {
  const messages = chain(error).map((cause) => (cause instanceof Error ? cause.message : String(cause)));
  const [reason = 'unknown error', ...behind] = messages.filter(
    (message, index) => messages.indexOf(message) === index,
  );
  process.stderr.write(`error: ${reason}\n${behind.map((message) => `  because: ${message}\n`).join('')}`);
  const codes = chain(error).flatMap((cause) =>
    cause instanceof Error && 'code' in cause ? [String(cause.code)] : [],
  );
  const advice = codes.map(adviceFor).find((found) => found !== undefined);
  if (advice) process.stderr.write(`  why it matters: ${advice.why}\n  what to do:     ${advice.todo}\n`);
  // An error without a stable code was not foreseen: its place in the code helps whoever reports it.
  if (codes.length === 0 && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  return error instanceof ConfigError ? WRONG_CONFIGURATION : WORK_FAILED;
}

function chain(error: unknown): unknown[] {
  const causes: unknown[] = [];
  for (let cause = error; cause !== undefined && !causes.includes(cause); ) {
    causes.push(cause);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return causes;
}
