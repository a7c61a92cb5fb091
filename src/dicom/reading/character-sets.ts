/** Turns the text of one element, read byte by byte as Latin-1, into Unicode. */
export type TextDecoding = (raw: string) => string;

/** Defined terms of SpecificCharacterSet (PS3.3 C.12.1.1.2) and the WHATWG encodings that hold them. */
const SINGLE_BYTE: Readonly<Record<string, string>> = {
  '6': 'windows-1252', // ASCII; what stands above it in real files is Latin-1
  '100': 'windows-1252',
  '101': 'iso-8859-2',
  '109': 'iso-8859-3',
  '110': 'iso-8859-4',
  '144': 'iso-8859-5',
  '127': 'iso-8859-6',
  '126': 'iso-8859-7',
  '138': 'iso-8859-8',
  '148': 'windows-1254',
  '203': 'iso-8859-15',
  '13': 'shift_jis',
  '166': 'windows-874',
};

/** Complete encodings, which know no escape sequences. */
const WHOLE: Readonly<Record<string, string>> = {
  'ISO IR 192': 'utf-8',
  'ISO 2022 IR 192': 'utf-8', // not the standard's, but there is only one thing that it can mean
  'UTF 8': 'utf-8',
  GB18030: 'gb18030',
  GBK: 'gbk',
};

const ESCAPE = '\x1b';

/**
 * What an escape sequence (PS3.3 tables C.12-3 and C.12-4, PS3.5 6.1.2.5) puts in place for the lower (g0) or
 * the upper (g1) half of the code table. JIS X 0208 and 0212 are decoded as EUC-JP, whose upper half holds
 * the same codes.
 */
const ESCAPES: Readonly<Record<string, { half: 'g0' | 'g1'; encoding: string }>> = {
  '(B': { half: 'g0', encoding: 'ascii' },
  '(J': { half: 'g0', encoding: 'ascii' },
  $B: { half: 'g0', encoding: 'jis-x-0208' },
  '$@': { half: 'g0', encoding: 'jis-x-0208' },
  '$(D': { half: 'g0', encoding: 'jis-x-0212' },
  ')I': { half: 'g1', encoding: 'shift_jis' },
  '-A': { half: 'g1', encoding: 'windows-1252' },
  '-B': { half: 'g1', encoding: 'iso-8859-2' },
  '-C': { half: 'g1', encoding: 'iso-8859-3' },
  '-D': { half: 'g1', encoding: 'iso-8859-4' },
  '-L': { half: 'g1', encoding: 'iso-8859-5' },
  '-G': { half: 'g1', encoding: 'iso-8859-6' },
  '-F': { half: 'g1', encoding: 'iso-8859-7' },
  '-H': { half: 'g1', encoding: 'iso-8859-8' },
  '-M': { half: 'g1', encoding: 'windows-1254' },
  '-b': { half: 'g1', encoding: 'iso-8859-15' },
  '-T': { half: 'g1', encoding: 'windows-874' },
  '$)C': { half: 'g1', encoding: 'euc-kr' },
  '$)A': { half: 'g1', encoding: 'gbk' },
};

/**
 * The decoding for a data set whose SpecificCharacterSet has these values; none means the default repertoire.
 * Where the standard knows a value no more than we do, ASCII is read and every other byte becomes U+FFFD, the
 * replacement character.
 */
export function textDecoding(specificCharacterSet: readonly string[]): TextDecoding {
  const terms = specificCharacterSet.map(normalized);
  const whole = WHOLE[terms[0] ?? ''];
  if (whole) return decodeWith(whole);
  const sets = terms.map((term) => /^(?:ISO |ISO ?2022 )?IR (\d+)$/.exec(term)?.[1] ?? term);
  const unknown = sets.some((set) => set !== '' && !(set in SINGLE_BYTE) && !isMultiByte(set));
  if (unknown) return (raw) => raw.replaceAll(NOT_ASCII, REPLACEMENT);
  const first = SINGLE_BYTE[sets[0] ?? '6'] ?? 'windows-1252';
  const extended = terms.length > 1 || terms[0]?.startsWith('ISO 2022') === true;
  return extended ? (raw) => decodeExtended(raw, first) : decodeWith(first);
}

