/**
 * Text in the encoding of HL7 v2 (2.5.1, 2.5.4 and 2.7): what would end a field, a segment or the frame
 * around the message stands as an escape sequence.
 */
const SEQUENCES: Readonly<Record<string, string>> = {
  '\\': '\\E\\',
  '|': '\\F\\',
  '^': '\\S\\',
  '&': '\\T\\',
  '~': '\\R\\',
};

export const escaped = (text: string): string =>
  text.replaceAll(/[\\|^&~]|\p{Cc}/gu, (character) => SEQUENCES[character] ?? hexadecimal(character));

/** Control characters as the bytes that they are in UTF-8 (2.7.5). */
const hexadecimal = (character: string): string =>
  `\\X${Buffer.from(character, 'utf8').toString('hex').toUpperCase()}\\`;

/** A value that is encoded already: nothing in it is text any more. */
export interface Encoded {
  readonly encoded: string;
}
export type Part = string | Encoded | undefined;

const encodedPart = (part: Part): string => {
  if (part === undefined) return '';
  return typeof part === 'string' ? escaped(part) : part.encoded;
};

const joined =
  (separator: string) =>
  (...parts: readonly Part[]): Encoded => ({
    encoded: parts
      .map(encodedPart)
      .join(separator)
      .replace(new RegExp(`\\${separator}+$`), ''),
  });

/** A field of components, a component of subcomponents, a field that is repeated. */
export const components = joined('^');
export const subcomponents = joined('&');
export const repetitions = joined('~');

/** What the fields of a segment have, by their numbers. */
export type Fields = Readonly<Record<number, Part>>;

/** @param fields from 1 on; for MSH from 3 on, as the first two are the separators themselves */
export function segment(name: string, fields: Fields): string {
  const isHeader = name === 'MSH';
  const first = isHeader ? 3 : 1;
  const last = Math.max(...Object.keys(fields).map(Number));
  const values = Array.from({ length: last - first + 1 }, (_, i) => encodedPart(fields[first + i]));
  return [isHeader ? 'MSH|^~\\&' : name, ...values].join('|').replace(/\|+$/, '');
}
