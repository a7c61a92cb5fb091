import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { z } from 'zod';
import { programPath } from './requires.ts';

/** Repetitions of components of subcomponents. */
type Field = readonly (readonly (readonly string[])[])[];

/** A message as python-hl7 reads it: needs `hl7`. */
export class ReadMessage {
  readonly #segments: readonly (readonly Field[])[];

  constructor(segments: readonly (readonly Field[])[]) {
    this.#segments = segments;
  }

  get names(): (string | undefined)[] {
    return this.#segments.map(([name]) => name?.[0]?.[0]?.[0]);
  }

  /** Numbers count from 1, as in the standard; '' where there is nothing. */
  value(segment: string, field: number, component = 1, repetition = 1, subcomponent = 1): string {
    return valueOf(this.segments(segment)[0], field, component, repetition, subcomponent);
  }

  /** Of each OBX: type, code, sub-id, value, units, status. */
  get observations(): string[][] {
    return this.segments('OBX').map((fields) => [
      valueOf(fields, 2, 1),
      valueOf(fields, 3, 1),
      valueOf(fields, 4, 1),
      valueOf(fields, 5, 1) || valueOf(fields, 5, 2),
      valueOf(fields, 6, 1),
      valueOf(fields, 11, 1),
    ]);
  }

  segments(name: string): (readonly Field[])[] {
    return this.#segments.filter(([first]) => first?.[0]?.[0]?.[0] === name);
  }
}

export const valueOf = (
  fields: readonly Field[] | undefined,
  field: number,
  component = 1,
  repetition = 1,
  subcomponent = 1,
): string => fields?.[field]?.[repetition - 1]?.[component - 1]?.[subcomponent - 1] ?? '';

const answer = z.array(z.array(z.array(z.array(z.array(z.array(z.string()))))));

export function readMessages(texts: readonly string[]): ReadMessage[] {
  const script = path.join(import.meta.dirname, 'read-hl7.py');
  const output = execFileSync(programPath('hl7'), [script], {
    input: JSON.stringify(texts),
    encoding: 'utf8',
  });
  return answer.parse(JSON.parse(output)).map((segments) => new ReadMessage(segments));
}