/** Stands for characters that nobody can tell. */
export const REPLACEMENT = '\ufffd';
// oxlint-disable-next-line no-control-regex -- all of ASCII is meant
const NOT_ASCII = /[^\x00-\x7f]/g;

/** Writers mix up underscores, hyphens and blanks, and leave them out. */
function normalized(term: string): string {
  return term
    .trim()
    .toUpperCase()
    .replaceAll(/[-_ ]+/g, ' ')
    .replace(/^ISO ?(?=IR|2022)/, 'ISO ')
    .replace(/IR(?=\d)/, 'IR ');
}

/** JIS X 0208 and 0212, KS X 1001, GB 2312: reached through escape sequences only. */
function isMultiByte(set: string): boolean {
  return ['87', '159', '149', '58'].includes(set);
}

const decoders = new Map<string, TextDecoder>();

function decodeBytes(encoding: string, bytes: Uint8Array): string {
  const decoder = decoders.get(encoding) ?? new TextDecoder(encoding);
  decoders.set(encoding, decoder);
  return decoder.decode(bytes);
}

function decodeWith(encoding: string): TextDecoding {
  // Most text is ASCII, which every one of these encodings leaves as it is.
  return (raw) => (isAscii(raw) ? raw : decodeBytes(encoding, latin1Bytes(raw)));
}

const ESCAPE_SEQUENCE = new RegExp(
  `${ESCAPE}(${Object.keys(ESCAPES)
    .map((sequence) => sequence.replaceAll(/[$()]/g, '\\$&'))
    .join('|')})`,
);

function decodeExtended(raw: string, initial: string): string {
  if (isAscii(raw) && !raw.includes(ESCAPE)) return raw;
  let g0 = 'ascii';
  let g1 = initial;
  let decoded = '';
  for (const [i, part] of raw.split(ESCAPE_SEQUENCE).entries()) {
    const escape = i % 2 === 1 ? ESCAPES[part] : undefined; // the sequences stand between the runs of text
    if (escape?.half === 'g0') g0 = escape.encoding;
    else if (escape) g1 = escape.encoding;
    else if (g0 !== 'ascii') decoded += decodeRun(part, g0, g1);
    else {
      // Delimiters end what escape sequences began (PS3.5 6.1.2.5.3), unless they are halves of a two-byte
      // character.
      for (const run of part.split(DELIMITED)) {
        decoded += decodeRun(run, g0, g1);
        if (DELIMITERS.includes(run.at(-1) ?? '-')) g1 = initial;
      }
    }
  }
  return decoded;
}

const DELIMITERS = '\\^=\r\n\t\f';
const DELIMITED = /(?<=[\\^=\r\n\t\f])/;

function decodeRun(run: string, g0: string, g1: string): string {
  const bytes = latin1Bytes(run);
  if (g0 === 'ascii') return decodeBytes(g1, bytes);
  const upper = bytes.map((byte) => byte | 0x80);
  if (g0 === 'jis-x-0208') return decodeBytes('euc-jp', upper);
  const SINGLE_SHIFT_3 = 0x8f; // stands before each JIS X 0212 character in EUC-JP
  const shifted = Array.from({ length: upper.length >> 1 }, (_, i) => [
    SINGLE_SHIFT_3,
    ...upper.subarray(2 * i, 2 * i + 2),
  ]);
  return decodeBytes('euc-jp', Uint8Array.from(shifted.flat()));
}

function isAscii(raw: string): boolean {
  // oxlint-disable-next-line no-control-regex -- all of ASCII is meant
  return /^[\x00-\x7f]*$/.test(raw);
}

/** The bytes behind text that was read as Latin-1. */
function latin1Bytes(raw: string): Uint8Array {
  return Buffer.from(raw, 'latin1');
}
