import { AnswerError } from './errors.ts';
import { type Answer, type ExchangeRequest, exchange } from './exchange.ts';

export interface WholeAnswer extends Pick<Answer, 'status' | 'headers'> {
  readonly bytes: Uint8Array;
}

/**
 * One exchange whose answer is held in memory.
 * @throws as `exchange`
 */
export function wholeAnswer(request: ExchangeRequest): Promise<WholeAnswer> {
  return readWhole(request, (bytes, { status, headers }) => ({ status, headers, bytes }));
}

export interface JsonAnswer {
  readonly status: number;
  /** Not yet checked; undefined where the body is empty and the status is 204. */
  readonly json: unknown;
}

/**
 * One exchange whose answer is JSON.
 * @throws as `exchange`; AnswerError where it is no JSON
 */
export function jsonAnswer(request: ExchangeRequest): Promise<JsonAnswer> {
  return readWhole(request, (bytes, { status }) => ({
    status,
    json: status === 204 && bytes.length === 0 ? undefined : parseJson(bytes),
  }));
}

async function readWhole<T>(
  request: ExchangeRequest,
  read: (bytes: Uint8Array, answer: Answer) => T,
): Promise<T> {
  const answer = await exchange(request);
  let failure: unknown;
  try {
    const chunks: Uint8Array[] = [];
    for await (const chunk of answer) chunks.push(chunk);
    return read(Buffer.concat(chunks), answer);
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    answer.close(failure);
  }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new AnswerError('the answer is not JSON', { cause });
  }
}
