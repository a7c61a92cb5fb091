import { type DestinationStream, destination, type Level, type Logger, pino } from 'pino';
import { errorFields } from './error-fields.ts';
import { createRedactor, type RedactionOptions } from './redact.ts';

export interface LogOptions extends RedactionOptions {
  readonly level: Level | 'silent';
  /** undefined: stderr, as stdout belongs to what commands print. */
  readonly file?: string | undefined;
  /** Takes the place of both. */
  readonly stream?: DestinationStream;
}

const STDERR = 2;

/** The node's log: JSON lines without patients' data and without secrets, UIDs hashed. */
export function openLog({ level, file, stream, ...redaction }: LogOptions): Logger {
  const redact = createRedactor(redaction);
  return pino(
    {
      name: 'pansegnet-node',
      level,
      serializers: { err: errorFields, error: errorFields, cause: errorFields },
      hooks: { streamWrite: redact },
    },
    stream ??
      (file === undefined ? destination(STDERR) : destination({ dest: file, mkdir: true, sync: true })),
  );
}
