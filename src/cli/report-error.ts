import { ConfigError } from '../config.ts';

const WORK_FAILED = 1;
const WRONG_CONFIGURATION = 2;

/**
 * Says on stderr why the work failed: the reason in the first line, then what lies behind it.
 * @returns the exit code
 */
export function reportError(error: unknown): number {
  const messages = chain(error).map((cause) => (cause instanceof Error ? cause.message : String(cause)));
  const [reason = 'unknown error', ...behind] = messages.filter(
    (message, index) => messages.indexOf(message) === index,
  );
  process.stderr.write(`error: ${reason}\n${behind.map((message) => `  because: ${message}\n`).join('')}`);
  const code = chain(error).find((cause) => cause instanceof Error && 'code' in cause);
  // An error without a stable code was not foreseen: its place in the code helps whoever reports it.
  if (!code && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
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
