import { MIMEType } from 'node:util';
import { wordsOfPage } from './error-text.ts';
import { AnswerError } from './errors.ts';
import { type Answer, type ExchangeRequest, exchange } from './exchange.ts';
import { type ItemReader, type JsonText, readJson } from './json-items.ts';

export interface WholeAnswer extends Pick<Answer, 'status' | 'headers'> {
  readonly bytes: Uint8Array;
}

/**
 * One exchange whose answer is held in memory.
 * @throws as `exchange`
 */
export function wholeAnswer(request: ExchangeRequest): Promise<WholeAnswer> {
  return taking(request, async (answer) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of answer) chunks.push(chunk);
    return { status: answer.status, headers: answer.headers, bytes: Buffer.concat(chunks) };
  });
}

export interface JsonAnswer extends JsonText {
  readonly status: number;
}

/** As much of an answer that is no JSON as its words are looked for in. */
const BEGINNING_BYTES = 8192;

/**
 * One exchange whose answer is JSON, read while it arrives.
 * @param reader what is kept of each item of a list, or of the one value
 * @throws as `exchange`; AnswerError where it is no JSON, with the words of the page that it is instead, or
 * beyond the limits of `readJson`
 */
export function jsonAnswer(request: ExchangeRequest, reader?: ItemReader): Promise<JsonAnswer> {
  return taking(request, async (answer) => {
    const contentType = String(answer.headers['content-type'] ?? '');
    let beginning: Uint8Array = new Uint8Array();
    const watched = async function* (): AsyncGenerator<Uint8Array> {
      for await (const chunk of answer) {
        if (beginning.length < BEGINNING_BYTES) beginning = Buffer.concat([beginning, chunk]);
        yield chunk;
      }
    };
    try {
      return { status: answer.status, ...(await readJson(watched(), reader, charsetOf(contentType))) };
    } catch (error) {
      if (!(error instanceof AnswerError) || error.message !== 'the answer is not JSON') throw error;
      const words = wordsOfPage(contentType, beginning.subarray(0, BEGINNING_BYTES), request.headers);
      if (words === undefined) throw error;
      throw new AnswerError(`${error.message}: ${words}`, { cause: error });
    }
  });
}

async function taking<T>(request: ExchangeRequest, read: (answer: Answer) => Promise<T>): Promise<T> {
  const answer = await exchange(request);
  let failure: unknown;
  try {
    return await read(answer);
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    answer.close(failure);
  }
}

function charsetOf(contentType: string): string | undefined {
  try {
    return new MIMEType(contentType).params.get('charset') ?? undefined;
  } catch {
    return undefined;
  }
}
