import { codeOf } from '../coded-error.ts';
/** What is logged of an error. */
export interface ErrorFields {
  readonly type: string;
  readonly code?: string;
  readonly status?: number;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: ErrorFields;
}

const DEEPEST_CAUSE = 8;

/**
 * The serializer of errors. Type, code, status, message, stack and causes, and nothing else: errors of
 * databases and HTTP clients carry parameters, headers and bodies along, which hold what belongs to patients,
 * and secrets.
 */
export function errorFields(error: unknown, depth = 0): ErrorFields {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) };
  const message = messageOf(error);
  const code = codeOf(error);
  const status = 'status' in error && typeof error.status === 'number' ? error.status : undefined;
  return {
    type: error.name,
    ...(code === undefined ? {} : { code }),
    ...(status === undefined ? {} : { status }),
    message,
    ...(error.stack === undefined ? {} : { stack: placesOf(error.stack) }),
    ...(error.cause === undefined || depth >= DEEPEST_CAUSE
      ? {}
      : { cause: errorFields(error.cause, depth + 1) }),
  };
}

/** JavaScript's own parsers quote the text that they could not read, and that may be anybody's name. */
const messageOf = (error: Error): string =>
  error instanceof SyntaxError ? 'the text is malformed (its content is not logged)' : error.message;

/** The lines of a stack that name places; those before repeat the message. */
const placesOf = (stack: string): string =>
  stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .map((line) => line.trim())
    .join('\n');
