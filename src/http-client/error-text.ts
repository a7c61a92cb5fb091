/** As much of a server's own words as a person reads in a message. */
const LONGEST_TEXT = 200;

/**
 * What the body of an error says, for a message.
 * @param headers of the request: what it was authorized with never stands in the text, also where a server
 * repeats it
 * @returns one line; undefined where there is nothing to read
 */
export function errorText(body: Uint8Array, headers: Readonly<Record<string, string>>): string | undefined {
  const text = Buffer.from(body).toString('utf8');
  // No text; its last character may be cut through.
  if (/[\0\u{FFFD}]/u.test(text.slice(0, -4))) return undefined;
  const line = withoutSecrets(withoutMarkup(text), headers)
    .replaceAll(/[\s\p{C}]+/gu, ' ')
    .trim();
  if (line === '') return undefined;
  return line.length <= LONGEST_TEXT ? line : `${line.slice(0, LONGEST_TEXT)}…`;
}

/**
 * What an answer of another kind than was asked for says, where that is meant for a person: a page or plain
 * text. Data of any form are none, as they may be a patient's.
 */
export function wordsOfPage(
  contentType: string,
  body: Uint8Array,
  headers: Readonly<Record<string, string>>,
): string | undefined {
  return /^\s*text\/(html|plain)\b/i.test(contentType) ? errorText(body, headers) : undefined;
}

/** Of a page, what a person would see. */
function withoutMarkup(text: string): string {
  if (!/^\s*</.test(text)) return text;
  return text.replaceAll(/<(script|style)\b[\s\S]*?(<\/\1\s*>|$)/gi, ' ').replaceAll(/<[^>]*>?/g, ' ');
}

const HIDDEN = '***';

function withoutSecrets(text: string, headers: Readonly<Record<string, string>>): string {
  const secrets = Object.entries(headers)
    .filter(([name]) => /^(authorization|cookie|proxy-authorization)$/i.test(name))
    .flatMap(([, value]) => secretsOf(value))
    .toSorted((a, b) => b.length - a.length);
  const known = secrets.reduce((rest, secret) => rest.replaceAll(secret, HIDDEN), text);
  return known.replaceAll(/\b(Bearer|Basic)\s+[\w.~+/=-]+/gi, `$1 ${HIDDEN}`);
}

function secretsOf(header: string): string[] {
  const [scheme = '', token = ''] = header.split(/\s+/, 2);
  const pair = scheme.toLowerCase() === 'basic' ? Buffer.from(token, 'base64').toString('utf8') : '';
  const password = pair.slice(pair.indexOf(':') + 1);
  // A word of a letter or two would take the message apart.
  return [header, token, pair, password].filter((secret) => secret.length > 2);
}
