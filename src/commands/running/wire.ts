import { z } from 'zod';
import { CodedError, causesOf, codeOf, messageOf } from '../../coded-error.ts';

/**
 * What a running node says about a command, one JSON value a line. It says something at least every ALIVE_MS,
 * so that a silent connection is a broken one.
 */
export const wireMessage = z.union([
  z.object({ print: z.string() }),
  z.object({
    progress: z.object({
      stage: z.string(),
      subject: z.string(),
      done: z.number().exactOptional(),
      total: z.number().exactOptional(),
    }),
  }),
  z.object({ alive: z.literal(true) }),
  z.object({ done: z.literal(true) }),
  z.object({ failed: z.object({ code: z.string().optional(), messages: z.array(z.string()) }) }),
]);
export type WireMessage = z.infer<typeof wireMessage>;

export const ALIVE_MS = 10_000;

/** Why a command failed inside of the node: the same as if it had failed here. */
export class RemoteError extends CodedError {
  /** @param code UNEXPECTED where the failure has none */
  constructor(code: string, [message = 'unknown error', ...behind]: readonly string[]) {
    super(code, message, behind.length > 0 ? { cause: new RemoteError(code, behind) } : {});
  }
}

export function failureOf(error: unknown): WireMessage {
  const causes = causesOf(error);
  const code = causes.map(codeOf).find((found) => found !== undefined);
  const messages = causes.length > 0 ? causes.map(messageOf) : [messageOf(error)];
  return { failed: { messages, ...(code ? { code } : {}) } };
}
